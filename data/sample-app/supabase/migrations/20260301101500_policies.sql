grant usage on schema public to anon, authenticated, service_role;
grant all on profiles, rooms, members, messages, events to service_role;
grant select on profiles, rooms, members, messages, events to authenticated;
grant select on events to anon;
grant insert, delete on members to authenticated;
grant insert, update, delete on messages to authenticated;
grant usage, select on all sequences in schema public to authenticated, service_role;

alter table profiles enable row level security;
alter table rooms enable row level security;
alter table members enable row level security;
alter table messages enable row level security;

create policy "profiles are public" on profiles
  for select to authenticated using (true);

create policy "open rooms and own rooms" on rooms
  for select to authenticated
  using (is_open or exists (
    select 1 from members where members.room_id = rooms.id and members.user_id = auth.uid()
  ));

create policy "members are public" on members
  for select to authenticated using (true);

create policy "join as yourself" on members
  for insert to authenticated with check (user_id = auth.uid());

create policy "leave" on members
  for delete to authenticated using (user_id = auth.uid());

create policy "members read messages" on messages
  for select to authenticated
  using (exists (
    select 1 from members where members.room_id = messages.room_id and members.user_id = auth.uid()
  ));

create policy "members write messages" on messages
  for insert to authenticated
  with check (author = auth.uid() and exists (
    select 1 from members where members.room_id = messages.room_id and members.user_id = auth.uid()
  ));

create policy "authors edit messages" on messages
  for update to authenticated using (author = auth.uid());

create policy "authors delete messages" on messages
  for delete to authenticated using (author = auth.uid());
