"""Row level security: who may see a row, asked once for all rows of a table and each distinct role and claims.

As in the real server the question is whether the row, found by its primary key, exists for that role with those
claims. So a row that is already gone again is seen by nobody, and neither is one with a `bytea` key, whose text in the
log does not lead back to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import AsyncConnection, sql

from helpers.lab.changes.catalog import TableInfo

__all__ = ["Key", "Viewer", "visible_keys"]

#: A row's primary key: its values as text, in the order of the table's columns.
Key = tuple[str | None, ...]
#: A role and its claims as JSON.
Viewer = tuple[str, str]


_BECOME = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)"


async def visible_keys(
    connection: AsyncConnection, questions: Mapping[tuple[Viewer, int], set[Key]], tables: Mapping[int, TableInfo]
) -> dict[tuple[Viewer, int], set[Key]]:
    """Of the keys asked for by viewer and table, those whose rows the viewer may see.

    Raises:
        psycopg.Error: when a policy fails.
    """
    asked = {question: list(keys) for question, keys in questions.items()}
    queries = {oid: _query(tables[oid]) for _, oid in questions}
    cursors = {}
    async with connection.transaction(), connection.pipeline():
        for (viewer, oid), keys in asked.items():
            await connection.execute(_BECOME, viewer)
            cursors[viewer, oid] = await connection.execute(queries[oid], _columns_of(keys))
    return {
        question: {asked[question][position - 1] for (position,) in await cursor.fetchall()}
        for question, cursor in cursors.items()
    }


def _query(table: TableInfo) -> sql.Composed:
    """Positions of those keys, given as one array for each key column, whose row exists.

    `limit 1` keeps the database from turning the look-ups by key into a scan of the table that asks the policy about
    every row.
    """
    columns = table.primary_key
    names = [sql.Identifier(f"k{number}") for number in range(len(columns))]
    arrays = sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(columns))
    matches = sql.SQL(" and ").join(
        sql.SQL("t.{column} = k.{name}::{type}").format(
            column=sql.Identifier(column.name), name=name, type=sql.SQL(column.type_sql.replace("%", "%%"))
        )
        for column, name in zip(columns, names, strict=True)
    )
    return sql.SQL(
        "select k.position from unnest({arrays}) with ordinality k({names}, position), "
        "lateral (select from {table} t where {matches} limit 1) found"
    ).format(
        arrays=arrays,
        names=sql.SQL(", ").join(names),
        table=sql.SQL(table.sql_name.replace("%", "%%")),
        matches=matches,
    )


def _columns_of(keys: Sequence[Key]) -> list[list[str | None]]:
    return [list(values) for values in zip(*keys, strict=True)]
