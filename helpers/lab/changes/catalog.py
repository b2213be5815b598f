"""What the database's catalog says about published tables and about what roles may read of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row

__all__ = [
    "DROPPED_MEANWHILE",
    "TableColumn",
    "TableInfo",
    "describe_published",
    "describe_tables",
    "log_publication",
    "published_oids",
    "transactions_settled",
]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column as it is now.

    Attributes:
        name: of the column.
        type_oid: of its type.
        type_name: as the payload tells it, for example ``int8``.
        type_sql: as SQL casts to it, for example ``bigint``.
        in_primary_key: whether it belongs to the primary key.
    """

    name: str
    type_oid: int
    type_name: str
    type_sql: str
    in_primary_key: bool


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table as it is now.

    Attributes:
        oid: of the table.
        schema: that it is in.
        name: of the table.
        sql_name: both, quoted and qualified.
        row_security: whether row level security is on.
        columns: in the order of the table.
        readable: by role, of those asked for, the names of the columns that it may select.
    """

    oid: int
    schema: str
    name: str
    sql_name: str
    row_security: bool
    columns: tuple[TableColumn, ...]
    readable: Mapping[str, frozenset[str]]

    @property
    def primary_key(self) -> tuple[TableColumn, ...]:
        return tuple(column for column in self.columns if column.in_primary_key)


# Names are matched with LIKE and no escape character, as the real server does: "_" in a name stands for any character.
# Without patterns only a whole "*" stands for something else than itself.
_PUBLISHED = """
select format('%%I.%%I', schemaname, tablename)::regclass::oid
from pg_publication_tables
where pubname = %(publication)s
  and (%(schema)s = '*' or schemaname = %(schema)s or %(patterns)s and schemaname like %(schema)s escape '')
  and (%(table)s = '*' or tablename = %(table)s or %(patterns)s and tablename like %(table)s escape '')
"""

_TABLES = """
select
    c.oid::int8 as oid,
    n.nspname::text as schema,
    c.relname::text as table,
    format('%%I.%%I', n.nspname, c.relname) as sql_name,
    c.relrowsecurity as row_security,
    a.attname::text as name,
    a.atttypid::int8 as type_oid,
    t.typname::text as type_name,
    format_type(t.oid, null) as type_sql,
    coalesce(a.attnum = any(pk.conkey), false) as in_primary_key,
    array(
        select role from unnest(%(roles)s::text[]) role
        where has_column_privilege(role::name, c.oid, a.attnum, 'select')
    ) as readable_by
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_constraint pk on pk.conrelid = c.oid and pk.contype = 'p'
where c.oid = any(array(
"""
_GIVEN_TABLES = _TABLES + "select unnest(%(oids)s::oid[]))) order by c.oid, a.attnum"
_PUBLISHED_TABLES = _TABLES + _PUBLISHED + ")) order by c.oid, a.attnum"

# A commit is in the log a moment before other sessions see its rows: its transaction is then still among the running
# ones, or at the end of the snapshot or beyond.
_SETTLED = """
select not exists (
    select from unnest(%(xids)s::text[]) x
    where x::xid in (select running::xid from pg_snapshot_xip(now.snapshot) running)
       or age(x::xid) <= age(pg_snapshot_xmax(now.snapshot)::xid)
)
from (select pg_current_snapshot() as snapshot offset 0) now
"""

#: The database opens each table of a publication to tell its columns, a moment after it has found it there. One that
#: is dropped in between, whoever's it is, fails the whole question; asked again it is answered.
DROPPED_MEANWHILE = (psycopg.errors.InternalError_, psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)


async def published_oids(connection: AsyncConnection, publication: str) -> frozenset[int]:
    """The tables of the publication.

    Raises:
        psycopg.Error: one of `DROPPED_MEANWHILE` when a table went in the midst of it.
    """
    params = {"publication": publication, "schema": "*", "table": "*", "patterns": False}
    cursor = await connection.execute(_PUBLISHED, params)
    return frozenset(row[0] for row in await cursor.fetchall())


async def log_publication(connection: AsyncConnection, publication: str) -> str:
    """The publication to read the log with: the twin that knows no column lists and row filters.

    Without the event trigger of realtime.sql, as in a data folder made before there was one, there is no twin.
    """
    query = "select pubname from pg_publication where pubname = 'realtime_log_' || md5(%s)"
    cursor = await connection.execute(query, (publication,))
    twin = await cursor.fetchone()
    return publication if twin is None else str(twin[0])


async def describe_published(
    connection: AsyncConnection, publication: str, schema: str, table: str, role: str, *, patterns: bool
) -> Mapping[int, TableInfo]:
    """The tables of the publication that a binding's schema and table name, by oid; ``*`` stands for all.

    With `patterns` the names are patterns of LIKE.

    Raises:
        psycopg.Error: 42704 when the role does not exist and there is such a table.
    """
    names = {"publication": publication, "schema": schema, "table": table, "patterns": patterns}
    return await _describe(connection, _PUBLISHED_TABLES, names | {"roles": [role]})


async def describe_tables(
    connection: AsyncConnection, oids: Sequence[int], roles: Sequence[str]
) -> Mapping[int, TableInfo]:
    """Tables by oid; those that are gone are missing.

    Raises:
        psycopg.Error: 42704 when a role does not exist.
    """
    return await _describe(connection, _GIVEN_TABLES, {"oids": list(oids), "roles": list(roles)})


async def transactions_settled(connection: AsyncConnection, xids: Iterable[int]) -> bool:
    """Whether other sessions see what these transactions (32-bit ids) wrote."""
    cursor = await connection.execute(_SETTLED, {"xids": [str(xid) for xid in xids]})
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _describe(connection: AsyncConnection, query: LiteralString, params: dict[str, Any]) -> dict[int, TableInfo]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, params)
        rows = await cursor.fetchall()
    tables: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        tables.setdefault(row["oid"], []).append(row)
    return {oid: _table(oid, columns, params["roles"]) for oid, columns in tables.items()}


def _table(oid: int, rows: list[dict[str, Any]], roles: Iterable[str]) -> TableInfo:
    columns = tuple(
        TableColumn(row["name"], row["type_oid"], row["type_name"], row["type_sql"], row["in_primary_key"])
        for row in rows
    )
    readable = {role: frozenset(row["name"] for row in rows if role in row["readable_by"]) for role in roles}
    of_all = rows[0]
    return TableInfo(
        oid, of_all["schema"], of_all["table"], of_all["sql_name"], of_all["row_security"], columns, readable
    )
