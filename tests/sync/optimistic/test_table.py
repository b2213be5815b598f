"""Optimistic rows of a real table: through Prisma there, through Realtime and the change log back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest_asyncio
from psycopg.rows import dict_row

from helpers.lab.network import BLACK_HOLE, PERFECT, network
from helpers.prisma import SEED_USERS, Prisma
from helpers.resilience import BackoffSettings, ResilientClient, drop_change_log, install_change_log
from helpers.sync import Converter
from helpers.sync.optimistic import OptimisticTable, What, is_temporary
from helpers.sync.outbox import Entry, Outbox, Told, drop_done_writes, install_done_writes
from helpers.target import Target
from tests.resilience.quick import QUICK

AUTHOR = next(iter(SEED_USERS.values()))


class Chat:
    """The table of messages, past Prisma."""

    def __init__(self, target: Target, connection: psycopg.AsyncConnection[Any], room: int) -> None:
        self.target, self.connection, self.room = target, connection, room

    async def rows(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        found = await self.connection.execute("select to_jsonb(m)::text as row from messages m")
        rows = [json.loads(one["row"], parse_float=Decimal) for one in await found.fetchall()]
        return {(row["id"],): row for row in rows}

    def values(self, body: str, **more: Any) -> dict[str, Any]:
        return {"room_id": self.room, "author": AUTHOR, "body": body} | more


@pytest_asyncio.fixture(loop_scope="session")
async def logged(chat: Target, client: Prisma) -> AsyncIterator[Chat]:
    """Under a change log, with a memory of idempotency keys; followed by the service role."""
    assert chat.database_url is not None
    options = f"-c search_path={chat.schema}"
    async with await psycopg.AsyncConnection.connect(
        chat.database_url, autocommit=True, row_factory=dict_row, options=options
    ) as connection:
        await install_done_writes(connection, schema=chat.schema)
        await install_change_log(connection, ["messages"], schema=chat.schema)
        room = await client.room.create(data={"name": "optimistic"})
        yield Chat(replace(chat, publishable_key=chat.secret_key or ""), connection, room.id)
        await drop_change_log(connection, schema=chat.schema)
        await drop_done_writes(connection, schema=chat.schema)


@contextlib.asynccontextmanager
async def opened(
    target: Target, client: Prisma, converter: Converter, file: Path, told: Told | None = None
) -> AsyncIterator[OptimisticTable]:
    """Shown, followed and sent within the block."""
    quick = BackoffSettings(base_s=0.05, cap_s=0.2, spread_s=0.01)
    async with ResilientClient(target, settings=QUICK) as resilient, Outbox(file) as outbox:
        table = OptimisticTable(resilient, client, converter, outbox, told=told, backoff=quick)
        task = asyncio.create_task(table.run())
        try:
            yield table
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 - what is awaited has no events in common
            await asyncio.sleep(0.01)


async def test_what_is_shown_at_once_comes_back_once(
    logged: Chat, client: Prisma, converter: Converter, tmp_path: Path
) -> None:
    """A new row, its changes before it has its real key, and a refused one beside it; never is a row shown twice."""
    refused = list[Entry]()
    told = Told(refused=refused.extend)
    async with opened(logged.target, client, converter, tmp_path / "outbox.db", told) as table:
        await until(lambda: bool(table.mirror.snapshots))
        most, begun = 0, len(table.store.view)

        def count(_: object) -> None:
            nonlocal most
            most = max(most, len(table.store.view) - begun)

        table.store.on_event(count)
        first = await table.insert(logged.values("at once"))
        assert table.store.view[first.key]["body"] == "at once"
        await table.update(first.key, {"body": "changed"})
        bad = await table.insert(logged.values("refused", room_id=-1))
        await table.update(bad.key, {"body": "of no use"})
        await until(lambda: not table.store.pending)
        await table.mirror.caught_up()
        assert table.store.view == await logged.rows()
        assert table.store.view[table.store.real(first.key)]["body"] == "changed"
        assert [is_temporary(entry.write.key[0]) for entry in refused] == [True, True]
        assert most == 2


async def test_offline_for_a_while(logged: Chat, client: Prisma, converter: Converter, tmp_path: Path) -> None:
    """Writes made without a network and before a restart are shown, sent and merged with those of others."""
    file = tmp_path / "outbox.db"
    async with network(logged.target) as via, opened(via.target, client, converter, file) as table:
        await until(lambda: bool(table.mirror.snapshots))
        row = await table.insert(logged.values("before"))
        await until(lambda: not table.store.pending)
        key = table.store.real(row.key)
        seen = table.store.view[key]
    async with Outbox(file) as outbox:  # the application, without a network
        store = table.store
        await outbox.add(store.update(key, {"body": "written offline", "price": "2"}))
        await outbox.add(store.insert(logged.values("made offline")))
    await logged.connection.execute("update messages set body = 'by others' where id = %s", key)
    async with network(logged.target) as via, opened(via.target, client, converter, file) as table:
        via.set(BLACK_HOLE)
        await until(lambda: bool(table.mirror.snapshots))
        via.set(PERFECT)
        await until(lambda: not table.store.pending)
        await table.mirror.caught_up()
        assert table.store.view == await logged.rows()
        merged = table.store.view[key]
        assert (merged["body"], merged["price"]) == ("by others", Decimal(2))
        assert merged["updated_at"] != seen["updated_at"]


async def test_an_echo_is_told_from_what_others_write(
    logged: Chat, client: Prisma, converter: Converter, tmp_path: Path
) -> None:
    """The same values, by somebody else, are a change of somebody else's."""
    async with opened(logged.target, client, converter, tmp_path / "outbox.db") as table:
        await until(lambda: bool(table.mirror.snapshots))
        events = list[What]()
        table.store.on_event(lambda event: events.append(event.what))
        write = await table.insert(logged.values("same"))
        await until(lambda: not table.store.pending)
        assert events == [What.APPLIED, *([What.ACCEPTED] if What.ACCEPTED in events else []), What.SETTLED]
        await logged.connection.execute(
            "insert into messages (room_id, author, body, updated_at) values (%s, %s, 'same', now())",
            [logged.room, AUTHOR],
        )
        await table.mirror.caught_up()
        assert events[-1] is What.CHANGED
        assert table.store.real(write.key) in table.store.view
