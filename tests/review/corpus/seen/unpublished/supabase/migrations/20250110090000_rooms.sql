create table rooms (
  id bigserial primary key,
  name text not null
);

create table messages (
  id bigserial primary key,
  room_id bigint not null references rooms (id),
  text_de text,
  sent_at timestamptz not null default now()
);

create table reactions (
  id bigserial primary key,
  message_id bigint not null references messages (id),
  room_id bigint not null references rooms (id),
  emoji text not null
);

begin;
  drop publication if exists supabase_realtime;
  create publication supabase_realtime;
commit;
alter publication supabase_realtime add table messages;
