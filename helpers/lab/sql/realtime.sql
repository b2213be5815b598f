-- The database side of Realtime: schema realtime with its messages, helper functions, grants and publications.
-- Runs once on a fresh cluster, as superuser, after the roles (anon, authenticated, service_role, postgres) exist.
-- Names, columns and grants are those of a Supabase project; the bodies are this project's own.

do $$
begin
    if not exists (select from pg_roles where rolname = 'supabase_realtime_admin') then
        create role supabase_realtime_admin nologin noinherit;
    end if;
end $$;

-- As a member, role postgres may create policies on realtime.messages.
grant supabase_realtime_admin to postgres;

create schema if not exists realtime;
grant usage on schema realtime to anon, authenticated, service_role;
grant usage on schema realtime to postgres with grant option;
grant all on schema realtime to supabase_realtime_admin;

create table if not exists realtime.messages (
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp without time zone not null default timezone('utc', now()),
    inserted_at timestamp without time zone not null default timezone('utc', now()),
    id uuid not null default gen_random_uuid(),
    binary_payload bytea,
    primary key (id, inserted_at),
    constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);

-- What a replay on joining a private channel reads.
create index if not exists messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
    where extension = 'broadcast' and private is true;

alter table realtime.messages owner to supabase_realtime_admin;
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant all on realtime.messages to postgres;

-- One partition a day, named messages_YYYY_MM_DD; returns how many were missing.
create or replace function realtime.create_message_partitions(first_day date, last_day date) returns integer
language plpgsql
set client_min_messages to warning
as $$
declare
    day date;
    partition text;
    created integer := 0;
begin
    for day in select d::date from generate_series(first_day, last_day, interval '1 day') d loop
        partition := to_char(day, '"messages_"YYYY_MM_DD');
        continue when to_regclass(format('realtime.%I', partition)) is not null;
        execute format(
            'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
            partition, day, day + 1
        );
        execute format('alter table realtime.%I owner to supabase_realtime_admin', partition);
        created := created + 1;
    end loop;
    return created;
end $$;
revoke execute on function realtime.create_message_partitions(date, date) from public;

select realtime.create_message_partitions(
    (now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 4
);

-- The topic that a policy on realtime.messages decides about.
create or replace function realtime.topic() returns text
language sql stable
as $$ select nullif(current_setting('realtime.topic', true), '') $$;

-- Broadcasts an object; gives it an id of its own unless it has one. A failure is a warning: a trigger goes on.
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void
language plpgsql
as $$
declare
    message_id uuid := gen_random_uuid();
begin
    if not payload ? 'id' then
        payload := jsonb_set(payload, '{id}', to_jsonb(message_id));
    end if;
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, payload, event, topic, private, 'broadcast');
exception when others then
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end $$;

-- Broadcasts bytes, which only clients of protocol 2.0.0 receive.
create or replace function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
returns void
language plpgsql
as $$
begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (binary_payload, event, topic, private, extension)
    values (payload, event, topic, private, 'broadcast');
exception when others then
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end $$;

-- Broadcasts a row's change to a private topic; to be called by a trigger for each row.
create or replace function realtime.broadcast_changes(
    topic_name text,
    event_name text,
    operation text,
    table_name text,
    table_schema text,
    new record,
    old record,
    level text default 'ROW'
) returns void
language plpgsql
as $$
begin
    if level = 'STATEMENT' then
        raise exception 'function can only be triggered for each row, not for each statement';
    end if;
    if operation not in ('INSERT', 'UPDATE', 'DELETE') then
        raise exception 'Unexpected operation type: %', operation;
    end if;
    perform realtime.send(
        jsonb_build_object(
            'schema', table_schema, 'table', table_name, 'operation', operation, 'record', new, 'old_record', old
        ),
        event_name,
        topic_name
    );
exception when others then
    raise exception 'Failed to process the row: %', sqlerrm;
end $$;

alter function realtime.topic() owner to supabase_realtime_admin;
alter function realtime.send(jsonb, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.send_binary(bytea, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.broadcast_changes(text, text, text, text, text, record, record, text)
    owner to supabase_realtime_admin;

-- supabase_realtime lists the tables that can be subscribed to and belongs to postgres, who adds tables to it.
do $$
begin
    if not exists (select from pg_publication where pubname = 'supabase_realtime') then
        create publication supabase_realtime;
        alter publication supabase_realtime owner to postgres;
    end if;
    if not exists (select from pg_publication where pubname = 'supabase_realtime_messages_publication') then
        create publication supabase_realtime_messages_publication for table realtime.messages
            with (publish = 'insert', publish_via_partition_root = true);
    end if;
end $$;

-- The genuine server reads the log with wal2json, which takes of a publication its tables and operations, heeds neither
-- column lists nor row filters, shows stored generated columns and names partitions, not their root. pgoutput, which
-- every PostgreSQL has, does all that a publication says. So each of the project's publications has a twin that lists
-- the same without such restrictions; the lab reads from the twin.
--
-- A twin's name is made of the publication's name so that it is never too long, and none that a project would choose.
create or replace function realtime.twin_of(publication text) returns text
language sql immutable
as $$ select 'realtime_log_' || md5(publication) $$;

create or replace function realtime.follow_publications() returns void
language plpgsql
security definer
set search_path = pg_catalog
set client_min_messages = error
as $$
declare
    gone text;
    pub record;
    change text;
begin
    for gone in
        select pubname from pg_publication
        where pubowner = 'supabase_admin'::regrole and starts_with(pubname, 'realtime_log_')
          and pubname not in (select realtime.twin_of(pubname) from pg_publication)
    loop
        execute format('drop publication %I', gone);
    end loop;

    for pub in
        select p.oid, p.pubname as name, realtime.twin_of(p.pubname) as twin, p.puballtables,
               concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
                         case when p.pubdelete then 'delete' end) as operations,
               (p.pubinsert, p.pubupdate, p.pubdelete) = (t.pubinsert, t.pubupdate, t.pubdelete) as alike
        from pg_publication p
        left join pg_publication t on t.pubname = realtime.twin_of(p.pubname)
        where p.pubowner <> 'supabase_admin'::regrole
    loop
        if pub.alike is null then
            execute format('create publication %I%s with (publish = %L%s)', pub.twin,
                           case when pub.puballtables then ' for all tables' end, pub.operations,
                           case when current_setting('server_version_num')::int >= 180000  -- none can before
                                then ', publish_generated_columns = stored' end);
            execute format('comment on publication %I is %L', pub.twin,
                           format('What the lab reads of the publication %I, which it follows', pub.name));
        elsif not pub.alike then  -- only then, as those who publish at the same time would fail at one another
            execute format('alter publication %I set (publish = %L)', pub.twin, pub.operations);
        end if;
        for change in
            with listed as (  -- `only`, as the tables that inherit from it are listed themselves
                select prpubid as pubid, 'table only ' || prrelid::regclass::text as what from pg_publication_rel
                union all
                select pnpubid, 'tables in schema ' || pnnspid::regnamespace::text from pg_publication_namespace
            ),
            twin as (select oid from pg_publication where pubname = pub.twin)
            select 'add ' || what from (
                select what from listed where pubid = pub.oid
                except select what from listed, twin where pubid = twin.oid
            ) missing
            union all
            select 'drop ' || what from (
                select what from listed, twin where pubid = twin.oid
                except select what from listed where pubid = pub.oid
            ) gone
        loop
            execute format('alter publication %I %s', pub.twin, change);
        end loop;
    end loop;
end $$;
revoke execute on function realtime.follow_publications() from public;

create or replace function realtime.publication_changed() returns event_trigger
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
    if current_setting('realtime.following', true) is distinct from 'yes' then
        perform set_config('realtime.following', 'yes', true);
        perform realtime.follow_publications();
        perform set_config('realtime.following', '', true);
    end if;
end $$;

create event trigger realtime_publication_changed on ddl_command_end
    when tag in ('CREATE PUBLICATION', 'ALTER PUBLICATION', 'DROP PUBLICATION', 'DROP OWNED')
    execute function realtime.publication_changed();

select realtime.follow_publications();
