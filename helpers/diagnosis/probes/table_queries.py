"""What is asked about tables. Each query answers for all of them at once, so that thousands take no longer to ask."""

from __future__ import annotations

__all__ = [
    "BROADCASTS",
    "COLUMNS",
    "INDEXES",
    "LIMITS_OF_PUBLICATION",
    "POLICIES",
    "POLICY_FUNCTIONS",
    "POLICY_READS",
    "RELATIONS",
    "SECURED",
    "TRUNCATING",
    "VIEWED",
    "WIDTHS",
]

#: One row for each name asked for, whether there is such a thing or not.
RELATIONS = """
select asked.schema, asked."table", c.oid::int8 as oid, c.relkind::text as kind, c.relpersistence = 'p' as logged,
       c.relrowsecurity as rls, c.relreplident::text as identity, c.reltuples::float8 as rows,
       pg_get_userbyid(c.relowner)::text as owner,
       coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) as large_bytes,
       array(select r.rolname::text from pg_roles r
              where r.rolname = any(%(roles)s) and has_schema_privilege(r.oid, n.oid, 'USAGE')
                and has_any_column_privilege(r.oid, c.oid, 'SELECT') order by 1) as select_roles,
       array(select r.rolname::text from pg_roles r
              where r.rolname = any(%(roles)s) and has_schema_privilege(r.oid, n.oid, 'USAGE')
                and has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE') order by 1) as write_roles
  from unnest(%(schemas)s::text[], %(tables)s::text[]) with ordinality as asked(schema, "table", number)
  left join pg_namespace n on n.nspname = asked.schema
  left join pg_class c on c.relnamespace = n.oid and c.relname = asked."table"
       and c.relkind in ('r', 'p', 'v', 'm', 'f')
 order by asked.number
"""

#: An array's labels are those of its elements.
COLUMNS = """
select a.attrelid::int8 as oid, a.attname::text as name, t.typname::text as type, tn.nspname::text as type_schema,
       exists (select from pg_depend d join pg_class q on q.oid = d.objid and q.relkind = 'S'
                where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
                  and d.deptype in ('a', 'i') and d.refobjid = a.attrelid and d.refobjsubid = a.attnum) as counted,
       case when t.typtype = 'e' or t.typelem <> 0
            then array(select e.enumlabel::text from pg_enum e where e.enumtypid in (t.oid, t.typelem)
                        order by e.enumsortorder)
            else '{}' end as labels,
       array(select r.rolname::text from pg_roles r
              where r.rolname = any(%(roles)s) and has_column_privilege(r.oid, a.attrelid, a.attnum, 'SELECT')
              order by 1) as readable_by,
       a.attlen = -1 and a.attstorage in ('x', 'e') as can_be_large
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  join pg_namespace tn on tn.oid = t.typnamespace
 where a.attrelid = any(%(oids)s::oid[]) and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum
"""

WIDTHS = """
select s.schemaname::text as schema, s.tablename::text as "table", s.attname::text as name, s.avg_width as width
  from pg_stats s
 where (s.schemaname, s.tablename) in (select * from unnest(%(schemas)s::name[], %(tables)s::name[]))
   and not s.inherited
"""

INDEXES = """
select i.indrelid::int8 as oid, i.indisprimary as primary, i.indisreplident as identity,
       i.indisvalid and i.indpred is null as whole,
       array(select coalesce(a.attname::text, '')
               from unnest(i.indkey::int2[]) with ordinality k(number, position)
               left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
              where k.position <= i.indnkeyatts
              order by k.position) as columns
  from pg_index i
 where i.indrelid = any(%(oids)s::oid[])
"""

#: Column lists and conditions on rows came with PostgreSQL 15.
LIMITS_OF_PUBLICATION = """
select pr.prrelid::int8 as oid, coalesce(pg_get_expr(pr.prqual, pr.prrelid), '') as row_filter,
       case when pr.prattrs is not null then array(
         select a.attname::text from pg_attribute a where a.attrelid = pr.prrelid and a.attnum = any(pr.prattrs)
          order by a.attnum) end as columns
  from pg_publication_rel pr join pg_publication p on p.oid = pr.prpubid
 where p.pubname = 'supabase_realtime' and (pr.prattrs is not null or pr.prqual is not null)
"""

POLICIES = """
select p.oid::int8 as oid, p.polrelid::int8 as "table", p.polname::text as name, p.polpermissive as permissive,
       case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE'
            else 'ALL' end as command,
       array(select case when given = 0 then 'public' else pg_get_userbyid(given)::text end
               from unnest(p.polroles) given) as roles,
       coalesce(pg_get_expr(p.polqual, p.polrelid), '') as using,
       coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as check
  from pg_policy p
 where p.polrelid = any(%(oids)s::oid[])
 order by p.polrelid, p.polname
"""

#: The project's own functions: not those of PostgreSQL, of Supabase or of extensions.
POLICY_FUNCTIONS = """
select distinct d.objid::int8 as policy, n.nspname::text as schema, f.proname::text as name,
       pg_get_function_identity_arguments(f.oid) as arguments,
       case f.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
       f.prosecdef as definer,
       f.prosqlbody is not null or exists (select from unnest(f.proconfig) c where c like 'search_path=%%') as has_path,
       coalesce(pg_get_function_sqlbody(f.oid), f.prosrc, '') as body
  from pg_depend d
  join pg_policy p on p.oid = d.objid
  join pg_proc f on f.oid = d.refobjid
  join pg_namespace n on n.oid = f.pronamespace
 where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass
   and p.polrelid = any(%(oids)s::oid[])
   and n.nspname not in ('pg_catalog', 'information_schema', 'auth', 'realtime', 'storage', 'extensions')
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = f.oid
                      and e.deptype = 'e')
"""

POLICY_READS = """
select distinct d.objid::int8 as policy, n.nspname::text as schema, c.relname::text as "table",
       a.attname::text as name
  from pg_depend d
  join pg_policy p on p.oid = d.objid
  join pg_class c on c.oid = d.refobjid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
 where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
   and p.polrelid = any(%(oids)s::oid[])
 order by 1, 2, 3, 4
"""

SECURED = """
select n.nspname::text as schema, c.relname::text as "table"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relrowsecurity
"""

BROADCASTS = """
select t.tgrelid::int8 as oid, t.tgname::text as trigger, pg_get_triggerdef(t.oid) as definition,
       t.tgtype::int & 1 = 1 as for_each_row, n.nspname::text as schema, f.proname::text as name,
       pg_get_function_identity_arguments(f.oid) as arguments, f.prosecdef as definer, f.prosrc as body
  from pg_trigger t
  join pg_proc f on f.oid = t.tgfoid
  join pg_namespace n on n.oid = f.pronamespace
 where t.tgrelid = any(%(oids)s::oid[]) and not t.tgisinternal and t.tgenabled <> 'D'
   and f.prosrc ~ 'realtime\\.(send|send_binary|broadcast_changes)\\M'
 order by 1, 2
"""

TRUNCATING = """
select pg_get_functiondef(f.oid) as definition, f.prosrc as body
  from pg_proc f join pg_namespace n on n.oid = f.pronamespace
 where f.prosrc ~* '\\mtruncate\\M' and f.prokind in ('f', 'p') and f.prosqlbody is null
   and n.nspname not in ('pg_catalog', 'information_schema', 'auth', 'realtime', 'storage', 'extensions')
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = f.oid
                      and e.deptype = 'e')
 order by f.oid
"""

VIEWED = """
select distinct r.ev_class::int8 as oid, n.nspname::text as schema, c.relname::text as "table"
  from pg_rewrite r
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
  join pg_class c on c.oid = d.refobjid and c.oid <> r.ev_class and c.relkind in ('r', 'p')
  join pg_namespace n on n.oid = c.relnamespace
 where r.ev_class = any(%(oids)s::oid[])
 order by 1, 2, 3
"""
