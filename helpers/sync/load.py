"""The same writes for every strategy: rows of `messages` in a room made for them, by SQL and past Prisma."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from helpers.database_url import libpq_url, without_password
from helpers.errors import PrismaError
from helpers.prisma import SEED_USERS
from helpers.target import Target

__all__ = ["Load", "Source", "open_source"]

CONNECT_TIMEOUT_S = 10
_EPOCH = datetime(2026, 11, 22, tzinfo=UTC)
_AUTHORS = tuple(SEED_USERS.values())
_KINDS = ("text", "image", "offer", "system")
#: Largest and smallest that `numeric(20, 6)` holds, and one that no double can tell from its neighbour.
_PRICES = (None, Decimal("99999999999999.999999"), Decimal("0.000001"), Decimal("12345678901234.123456"))
_BODIES = ("hello", 'two\nlines, "quoted"', "line separator \u2028 inside", "Grüße 👋🏽")


@dataclass(frozen=True, slots=True)
class Load:
    """How many rows are inserted, then updated, then deleted, and how many are one transaction."""

    inserts: int = 200
    updates: int = 80
    deletes: int = 40
    per_transaction: int = 25

    @property
    def changes(self) -> int:
        return self.inserts + self.updates + self.deletes


@dataclass(frozen=True, slots=True)
class Source:
    """A room of its own in the source table."""

    connection: psycopg.AsyncConnection[TupleRow]
    room: int

    async def insert(self, load: Load) -> list[int]:
        """Insert the rows of the load; returns their ids."""
        ids: list[int] = []
        for start in range(0, load.inserts, load.per_transaction):
            rows = [self._row(n) for n in range(start, min(start + load.per_transaction, load.inserts))]
            async with self.connection.transaction():
                ids += [await self._insert(row) for row in rows]
        return ids

    async def change(self, load: Load, ids: list[int]) -> None:
        """Update the first rows and delete the last."""
        for start in range(0, load.updates, load.per_transaction):
            await self._update(ids[start : min(start + load.per_transaction, load.updates)])
        await self.connection.execute("delete from messages where id = any(%s)", [ids[len(ids) - load.deletes :]])

    def _row(self, n: int) -> list[Any]:
        moment = _EPOCH + timedelta(milliseconds=1_001 * n)
        meta = Jsonb({"n": n, "nested": {"list": [n, None, "x" * (n % 7)]}})
        return [
            self.room, _AUTHORS[n % len(_AUTHORS)], f"{n}: {_BODIES[n % len(_BODIES)]}", _KINDS[n % len(_KINDS)],
            _PRICES[n % len(_PRICES)], meta, moment, moment,
        ]  # fmt: skip

    async def _insert(self, row: list[Any]) -> int:
        cursor = await self.connection.execute(
            "insert into messages (room_id, author, body, kind, price, meta, created_at, updated_at)"
            " values (%s, %s, %s, %s::message_kind, %s, %s, %s, %s) returning id",
            row,
        )
        [identity] = await cursor.fetchone() or [0]
        return int(identity)

    async def _update(self, ids: list[int]) -> None:
        await self.connection.execute(
            "update messages set body = body || ' (edited)', price = coalesce(price, 1) - 0.000001,"
            " updated_at = updated_at + interval '1 minute' where id = any(%s)",
            [ids],
        )


@asynccontextmanager
async def open_source(target: Target, name: str) -> AsyncIterator[Source]:
    """Make a room for a run, and delete it with all that stands in it, here and in the mirror.

    Raises:
        PrismaError: the database cannot be reached, or does not hold the tables of the migrations.
    """
    url = libpq_url(target.database_url or "")
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True)
        async with connection:
            path = sql.SQL("set search_path to {}").format(sql.Identifier(target.schema))
            await connection.execute(path)
            cursor = await connection.execute("insert into rooms (name) values (%s) returning id", [name])
            [room] = await cursor.fetchone() or [0]
            try:
                yield Source(connection, int(room))
            finally:
                await connection.execute("delete from rooms where id = %s", [room])
                await connection.execute("delete from mirrored_messages where room_id = %s", [room])
    except psycopg.Error as error:
        reason = without_password(str(error).strip().splitlines()[0], url).rstrip(".")
        raise PrismaError(
            "writing the load", reason, "Check DATABASE_URL, and that the migrations are deployed"
        ) from error
