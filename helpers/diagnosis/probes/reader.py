"""Runs queries in one read-only transaction, each on its own: one that fails is noted, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import DictRow

__all__ = ["Reader", "reason"]


@dataclass(slots=True)
class Reader:
    """Queries in savepoints on a connection whose transaction is read-only.

    Attributes:
        connection: rows as dictionaries.
        errors: queries that failed, as "name: reason".
    """

    connection: psycopg.AsyncConnection[DictRow]
    errors: list[str] = field(default_factory=list)

    @property
    def version(self) -> int:
        """The server's version as a number, for example 150018."""
        return self.connection.info.server_version

    async def rows(self, name: str, query: str, parameters: Mapping[str, Any] | None = None) -> list[DictRow]:
        """The rows, none when the query failed.

        Raises:
            psycopg.OperationalError: the connection is lost.
        """
        try:
            async with self.connection.transaction():
                return await (await self.connection.execute(query.encode(), parameters)).fetchall()
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            self.errors.append(f"{name}: {reason(error)}")
        return []

    async def row(self, name: str, query: str, parameters: Mapping[str, Any] | None = None) -> DictRow:
        """The first row, empty when there is none or the query failed."""
        rows = await self.rows(name, query, parameters)
        return rows[0] if rows else {}


def reason(error: psycopg.Error) -> str:
    """The server's own sentence; connection errors list every address, of which the last line is enough."""
    text = error.diag.message_primary or str(error)
    return text.strip().splitlines()[-1].rstrip(".") if text.strip() else type(error).__name__
