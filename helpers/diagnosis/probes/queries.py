"""What is asked of the catalogs: PostgreSQL 14 to 18, and no right that an ordinary role lacks."""

from __future__ import annotations

__all__ = [
    "CONNECTIONS",
    "EXISTS",
    "PUBLICATION",
    "PUBLISHED",
    "REPLICATION_SLOTS",
    "SERVER",
    "SLOTS",
    "TABLES",
    "TOPIC_POLICIES",
    "WAL_SENDERS",
]

SERVER = """
select current_setting('server_version') as version, current_user::text as role,
       (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as bypasses_rls,
       current_setting('wal_level') as wal_level,
       pg_size_bytes(current_setting('max_slot_wal_keep_size')) as keep_bytes
"""

PUBLICATION = """
select puballtables as all_tables, pubinsert as insert, pubupdate as update, pubdelete as delete,
       (select count(*) from pg_publication_tables t where t.pubname = p.pubname) as tables
  from pg_publication p
 where pubname = 'supabase_realtime'
"""

PUBLISHED = """
select schemaname as schema, tablename as "table"
  from pg_publication_tables
 where pubname = 'supabase_realtime'
 order by 1, 2
 limit %(most)s
"""

#: One row for each name asked for, whether the table exists or not.
TABLES = """
select asked.schema, asked."table", c.oid is not null as exists,
       exists (select from pg_publication_tables p
                where p.pubname = 'supabase_realtime' and p.schemaname = asked.schema and p.tablename = asked."table")
         as published,
       case c.relreplident when 'f' then 'full' when 'i' then 'index' when 'n' then 'nothing' else 'default' end
         as replica_identity,
       array(select a.attname::text
               from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
              where i.indrelid = c.oid and i.indisprimary
              order by array_position(i.indkey::int2[], a.attnum))
         as primary_key,
       coalesce((select json_agg(json_build_object(
                          'name', a.attname, 'type', t.typname, 'type_schema', t.typnamespace::regnamespace::text,
                          'counted', exists (select from pg_depend d
                                               join pg_class q on q.oid = d.objid and q.relkind = 'S'
                                              where d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
                                                and d.refobjid = c.oid and d.refobjsubid = a.attnum),
                          'labels', array(select e.enumlabel from pg_enum e where e.enumtypid = t.oid
                                           order by e.enumsortorder),
                          'average_bytes', (select s.avg_width from pg_stats s
                                             where s.schemaname = asked.schema and s.tablename = asked."table"
                                               and s.attname = a.attname))
                        order by a.attnum)
                   from pg_attribute a join pg_type t on t.oid = a.atttypid
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
       coalesce(c.relrowsecurity, false) as rls,
       coalesce((select json_agg(json_build_object(
                          'name', p.policyname, 'command', p.cmd, 'roles', p.roles,
                          'using', coalesce(p.qual, ''), 'check', coalesce(p.with_check, ''))
                        order by p.policyname)
                   from pg_policies p where p.schemaname = asked.schema and p.tablename = asked."table"), '[]')
         as policies,
       array(select r.rolname::text from pg_roles r
              where r.rolname = any(%(roles)s) and c.oid is not null
                and has_schema_privilege(r.oid, c.relnamespace, 'USAGE') and has_table_privilege(r.oid, c.oid, 'SELECT')
              order by 1) as select_roles
  from unnest(%(schemas)s::text[], %(tables)s::text[]) with ordinality as asked(schema, "table", number)
  left join pg_namespace n on n.nspname = asked.schema
  left join pg_class c on c.relnamespace = n.oid and c.relname = asked."table" and c.relkind in ('r', 'p')
 order by asked.number
"""

EXISTS = """
select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = %(schema)s and c.relname = %(table)s) as exists
"""

SLOTS = """
select slot_name::text as name, active, coalesce(wal_status, '') as wal_status,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint as lag_bytes
  from pg_replication_slots
 order by 1
"""

REPLICATION_SLOTS = """
select (select count(*) from pg_replication_slots)::int as used,
       current_setting('max_replication_slots')::int as "limit"
"""

WAL_SENDERS = """
select (select count(*) from pg_stat_replication)::int as used, current_setting('max_wal_senders')::int as "limit"
"""

CONNECTIONS = """
select (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as used,
       current_setting('max_connections')::int as "limit"
"""

TOPIC_POLICIES = """
select coalesce((select json_agg(json_build_object(
                          'name', p.policyname, 'command', p.cmd, 'roles', p.roles,
                          'using', coalesce(p.qual, ''), 'check', coalesce(p.with_check, ''))
                        order by p.policyname)
                   from pg_policies p where p.schemaname = 'realtime' and p.tablename = 'messages'), '[]') as policies
 where to_regclass('realtime.messages') is not null
"""
