"""All rows of a table, and the place in its change log from where on changes are not in them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from helpers.database_url import libpq_url, without_password
from helpers.errors import ConnectionFailed
from helpers.resilience import LogPosition
from helpers.resilience.catalog import key_columns
from helpers.resilience.change_log import LogNow

__all__ = ["Column", "Page", "Snapshot", "snapshot"]

#: Rows that travel together.
PAGE = 2_000

#: Values are told as the log's trigger tells them, whatever the role is set to.
_AS_THE_LOG = "set local timezone = 'UTC'; set local bytea_output = 'hex'; set local extra_float_digits = 1"

#: Rows, by the columns' names, with values as `to_jsonb` gives them.
Page = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """Of the table. type: as PostgreSQL names it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table as one transaction sees it.

    Attributes:
        key: names of the columns of the primary key, in its order.
        position: of the log; whatever is committed later comes from there.
        pages: the rows. To be read within the block that made it.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    position: LogPosition
    pages: AsyncIterator[Page]


@contextlib.asynccontextmanager
async def snapshot(database_url: str, table: str, *, schema: str = "public") -> AsyncIterator[Snapshot]:
    """Open a table that is under a change log; log and rows are read in one snapshot, so neither gap nor overlap.

    Raises:
        ConnectionFailed: the database cannot be reached, or the role may not read the table or its log.
    """
    try:
        async with await psycopg.AsyncConnection.connect(libpq_url(database_url), autocommit=False) as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            await connection.execute(_AS_THE_LOG)
            position = await _position(connection, schema, table)
            columns = await _columns(connection, schema, table)
            key = tuple(await key_columns(connection, schema, table))
            yield Snapshot(columns, key, position, _pages(connection, schema, table))
    except psycopg.Error as error:
        happened = without_password((str(error).strip() or type(error).__name__).splitlines()[0], database_url)
        tried = f"reading a snapshot of {schema}.{table}"
        advice = "Check that the database is up, that the table is under a change log, and the role's rights on both"
        raise ConnectionFailed(tried, happened, advice) from None


async def _position(connection: psycopg.AsyncConnection, schema: str, table: str) -> LogPosition:
    query = sql.SQL("select {}.change_log_now(%s)").format(sql.Identifier(schema))
    row = await (await connection.execute(query, [f"{schema}.{table}"])).fetchone()
    assert row is not None
    return msgspec.convert(row[0], LogNow).position()


async def _columns(connection: psycopg.AsyncConnection, schema: str, table: str) -> tuple[Column, ...]:
    found = await connection.execute(
        "select attname, format_type(atttypid, null) from pg_attribute where attrelid = to_regclass(format('%%I.%%I', "
        "%s::text, %s::text)) and attnum > 0 and not attisdropped order by attnum",
        [schema, table],
    )
    return tuple(Column(*row) for row in await found.fetchall())


async def _pages(connection: psycopg.AsyncConnection, schema: str, table: str) -> AsyncIterator[Page]:
    query = sql.SQL("select to_jsonb(t)::text from {} t").format(sql.Identifier(schema, table))
    async with connection.cursor("snapshot") as cursor:
        await cursor.execute(query)
        while rows := await cursor.fetchmany(PAGE):
            yield [json.loads(text, parse_float=Decimal) for (text,) in rows]
