create table notifications (
  id bigserial primary key,
  user_id uuid not null,
  text text not null,
  is_read boolean not null default false,
  created_at timestamptz(3) not null default now()
);

alter table notifications enable row level security;

grant select, update on notifications to authenticated;
grant all on notifications to service_role;
grant usage, select on sequence notifications_id_seq to service_role;

create policy "own notifications" on notifications
  for select to authenticated using (user_id = auth.uid());

create policy "mark own notifications" on notifications
  for update to authenticated using (user_id = auth.uid());
