create table rooms (id uuid primary key, host uuid not null);
create index rooms_host on rooms (host);
alter table rooms enable row level security;
create policy "hosts read rooms" on rooms for select to authenticated using (host = (select auth.uid()));
