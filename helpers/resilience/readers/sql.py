"""The change log by SQL, on a connection of its own that is made anew whenever it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from helpers.database_url import libpq_url, without_password
from helpers.errors import ConnectionFailed
from helpers.resilience.change_log import LogPage

__all__ = ["SqlLogReader"]

_TRIED = "reading the change log"


class SqlLogReader:
    """Reads by SQL; the role must be one of the log's readers, and see all of its rows.

    Args:
        database_url: of PostgreSQL. schema: of the log.
        timeout_s: for connecting, and for each question.
    """

    def __init__(self, database_url: str, *, schema: str = "public", timeout_s: float = 10.0) -> None:
        self._url, self._timeout_s = libpq_url(database_url), timeout_s
        self._names = {"schema": sql.Identifier(schema)}
        self._connection: psycopg.AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        """See `LogReader`. Raises ConnectionFailed."""
        query = sql.SQL("select {schema}.change_log_page(%s, %s, %s, %s, %s)").format(**self._names)
        return msgspec.convert(await self._ask(query, [source, horizon, list(seen), after, most]), LogPage)

    async def now(self, source: str) -> tuple[int, Sequence[tuple[int, int]]]:
        """See `LogReader`. Raises ConnectionFailed."""
        query = sql.SQL("select {schema}.change_log_now(%s)").format(**self._names)
        found = await self._ask(query, [source])
        return found["horizon"], [tuple(pair) for pair in found["visible"]]

    async def close(self) -> None:
        """End the connection; it is made anew if it is needed again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _ask(self, query: sql.Composed, values: list[Any]) -> Any:
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    connection = await self._connected()
                    row = await (await connection.execute(query, values)).fetchone()
            except (psycopg.Error, TimeoutError, OSError) as error:
                await self.close()
                raise self._failed(error) from None
            except BaseException:  # cancelled in the middle of a question: what is on the wire is nobody's answer
                await self.close()
                raise
        return row[0] if row else None

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        return self._connection

    def _failed(self, error: Exception) -> ConnectionFailed:
        said = str(error).strip().splitlines()
        happened = without_password(said[0], self._url) if said else f"no answer within {self._timeout_s:g} s"
        return ConnectionFailed(
            _TRIED, happened, "Check that the database is up, and the role's rights on the change log"
        )
