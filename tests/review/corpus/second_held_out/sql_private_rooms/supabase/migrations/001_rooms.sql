create table rooms (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  is_open boolean not null default true
);

alter table rooms enable row level security;

create policy "open rooms are readable"
  on rooms for select
  to authenticated
  using (true);
