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


async def visible_keys(
    connection: AsyncConnection, questions: Mapping[tuple[Viewer, int], set[Key]], tables: Mapping[int, TableInfo]
) -> dict[tuple[Viewer, int], set[Key]]:
    """Of the keys asked for by viewer and table, those whose rows the viewer may see.

    Raises:
        psycopg.Error: when a policy fails.
    """
    answers: dict[tuple[Viewer, int], set[Key]] = {}
    async with connection.transaction(), connection.cursor() as cursor:
        for (viewer, oid), keys in questions.items():
            role, claims = viewer
            await cursor.execute(
                "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)", (role, claims)
            )
            asked = sorted(keys, key=str)
            await cursor.execute(_query(tables[oid]), _columns_of(asked))
            answers[viewer, oid] = {asked[row[0] - 1] for row in await cursor.fetchall()}
    return answers


def _query(table: TableInfo) -> sql.Composed:
    """Positions of those keys, given as one array for each key column, whose row exists."""
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
        "select k.position from unnest({arrays}) with ordinality k({names}, position) "
        "where exists (select from {table} t where {matches})"
    ).format(
        arrays=arrays,
        names=sql.SQL(", ").join(names),
        table=sql.SQL(table.sql_name.replace("%", "%%")),
        matches=matches,
    )


def _columns_of(keys: Sequence[Key]) -> list[list[str | None]]:
    return [list(values) for values in zip(*keys, strict=True)]
