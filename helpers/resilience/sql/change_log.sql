-- A log of changes, written by a trigger in the transaction of the change. helpers/resilience/change_log.py says how it is read.
-- {schema} is the schema that holds it.

create table if not exists {schema}.change_log (
    id bigint generated always as identity primary key,
    xid bigint not null default (pg_current_xact_id()::text::bigint),
    source text not null,
    op text not null,
    row text,
    old_key text,
    at timestamptz not null default clock_timestamp()
);
create index if not exists change_log_by_xid on {schema}.change_log (source, xid, id);

-- Up to which transaction entries have been trimmed.
create table if not exists {schema}.change_log_trimmed (source text primary key, xid bigint not null);

-- Whoever may read the log reads all rows of its tables: without a policy that is the service role only.
alter table {schema}.change_log enable row level security;
alter table {schema}.change_log_trimmed enable row level security;

-- One entry for each row. Its arguments are the columns of the primary key.
-- Whoever writes, with whatever settings, a row is told in the same words and with all digits.
create or replace function {schema}.record_change() returns trigger
language plpgsql security definer set search_path = '' set timezone = 'UTC' set bytea_output = 'hex'
set extra_float_digits = 1 as $$
declare
    before jsonb;
    after jsonb;
    old_key jsonb;
begin
    if tg_op in ('UPDATE', 'DELETE') then before := to_jsonb(old); end if;
    if tg_op in ('INSERT', 'UPDATE') then after := to_jsonb(new); end if;
    if tg_op = 'UPDATE' then
        select jsonb_object_agg(name, before -> name) into old_key from unnest(tg_argv) as name
        where exists (select from unnest(tg_argv) as part where before -> part is distinct from after -> part);
    end if;
    insert into {schema}.change_log (source, op, row, old_key)
    values (tg_table_schema || '.' || tg_table_name, tg_op, coalesce(after, before)::text, old_key::text);
    return null;
end $$;

-- Which course of events this server has: another one after a fail-over, which may lack what was committed last, and
-- after a restore. Empty where nobody may know.
create or replace function {schema}.change_log_history() returns text language plpgsql stable set search_path = '' as $$
begin
    return (select s.system_identifier || '/' || c.timeline_id from pg_control_system() s, pg_control_checkpoint() c);
exception when insufficient_privilege then
    return '';
end $$;

-- A page of the log as one document, read in one snapshot.
create or replace function {schema}.change_log_page(
    source text, horizon bigint, seen bigint[], after bigint, most integer
) returns jsonb language sql stable set search_path = '' as $$
    select jsonb_build_object(
        'history', {schema}.change_log_history(),
        'horizon', pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
        'trimmed', coalesce((select t.xid from {schema}.change_log_trimmed t where t.source = $1), 0),
        'entries', coalesce((
            select jsonb_agg(to_jsonb(entry) order by entry.id)
            from (
                select l.id, l.xid, l.op, l.row, l.old_key from {schema}.change_log l
                where l.source = $1 and l.xid >= $2 and l.id > $4
                and not exists (select from unnest($3) as s(id) where s.id = l.id)
                order by l.id limit $5
            ) entry
        ), '[]')
    )
$$;

-- Where to begin: the present horizon, and the entries above it that can be seen already.
create or replace function {schema}.change_log_now(source text) returns jsonb language sql stable set search_path = '' as $$
    select jsonb_build_object(
        'history', {schema}.change_log_history(),
        'horizon', pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
        'visible', coalesce((
            select jsonb_agg(jsonb_build_array(l.id, l.xid)) from {schema}.change_log l
            where l.source = $1 and l.xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ), '[]')
    )
$$;

-- Delete entries that were written before a moment; who was away for longer has to read the table anew.
create or replace function {schema}.change_log_trim(before timestamptz) returns bigint
language sql set search_path = '' as $$
    with gone as (delete from {schema}.change_log l where l.at < $1 returning l.source, l.xid),
    noted as (
        insert into {schema}.change_log_trimmed as t (source, xid) select g.source, max(g.xid) from gone g group by 1
        on conflict on constraint change_log_trimmed_pkey do update set xid = greatest(t.xid, excluded.xid)
    )
    select count(*) from gone
$$;

revoke all on function {schema}.record_change(), {schema}.change_log_trim(timestamptz) from public;
