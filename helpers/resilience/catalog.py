"""What the database knows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

__all__ = ["asked", "key_columns"]


async def key_columns(connection: psycopg.AsyncConnection[Any], schema: str, table: str) -> list[str]:
    """The columns of the primary key, in its order; none if there is none, or no such table."""
    query = """
        select a.attname from pg_index i, unnest(i.indkey) with ordinality as k(attnum, place), pg_attribute a
        where i.indrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and i.indisprimary
        and a.attrelid = i.indrelid and a.attnum = k.attnum order by k.place
    """
    return [name for (name,) in await asked(connection, query, [schema, table])]


async def asked(
    connection: psycopg.AsyncConnection[Any], query: str | sql.Composed, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """All rows, whatever kind of rows the connection is set to."""
    cursor = connection.cursor(row_factory=tuple_row)
    text = query.encode() if isinstance(query, str) else query
    return await (await cursor.execute(text, values)).fetchall()
