create schema if not exists odd;
create type odd."mood kinds" as enum ('très bien', 'it''s "bad"', 'SOSO');
create table odd."odd map's" (
    "the class's" bigint not null,
    "défaut" text not null,
    "the mood" odd."mood kinds" not null default 'SOSO',
    small smallint not null,
    real real,
    double double precision,
    exact numeric(30, 12) not null,
    price numeric(10, 2),
    day date,
    hour time(3),
    local timestamp(6),
    moment timestamptz(6),
    blob bytea,
    meta jsonb,
    shape circle,
    secret text,
    code char(5),
    address inet,
    bits bit(4),
    words text[],
    numbers bigint[],
    moods odd."mood kinds"[],
    flag boolean not null default false,
    modified_at timestamptz(3) not null default now(),
    constraint odd_pkey primary key ("the class's", "défaut")
);
create table odd.user_profile (id uuid primary key, model text not null);
alter publication supabase_realtime add table odd."odd map's";
grant usage on schema odd to anon, authenticated, service_role;
grant select on all tables in schema odd to anon, authenticated, service_role;
