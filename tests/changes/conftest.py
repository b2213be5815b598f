"""A stage for the change feed: a schema, a publication and a feed of its own in the lab's database."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest
import pytest_asyncio
from psycopg import AsyncConnection

from helpers.lab import Lab
from helpers.lab.changes import ChangeBatch, ChangeDelivery, ChangeFeed, ChangeSettings, Subscription

ALICE = "11111111-1111-4111-8111-111111111111"
BOB = "22222222-2222-4222-8222-222222222222"
LIMIT_S = 30.0

_numbers = itertools.count(1)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so in the database."""
    async with asyncio.timeout(LIMIT_S):
        while not await condition():  # noqa: ASYNC110 - nobody tells when the database has changed
            await asyncio.sleep(0.01)


class Listener:
    """A subscription that keeps what it receives."""

    def __init__(self) -> None:
        self.deliveries: list[ChangeDelivery] = []
        self.arrived_at: list[float] = []
        self.subscription: Subscription
        self._news = asyncio.Event()

    def __call__(self, batch: ChangeBatch) -> None:
        self.deliveries.extend(batch)
        self.arrived_at.extend([time.monotonic()] * len(batch))
        self._news.set()

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(delivery.data) for delivery in self.deliveries]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [change["record"] for change in self.changes]

    async def received(self, count: int) -> list[dict[str, Any]]:
        """The changes, as soon as there are `count` of them."""
        async with asyncio.timeout(LIMIT_S):
            while len(self.deliveries) < count:
                self._news.clear()
                await self._news.wait()
        return self.changes


class Stage:
    """One schema named `name`; its tables are in the publication of the same name once `publish`ed."""

    def __init__(self, dsn: str, owner: AsyncConnection, name: str, *, streaming: bool) -> None:
        self.dsn = dsn
        self.owner = owner
        self.name = name
        self.settings = ChangeSettings(
            publication=name,
            slot_name=name,
            poll_idle_s=0.02,
            poll_busy_s=0.01,
            poll_jitter_s=(0.0, 0.001),
            cold_start_s=(0, 0),
            streaming=streaming,
        )
        self.feed = ChangeFeed(dsn, self.settings)
        self._began: Any = None

    async def sql(self, statement: str, *args: Any) -> list[Any]:
        """Run as role postgres, who owns the tables. Names are found in the stage's schema."""
        cursor = await self.owner.execute(statement, args or None)  # type: ignore[arg-type]
        return await cursor.fetchall() if cursor.description else []

    async def restart(self, **settings: Any) -> None:
        """Put a feed with other settings in place of this one."""
        await self.feed.stop()
        self.feed = ChangeFeed(self.dsn, dataclasses.replace(self.settings, **settings))
        await self.feed.start()

    async def start(self) -> None:
        ((self._began,),) = await self.sql("select clock_timestamp()")
        await self.feed.start()

    async def connections(self, application: str) -> int:
        """How many connections of that name this stage has in the database."""
        query = "select count(*) from pg_stat_activity where application_name = %s and backend_start > %s"
        ((count,),) = await self.sql(query, application, self._began)
        return int(count)

    async def terminate(self, application: str) -> int:
        """End this stage's connections of that name in the database; returns how many there were."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as admin:
            cursor = await admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where application_name = %s and backend_start > %s",
                (application, self._began),
            )
            return len(await cursor.fetchall())

    async def table(self, name: str, columns: str, *, grants: str = "all", publish: bool = True) -> None:
        await self.sql(f"create table {name} ({columns})")
        await self.sql(f"grant {grants} on {name} to anon, authenticated, service_role")
        if publish:
            await self.sql(f"alter publication {self.name} add table {name}")

    async def catch_up(self, table: str, listener: Listener) -> None:
        """Wait until everything committed so far has been read: insert rows until one of them arrives."""
        async with asyncio.timeout(LIMIT_S):
            for number in itertools.count(1000):
                await self.sql(f"insert into {table} (id) values (%s)", number)
                await asyncio.sleep(0.02)
                if listener.deliveries:
                    return

    def binding(self, table: str, filter: str | None = None, event: str = "*", **more: Any) -> dict[str, Any]:
        given = {} if filter is None else {"filter": filter}
        return {"event": event, "schema": self.name, "table": table} | given | more

    async def listen(self, *bindings: dict[str, Any], role: str = "anon", sub: str | None = None) -> Listener:
        listener = Listener()
        claims = {"role": role} | ({"sub": sub} if sub else {})
        listener.subscription = await self.feed.subscribe(bindings, claims, role, listener)
        return listener


@pytest.fixture(scope="session")
def superuser_dsn(lab: Lab) -> str:
    """How to connect to the lab's database as its superuser."""
    port = urlsplit(lab.info["database_url"]).port
    return f"host={lab.info['db_socket_dir']} port={port} user=supabase_admin dbname=postgres"


@pytest_asyncio.fixture(params=[False, True], ids=["polling", "streaming"])
async def stage(superuser_dsn: str, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """In both ways of reading the log everything else is the same."""
    name = f"stage_{os.getpid()}_{next(_numbers)}"
    owner_dsn = superuser_dsn.replace("user=supabase_admin", "user=postgres")
    async with await psycopg.AsyncConnection.connect(owner_dsn, autocommit=True) as owner:
        await owner.execute(f"create schema {name}")
        await owner.execute(f"grant usage on schema {name} to anon, authenticated, service_role")
        await owner.execute(f"create publication {name}")
        await owner.execute(f"set search_path to {name}, public, extensions")
        stage = Stage(superuser_dsn, owner, name, streaming=request.param)
        await stage.start()
        try:
            yield stage
        finally:
            await stage.feed.stop()
            await owner.execute(f"drop publication if exists {name}")
            await owner.execute(f"drop schema {name} cascade")
