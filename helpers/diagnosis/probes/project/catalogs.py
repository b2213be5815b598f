"""What the catalogs say about a project's models, in one read-only transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from helpers.database_url import fault_of, libpq_url, reason_of
from helpers.diagnosis.evidence import KEY_ROLES, Missing, Policy, TableName
from helpers.diagnosis.evidence.project import Ledger, ModelTable, ProjectDatabase, RoleFacts
from helpers.target import Target

__all__ = ["probe_catalogs"]

CONNECT_LIMIT_S = 4
STATEMENT_LIMIT_MS = 2000
LIMIT_S = 8.0

#: The two views are read once, not for each table: thousands of models are asked about at a time.
TABLES = """
with published as materialized (
  select schemaname, tablename from pg_publication_tables where pubname = 'supabase_realtime'
), policies as materialized (
  select schemaname, tablename,
         json_agg(json_build_object('name', policyname, 'command', cmd, 'roles', roles,
                                    'using', coalesce(qual, ''), 'check', coalesce(with_check, ''))
                  order by policyname) as list
    from pg_policies
   group by 1, 2
)
select asked.schema, asked."table", c.oid is not null as exists,
       published.tablename is not null as published,
       case c.relreplident when 'f' then 'full' when 'i' then 'index' when 'n' then 'nothing' else 'default' end
         as replica_identity,
       coalesce(pg_get_userbyid(c.relowner)::text, '') as owner, coalesce(c.relrowsecurity, false) as rls,
       coalesce((select json_agg(json_build_array(a.attname, t.typname) order by a.attnum)
                   from pg_attribute a join pg_type t on t.oid = a.atttypid
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
       array(select distinct coalesce(e.typname, t.typname)::text
               from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type e on e.oid = t.typelem
              where a.attrelid = c.oid and a.attnum > 0 and 'e' in (t.typtype, e.typtype)) as enums,
       coalesce(policies.list, '[]') as policies,
       array(select r.rolname::text from pg_roles r
              where r.rolname = any(%(roles)s) and c.oid is not null and has_table_privilege(r.oid, c.oid, 'SELECT')
              order by 1) as select_roles
  from unnest(%(schemas)s::text[], %(tables)s::text[]) with ordinality as asked(schema, "table", number)
  left join pg_namespace n on n.nspname = asked.schema
  left join pg_class c on c.relnamespace = n.oid and c.relname = asked."table" and c.relkind in ('r', 'p')
  left join published on published.schemaname = asked.schema and published.tablename = asked."table"
  left join policies on policies.schemaname = asked.schema and policies.tablename = asked."table"
 order by asked.number
"""

NAMES = """
select n.nspname::text as schema, c.relname::text as "table"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p')
"""

HAS_LEDGER = "select to_regclass(format('%%I._prisma_migrations', %(home)s::text)) is not null as there"

ROLES = """
select current_user::text as me, coalesce((select json_agg(json_build_object(
         'name', r.rolname, 'bypasses_rls', r.rolsuper or r.rolbypassrls,
         'may_create_databases', r.rolsuper or r.rolcreatedb))
         from pg_roles r where r.rolname = any(%(names)s)), '[]') as roles
"""

#: Without an entry a role's new tables are its own alone.
DEFAULT_RIGHTS = """
select distinct pg_get_userbyid(d.defaclrole)::text as owner, coalesce(n.nspname::text, '') as schema
  from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace,
       lateral aclexplode(d.defaclacl) a
 where d.defaclobjtype = 'r' and a.privilege_type = 'SELECT'
   and (a.grantee = 0 or a.grantee in (select oid from pg_roles where rolname = any(%(roles)s)))
"""


async def probe_catalogs(
    target: Target, tables: Sequence[TableName], home: str, roles: Sequence[str]
) -> ProjectDatabase | Missing:
    """The tables of the models, Prisma's ledger, and the roles of the connection strings."""
    if not target.database_url:
        return Missing("DATABASE_URL is not set")
    if fault := fault_of(target.database_url):
        return Missing(f"DATABASE_URL cannot be used: {fault}")
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _read(target.database_url, tables, home, roles)
    except TimeoutError:
        return Missing(f"the database did not answer within {LIMIT_S:g} s")
    except psycopg.Error as error:
        return Missing(f"the database of DATABASE_URL cannot be read: {reason_of(error, target.database_url)}")


async def _read(url: str, tables: Sequence[TableName], home: str, roles: Sequence[str]) -> ProjectDatabase:
    connection = await psycopg.AsyncConnection.connect(
        libpq_url(url), connect_timeout=CONNECT_LIMIT_S, prepare_threshold=None, row_factory=dict_row
    )
    async with connection:
        await connection.set_read_only(True)
        await connection.execute(sql.SQL("set local statement_timeout = {}").format(STATEMENT_LIMIT_MS))
        asked = {"schemas": [t.schema for t in tables], "tables": [t.table for t in tables], "roles": list(KEY_ROLES)}
        found = await _rows(connection, TABLES, asked)
        names = await _rows(connection, NAMES, {"schemas": sorted({home, *asked["schemas"]})})
        who = (await _rows(connection, ROLES, {"names": list(roles)}))[0]
        rights = await _rows(connection, DEFAULT_RIGHTS, asked)
        ledger = await _ledger(connection, home)
        await connection.rollback()
    return ProjectDatabase(
        tables=tuple(map(_table, found)),
        ledger=ledger,
        role=who["me"],
        roles=tuple(RoleFacts(**row) for row in who["roles"]),
        open_owners=frozenset((row["owner"], row["schema"]) for row in rights),
        names=tuple(TableName(row["schema"], row["table"]) for row in names),
    )


async def _rows(connection: psycopg.AsyncConnection[DictRow], query: str, parameters: dict[str, Any]) -> list[DictRow]:
    return await (await connection.execute(query.encode(), parameters)).fetchall()


async def _ledger(connection: psycopg.AsyncConnection[DictRow], home: str) -> Ledger | None:
    """What Prisma has applied; None when it has no ledger there, or one that this role may not read."""
    if not (await _rows(connection, HAS_LEDGER, {"home": home}))[0]["there"]:
        return None
    query = sql.SQL(
        "select migration_name, finished_at is not null as finished from {}._prisma_migrations"
        " where rolled_back_at is null order by started_at"
    ).format(sql.Identifier(home))
    try:
        async with connection.transaction():
            rows = await (await connection.execute(query)).fetchall()
    except psycopg.Error:
        return None
    finished = {row["migration_name"]: row["finished"] for row in rows}
    applied = tuple(name for name, done in finished.items() if done)
    return Ledger(applied, tuple(name for name, done in finished.items() if not done))


def _table(row: DictRow) -> ModelTable:
    return ModelTable(
        name=TableName(row["schema"], row["table"]),
        exists=row["exists"],
        published=row["published"],
        replica_identity=row["replica_identity"],
        owner=row["owner"],
        rls=row["rls"],
        columns=tuple((name, kind) for name, kind in row["columns"]),
        select_roles=tuple(row["select_roles"]),
        policies=tuple(Policy(**{**each, "roles": tuple(each["roles"])}) for each in row["policies"]),
        enums=tuple(row["enums"]),
    )
