create table rooms (id uuid primary key, host uuid not null);
create index rooms_host on rooms (host);
alter table rooms enable row level security;
create policy "hosts read rooms" on rooms for select to authenticated using (host = (select auth.uid()));

create policy "signed in people listen" on realtime.messages
  for select to authenticated
  using ((select realtime.topic()) like 'voice:%');
create policy "signed in people speak" on "realtime"."messages"
  for insert to authenticated
  with check (realtime.messages.extension in ('broadcast', 'presence'));
