"""Connections that change rows: one by one, many in a transaction, some rolled back, some rows contended."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Any

import psycopg

from tests.soak.plan import Plan
from tests.soak.world import ALICE, BOB, ROOMS

__all__ = ["PRIVATE_TOPIC", "Migrator", "Writer", "paced"]

PRIVATE_TOPIC = "soak:private"
#: Rows that each writer keeps of each table; above, the oldest are deleted.
_KEPT = 150
_OWNERS = (ALICE, BOB, "c0000000-0000-4000-8000-000000000003")
_INSERT_OPEN = """
    insert into open_rows (room, body, meta, flags)
    select %(room)s, %(body)s, jsonb_build_object('n', n), array['a', 'b,"c'] from generate_series(1, %(rows)s) n
    returning id
"""
_INSERT_OWN = """
    insert into own_rows (owner, body) select %(owner)s, %(body)s from generate_series(1, %(rows)s) returning id
"""
_UPDATE_OPEN = "update open_rows set version = version + 1, room = %(room)s, body = %(body)s where id = any(%(ids)s)"
_UPDATE_OWN = "update own_rows set version = version + 1, body = %(body)s where id = any(%(ids)s)"
_UPDATE_SHARED = "update open_rows set version = version + 1, body = %(body)s where id = %(id)s"
_DELETE_OPEN = "delete from open_rows where id = any(%(ids)s)"
_DELETE_OWN = "delete from own_rows where id = any(%(ids)s)"
_SAY = "select say(%(topic)s, jsonb_build_object('text', %(body)s::text))"


async def paced(rate_per_s: float, deadline: float, chance: random.Random) -> AsyncIterator[None]:
    """Yield at random moments, so many a second on average; late ones are not made up for."""
    while time.monotonic() < deadline:
        await asyncio.sleep(min(chance.expovariate(rate_per_s), max(0.0, deadline - time.monotonic())))
        yield


class Writer:
    """One connection and the rows it has made, which no other writer touches.

    Attributes:
        transactions: how many, by how they ended.
    """

    def __init__(self, connection: psycopg.AsyncConnection, plan: Plan, number: int) -> None:
        self._connection = connection
        self._plan = plan
        self._chance = random.Random(f"{plan.seed} writer {number}")
        self._open: deque[int] = deque()
        self._own: deque[tuple[int, float]] = deque()
        self.transactions: Counter[str] = Counter()

    async def run(self, deadline: float) -> None:
        """Write until then."""
        async for _ in paced(self._plan.transactions_per_s, deadline, self._chance):
            kind = self._chance.choices(("one", "many", "shared", "rolled back"), (5, 3, 1, 1))[0]
            if kind == "rolled back":
                await self._roll_back()
            elif kind == "shared":
                await self._do(_UPDATE_SHARED, id=self._chance.randint(1, 5))
            else:
                await self._commit(1 if kind == "one" else self._plan.rows_at_once)
            self.transactions[kind] += 1

    async def _commit(self, most: int) -> None:
        """A transaction of some statements of up to so many rows."""
        gone_open, gone_own = self._outlived()
        async with self._connection.transaction():
            rows = self._chance.randint(1, most)
            made_open = await self._do(_INSERT_OPEN, rows=rows)
            await self._do(_UPDATE_OPEN, ids=self._some(list(self._open), most))
            made_own = await self._do(_INSERT_OWN, rows=(rows + 1) // 2, owner=self._chance.choice(_OWNERS))
            touched = self._some([id for id, _ in self._own if id not in gone_own], most // 2)
            await self._do(_UPDATE_OWN, ids=touched)
            if self._chance.random() < 0.5:
                await self._do(_SAY, topic=PRIVATE_TOPIC)
            await self._do(_DELETE_OPEN, ids=gone_open)
            await self._do(_DELETE_OWN, ids=gone_own)
        self._keep(made_open, made_own, touched, set(gone_open), set(gone_own))

    def _keep(self, made_open: list[int], made_own: list[int], touched: list[int], *gone: set[int]) -> None:
        now = time.monotonic()
        self._open = deque([id for id in self._open if id not in gone[0]] + made_open)
        rested = [(id, at) for id, at in self._own if id not in gone[1] and id not in touched]
        self._own = deque(rested + [(id, now) for id in touched + made_own])

    def _outlived(self) -> tuple[list[int], list[int]]:
        """What is to be deleted; of the table under row level security only what has rested."""
        now = time.monotonic()
        open_rows = list(self._open)[: max(0, len(self._open) - _KEPT)]
        rested = [id for id, at in self._own if now - at > self._plan.rest_s]
        return open_rows, rested[: max(0, len(self._own) - _KEPT)]

    async def _roll_back(self) -> None:
        """A transaction that changes rows, broadcasts, and never was."""
        async with self._connection.transaction(force_rollback=True):
            await self._do(_INSERT_OPEN, rows=3)
            await self._do(_UPDATE_OPEN, ids=self._some(list(self._open), 3))
            await self._do(_SAY, topic=PRIVATE_TOPIC)

    def _some(self, ids: list[int], most: int) -> list[int]:
        return self._chance.sample(ids, min(len(ids), most))

    async def _do(self, statement: str, **given: Any) -> list[int]:
        values = {"room": self._chance.randrange(ROOMS), "body": self._body(), **given}
        cursor = await self._connection.execute(statement.encode(), values)
        return [row[0] for row in await cursor.fetchall()] if cursor.description else []

    def _body(self) -> str:
        """Text that JSON and WAL must escape, at most 1 KB."""
        return self._chance.choice(("plain ", 'quo"te\\ ', "tab\t\n", "žluťoučký 🐎 ")) * self._chance.randint(1, 40)


class Migrator:
    """One who puts a table that nobody listens to into the publication and takes it out again.

    Attributes:
        migrations: how many.
    """

    def __init__(self, connection: psycopg.AsyncConnection, plan: Plan) -> None:
        self._connection = connection
        self._plan = plan
        self.migrations = 0

    async def run(self, deadline: float) -> None:
        """Migrate until then."""
        chance = random.Random(f"{self._plan.seed} migrations")
        async for _ in paced(self._plan.migrations_per_s, deadline, chance):
            what = "drop" if self.migrations % 2 else "add"
            await self._connection.execute(f"alter publication supabase_realtime {what} table aside".encode())
            self.migrations += 1
