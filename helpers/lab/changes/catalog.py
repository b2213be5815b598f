"""What the database's catalog says about published tables and about what roles may read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import dict_row

__all__ = ["PublishedTable", "TableColumn", "TableInfo", "describe_tables", "published_tables", "transactions_settled"]


class PublishedTable(NamedTuple):
    """A table of the publication."""

    oid: int
    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column as it is now.

    Attributes:
        name: of the column.
        type_oid: of its type.
        type_name: as the payload tells it, for example ``int8``.
        type_sql: as SQL casts to it, for example ``bigint``.
        in_primary_key: whether it belongs to the primary key.
        readable_by: those of the roles asked for that may select it.
    """

    name: str
    type_oid: int
    type_name: str
    type_sql: str
    in_primary_key: bool
    readable_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table as it is now; `sql_name` is quoted and qualified, `columns` are in the order of the table."""

    oid: int
    sql_name: str
    row_security: bool
    columns: tuple[TableColumn, ...]

    @property
    def primary_key(self) -> tuple[TableColumn, ...]:
        return tuple(column for column in self.columns if column.in_primary_key)

    def readable(self, role: str) -> frozenset[str]:
        """Names of the columns that the role may select."""
        return frozenset(column.name for column in self.columns if role in column.readable_by)


# Names are matched with LIKE and no escape character, as the real server does: "_" in a name stands for any character.
_PUBLISHED = """
select format('%%I.%%I', schemaname, tablename)::regclass::oid::int8 as oid, schemaname::text, tablename::text
from pg_publication_tables
where pubname = %(publication)s
  and schemaname like (case %(schema)s when '*' then '%%' else %(schema)s end) escape ''
  and tablename like (case %(table)s when '*' then '%%' else %(table)s end) escape ''
"""

_TABLES = """
select
    c.oid::int8 as oid,
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
where c.oid = any(%(oids)s)
order by c.oid, a.attnum
"""

# A commit is in the log a moment before other sessions see its rows.
_SETTLED = """
select not exists (
    select from pg_snapshot_xip(pg_current_snapshot()) running
    where (running::text::numeric %% 4294967296)::int8 = any(%(xids)s)
)
"""


async def published_tables(
    connection: AsyncConnection, publication: str, schema: str, table: str
) -> tuple[PublishedTable, ...]:
    """The tables of the publication that a binding's schema and table name; ``*`` stands for all."""
    cursor = await connection.execute(_PUBLISHED, {"publication": publication, "schema": schema, "table": table})
    return tuple(PublishedTable(*row) for row in await cursor.fetchall())


async def describe_tables(
    connection: AsyncConnection, oids: Sequence[int], roles: Sequence[str]
) -> Mapping[int, TableInfo]:
    """Tables by oid; those that are gone are missing.

    Raises:
        psycopg.Error: 42704 when a role does not exist.
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_TABLES, {"oids": list(oids), "roles": list(roles)})
        rows = await cursor.fetchall()
    tables: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        tables.setdefault(row["oid"], []).append(row)
    return {oid: _table(oid, columns) for oid, columns in tables.items()}


async def transactions_settled(connection: AsyncConnection, xids: Sequence[int]) -> bool:
    """Whether other sessions see what these transactions (32-bit ids) wrote."""
    cursor = await connection.execute(_SETTLED, {"xids": list(xids)})
    row = await cursor.fetchone()
    return bool(row and row[0])


def _table(oid: int, rows: list[dict[str, Any]]) -> TableInfo:
    columns = tuple(
        TableColumn(
            row["name"],
            row["type_oid"],
            row["type_name"],
            row["type_sql"],
            row["in_primary_key"],
            frozenset(row["readable_by"]),
        )
        for row in rows
    )
    return TableInfo(oid, rows[0]["sql_name"], rows[0]["row_security"], columns)
