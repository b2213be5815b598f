"""What is asked about the server: PostgreSQL 14 to 18, and no right that an ordinary role lacks."""

from __future__ import annotations

__all__ = [
    "CONNECTIONS",
    "DEFAULTS",
    "EXISTS",
    "HELD",
    "LIMITED_ROLES",
    "MESSAGES",
    "PREPARED",
    "PUBLICATION",
    "PUBLISHED",
    "REPLICATION_SLOTS",
    "SERVER",
    "SLOTS",
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
       pubviaroot as via_root, pg_get_userbyid(pubowner)::text as owner, pg_has_role(pubowner, 'USAGE') as ours
  from pg_publication
 where pubname = 'supabase_realtime'
"""

#: All tables of the publication, and of a partition the table that it is a part of.
PUBLISHED = """
select p.schemaname::text as schema, p.tablename::text as "table",
       rn.nspname::text as root_schema, r.relname::text as root_table
  from pg_publication_tables p
  join pg_namespace n on n.nspname = p.schemaname
  join pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
  left join pg_class r on c.relispartition and r.oid = pg_partition_root(c.oid)
  left join pg_namespace rn on rn.oid = r.relnamespace
 where p.pubname = 'supabase_realtime'
 order by 1, 2
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

#: `reserved_connections` came with PostgreSQL 16.
CONNECTIONS = """
select (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as used,
       current_setting('max_connections')::int as "limit",
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0) as kept
"""

LIMITED_ROLES = """
select r.rolname::text as role, r.rolconnlimit as "limit", count(a.pid)::int as used
  from pg_roles r left join pg_stat_activity a on a.usesysid = r.oid and a.backend_type = 'client backend'
 where r.rolconnlimit >= 0 and r.rolcanlogin
 group by 1, 2
 order by 1
"""

#: Reading alone keeps no WAL, but an open transaction that has written or waits idly does.
HELD = """
select extract(epoch from clock_timestamp() - xact_start)::float8 as age_s, coalesce(usename::text, '') as role,
       coalesce(state, '') as state, pid, coalesce(application_name, '') as application
  from pg_stat_activity
 where backend_type = 'client backend' and pid <> pg_backend_pid() and xact_start is not null
   and (backend_xid is not null or state like 'idle in transaction%%')
 order by 1 desc
 limit %(most)s
"""

PREPARED = """
select extract(epoch from clock_timestamp() - prepared)::float8 as age_s, owner::text as role, gid as prepared
  from pg_prepared_xacts
 where database = current_database()
 order by 1 desc
 limit %(most)s
"""

#: The days of partitions are those of UTC. The schema's grant counts, as nobody gets past it.
MESSAGES = """
select c.oid::int8 as oid, c.relrowsecurity as rls, c.relkind = 'p' as partitioned, day::text as day,
       array(select wanted::text
               from unnest(array[to_char(day, '"messages_"YYYY_MM_DD'), to_char(day + 1, '"messages_"YYYY_MM_DD')])
                      wanted
              where not exists (select from pg_inherits i join pg_class part on part.oid = i.inhrelid
                                 where i.inhparent = c.oid and part.relname = wanted)) as missing,
       to_char(day, '"messages_"YYYY_MM_DD') as today,
       array(select r.rolname::text from pg_roles r
              where r.rolname = any(%(roles)s) and has_schema_privilege(r.oid, n.oid, 'USAGE')
                and has_table_privilege(r.oid, c.oid, 'SELECT') order by 1) as select_roles,
       array(select r.rolname::text from pg_roles r
              where r.rolname = any(%(roles)s) and has_schema_privilege(r.oid, n.oid, 'USAGE')
                and has_table_privilege(r.oid, c.oid, 'INSERT') order by 1) as insert_roles
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace, cast(now() at time zone 'utc' as date) day
 where n.nspname = 'realtime' and c.relname = 'messages' and c.relkind in ('r', 'p')
"""

DEFAULTS = """
select pg_get_userbyid(d.defaclrole)::text as owner, coalesce(n.nspname::text, '') as schema,
       array_agg(distinct r.rolname::text) as roles
  from pg_default_acl d
  left join pg_namespace n on n.oid = d.defaclnamespace, aclexplode(d.defaclacl) given
  join pg_roles r on r.oid = given.grantee
 where d.defaclobjtype = 'r' and given.privilege_type = 'SELECT' and r.rolname = any(%(roles)s)
 group by 1, 2
 order by 1, 2
"""
