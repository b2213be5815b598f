"""Reads what the catalogs say about the table, its publications and the role: PostgreSQL 14 to 18."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from helpers.diagnosis.arrival.facts import Listing, Policy, RoleFacts, TableColumn, TableFacts
from helpers.diagnosis.evidence import TableName

__all__ = ["PUBLICATION", "read_table", "role_exists", "tables_alike"]

#: The publication whose tables Realtime sends.
PUBLICATION = "supabase_realtime"

_TABLE = """
select c.oid::int8 as oid, c.relkind::text as kind, c.relrowsecurity as rls,
       case c.relreplident when 'f' then 'full' when 'i' then 'index' when 'n' then 'nothing' else 'default' end
         as replica_identity
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = %(schema)s and c.relname = %(table)s and c.relkind in ('r', 'p')
"""

_COLUMNS = """
select a.attname::text as name, t.typname::text as type_name, format_type(t.oid, null) as type_sql,
       format_type(a.atttypid, a.atttypmod) as stored_sql, t.oid::int8 as type_oid, a.attgenerated = 'v' as virtual,
       case when a.attgenerated = 's' then pg_get_expr(d.adbin, d.adrelid) else '' end as computed,
       coalesce(has_column_privilege(%(role)s::name, c.oid, a.attnum, 'select'), false) as readable,
       coalesce(a.attnum = any(pk.indkey), false) as in_key,
       case c.relreplident when 'f' then true when 'd' then coalesce(a.attnum = any(pk.indkey), false)
            when 'i' then coalesce(a.attnum = any(ri.indkey), false) else false end as in_identity,
       case when a.attgenerated = '' then coalesce(pg_get_expr(d.adbin, d.adrelid), '') else '' end as "default",
       coalesce((select format('%%I.%%I', s.schemaname, s.sequencename) from pg_sequences s
                  where format('%%I.%%I', s.schemaname, s.sequencename)
                        = pg_get_serial_sequence(format('%%I.%%I', n.nspname, c.relname), a.attname)), '') as sequence
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  left join pg_index pk on pk.indrelid = c.oid and pk.indisprimary
  left join pg_index ri on ri.indrelid = c.oid and ri.indisreplident
 where c.oid = %(oid)s::int8::oid
 order by a.attnum
"""

#: Policies that a SELECT asks: those of SELECT and of ALL.
_POLICIES = """
select p.polname::text as name, p.polpermissive as permissive,
       array(select case when r = 0 then 'public' else pg_get_userbyid(r)::text end from unnest(p.polroles) r) as roles,
       coalesce(pg_get_expr(p.polqual, p.polrelid), '') as "using",
       exists (select from unnest(p.polroles) r where r = 0 or pg_has_role(%(role)s::name, r, 'usage')) as applies
  from pg_policy p
 where p.polrelid = %(oid)s::int8::oid and p.polcmd in ('r', '*')
 order by p.polname
"""

#: A publication's own lists and filters exist since PostgreSQL 15.
_LISTINGS = """
select p.pubname::text as publication,
       array_remove(array[case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
                          case when p.pubdelete then 'delete' end], null) as operations,
       {columns} as columns, {row_filter} as row_filter, {filter_columns} as filter_columns,
       {publishes_computed} as publishes_computed
  from pg_publication p
  join pg_publication_tables t on t.pubname = p.pubname
  left join pg_publication_rel r on r.prpubid = p.oid and r.prrelid = %(oid)s::int8::oid
 where t.schemaname = %(schema)s and t.tablename = %(table)s
"""
_SINCE_15 = {
    "columns": """case when r.prattrs is null then null else array(select a.attname::text from pg_attribute a
                   where a.attrelid = r.prrelid and a.attnum = any(r.prattrs::int2[])
                   order by a.attnum) end""",
    "row_filter": "coalesce(pg_get_expr(r.prqual, r.prrelid), '')",
    "filter_columns": """array(select a.attname::text from pg_depend d
                            join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                           where d.classid = 'pg_publication_rel'::regclass and d.objid = r.oid and r.prqual is not null
                             and d.refclassid = 'pg_class'::regclass and d.refobjid = r.prrelid)""",
}
_BEFORE_15 = {"columns": "null::text[]", "row_filter": "''", "filter_columns": "'{}'::text[]"}

_OPERATIONS = """
select array_remove(array[case when pubinsert then 'insert' end, case when pubupdate then 'update' end,
                          case when pubdelete then 'delete' end], null) as operations
  from pg_publication where pubname = %(publication)s
"""

_ROLE = """
select has_schema_privilege(r.oid, c.relnamespace, 'usage') as usage,
       c.relrowsecurity and not (r.rolsuper or r.rolbypassrls)
         and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'usage')) as secured
  from pg_roles r, pg_class c
 where r.rolname = %(role)s and c.oid = %(oid)s::int8::oid
"""

#: As the server looks for them (`subscriptions.ex`): LIKE, without a character that escapes.
_ALIKE = """
select schemaname as schema, tablename as "table" from pg_publication_tables
 where pubname = %(publication)s and schemaname like %(schema)s escape '' and tablename like %(table)s escape ''
 order by 1, 2
"""


async def tables_alike(connection: AsyncConnection, name: TableName) -> tuple[TableName, ...]:
    """The published tables that a binding to this name subscribes to: usually the one."""
    rows = await _rows(connection, _ALIKE, {"publication": PUBLICATION, "schema": name.schema, "table": name.table})
    return tuple(TableName(row["schema"], row["table"]) for row in rows)


async def role_exists(connection: AsyncConnection, role: str) -> bool:
    return bool(await _rows(connection, "select from pg_roles where rolname = %(role)s", {"role": role}))


async def read_table(connection: AsyncConnection, name: TableName, role: str) -> TableFacts | None:
    """What the catalogs say about this table and this role; None when there is no such table.

    A role that does not exist is described as one without any right.
    """
    about: dict[str, Any] = {"schema": name.schema, "table": name.table, "publication": PUBLICATION}
    found = await _rows(connection, _TABLE, about)
    if not found:
        return None
    exists = await role_exists(connection, role)
    about |= {"oid": found[0]["oid"], "role": role if exists else None}
    listings = await _listings(connection, about)
    operations = await _rows(connection, _OPERATIONS, about)
    return TableFacts(
        name=name,
        oid=found[0]["oid"],
        kind=found[0]["kind"],
        replica_identity=found[0]["replica_identity"],
        rls=found[0]["rls"],
        role=RoleFacts(True, **(await _rows(connection, _ROLE, about))[0]) if exists else RoleFacts(),
        columns=tuple(TableColumn(**row) for row in await _rows(connection, _COLUMNS, about)),
        policies=tuple(_policy(row) for row in await _rows(connection, _POLICIES, about)),
        listings=listings,
        published=any(listing.publication == PUBLICATION for listing in listings),
        operations=tuple(operations[0]["operations"]) if operations else (),
    )


async def _listings(connection: AsyncConnection, about: dict[str, Any]) -> tuple[Listing, ...]:
    parts = _SINCE_15 if connection.info.server_version >= 150000 else _BEFORE_15
    computed = "p.pubgencols = 's'" if connection.info.server_version >= 180000 else "true"
    rows = await _rows(connection, _LISTINGS.format(**parts, publishes_computed=computed), about)
    return tuple(
        Listing(
            row["publication"],
            tuple(row["operations"]),
            None if row["columns"] is None else tuple(row["columns"]),
            row["row_filter"],
            tuple(row["filter_columns"]),
            row["publishes_computed"],
        )
        for row in rows
    )


def _policy(row: dict[str, Any]) -> Policy:
    return Policy(**{**row, "roles": tuple(row["roles"]), "applies": bool(row["applies"])})


async def _rows(connection: AsyncConnection, query: str, about: dict[str, Any]) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), about)
        return await cursor.fetchall()
