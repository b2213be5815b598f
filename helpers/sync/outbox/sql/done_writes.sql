-- Writes that are done, by their idempotency keys: a row here is committed together with what the write did.
-- {schema} is the schema that holds it.

create table if not exists {schema}.done_writes (
    id text primary key,
    xid bigint not null default (pg_current_xact_id()::text::bigint),
    answer text not null default '{}',
    at timestamptz not null default now()
);
create index if not exists done_writes_by_age on {schema}.done_writes (at);

-- Nobody but the owner and the service role has any business here.
alter table {schema}.done_writes enable row level security;
