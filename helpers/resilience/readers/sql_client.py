"""A connection for questions that is made anew whenever it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from helpers.database_url import libpq_url, without_password
from helpers.errors import ConnectionFailed

__all__ = ["SqlClient"]


class SqlClient:
    """Asks one question at a time.

    Args:
        database_url: of PostgreSQL. timeout_s: for connecting, and for each question.
        tried, advice: of the errors.
    """

    def __init__(self, database_url: str, *, timeout_s: float, tried: str, advice: str) -> None:
        self._url, self._timeout_s = libpq_url(database_url), timeout_s
        self._tried, self._advice = tried, advice
        self._connection: psycopg.AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def ask(self, query: sql.Composed, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of the answer. What changes something must not be asked: a question may come twice.

        Raises:
            ConnectionFailed: there is none.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._answered(query, values)
            except (psycopg.Error, TimeoutError, OSError) as error:
                await self.close()
                raise self._failed(error) from None
            except BaseException:  # cancelled in the middle of a question: what is on the wire is nobody's answer
                await self.close()
                raise

    async def close(self) -> None:
        """End the connection; it is made anew if it is needed again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _answered(self, query: sql.Composed, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """A connection that was kept may have been ended long ago, which shows only now: then by a new one, at once."""
        if (kept := self._connection) is not None:
            try:
                return await (await kept.execute(query, values)).fetchall()
            except psycopg.Error:
                if not kept.closed:
                    raise
        self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        return await (await self._connection.execute(query, values)).fetchall()

    def _failed(self, error: Exception) -> ConnectionFailed:
        said = str(error).strip().splitlines()
        happened = without_password(said[0], self._url) if said else f"no answer within {self._timeout_s:g} s"
        return ConnectionFailed(self._tried, happened, self._advice)
