create type message_kind as enum ('text', 'image', 'system');
create type member_role as enum ('owner', 'moderator', 'member');

create table profiles (
  id uuid primary key,
  name text not null,
  created_at timestamptz(3) not null default now()
);

create table rooms (
  id bigserial primary key,
  name text not null,
  topic text,
  is_open boolean not null default true,
  created_at timestamptz(3) not null default now()
);

create table members (
  room_id bigint not null references rooms (id) on delete cascade,
  user_id uuid not null,
  role member_role not null default 'member',
  joined_at timestamptz(3) not null default now(),
  primary key (room_id, user_id)
);

create table messages (
  id bigserial primary key,
  room_id bigint not null references rooms (id) on delete cascade,
  author uuid not null,
  body text not null,
  kind message_kind not null default 'text',
  meta jsonb not null default '{}',
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);

create table events (
  id bigserial primary key,
  room_id bigint not null,
  sent_at timestamptz(6) not null default now(),
  seq bigint not null default 0,
  body text not null default '',
  meta jsonb not null default '{}'
);
