"""A table that is kept equal to another one through Prisma, on the lab."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from helpers.client import Channel, RealtimeClient
from helpers.prisma import Prisma
from helpers.resilience import Item
from helpers.sync import BatchWriter, Converter, Load, PrismaTable, item_of, refetch
from helpers.sync.load import Source, open_source
from helpers.sync.verdict import compare_mirror
from helpers.target import Target
from helpers.wire.events import Change
from helpers.wire.join import ChangeBinding, JoinConfig


@pytest_asyncio.fixture(loop_scope="session")
async def source(chat: Target) -> AsyncIterator[Source]:
    async with open_source(chat, "mirror") as source:
        yield source


@pytest_asyncio.fixture(loop_scope="session")
async def channel(chat: Target, source: Source) -> AsyncIterator[Channel]:
    """All changes of the source's room."""
    server = replace(chat, publishable_key=chat.secret_key or "")
    async with RealtimeClient(server) as realtime:
        binding = ChangeBinding("*", chat.schema, "messages", f"room_id=eq.{source.room}")
        channel = realtime.channel("mirror", JoinConfig(changes=(binding,)))
        await channel.subscribe(timeout=20)
        yield channel


async def take(channel: Channel, count: int) -> list[Change]:
    """The next changes."""
    changes: list[Change] = []
    async with asyncio.timeout(15):
        async for event in channel.events():
            if isinstance(event, Change):
                changes.append(event)
            if len(changes) == count:
                break
    return changes


class Mirror:
    """Of the source's room, fed by raw changes."""

    def __init__(self, table: PrismaTable) -> None:
        self.table = table

    async def apply(self, changes: Sequence[Change]) -> None:
        await self.table.apply([item_of(change, self.table.source) for change in changes])


@pytest.fixture
def mirror(client: Prisma, converter: Converter) -> Mirror:
    return Mirror(PrismaTable(client, converter, "mirroredmessage"))


async def test_a_mirror_follows_and_repeating_changes_nothing(source: Source, channel: Channel, mirror: Mirror) -> None:
    """Inserts, updates and deletes; then the same changes a second and a third time."""
    load = Load(inserts=20, updates=7, deletes=5)
    ids = await source.insert(load)
    changes = await take(channel, 20)
    await mirror.apply(changes)
    assert (await compare_mirror(source)).rows_correct == 20
    await source.change(load, ids)
    changes += await take(channel, 12)
    for batch in (changes[20:], changes[20:], changes):
        await mirror.apply(batch)
        verdict = await compare_mirror(source)
        assert (verdict.rows_expected, verdict.rows_correct, verdict.duplicates) == (15, 15, 0)


async def test_the_comparison_sees_every_kind_of_difference(source: Source, channel: Channel, mirror: Mirror) -> None:
    """Lost, stale and surplus rows are counted apart."""
    ids = await source.insert(Load(inserts=6))
    await mirror.apply(await take(channel, 6))
    execute = source.connection.execute
    await execute("delete from mirrored_messages where id = %s", [ids[0]])
    await execute("update mirrored_messages set price = coalesce(price, 1) - 0.000001 where id = %s", [ids[1]])
    await execute("update mirrored_messages set meta = meta || '{\"x\": 1}' where id = %s", [ids[2]])
    await execute("update mirrored_messages set id = -id where id = %s", [ids[3]])
    verdict = await compare_mirror(source)
    assert (verdict.rows_expected, verdict.rows_correct, verdict.stale) == (6, 2, 2)
    assert (verdict.lost, verdict.duplicates) == (2, 1)


async def test_a_row_that_came_incomplete_is_read_from_the_source(
    source: Source, channel: Channel, mirror: Mirror
) -> None:
    """The digits that a double has lost, and a column that is missing, come from the database; a gone row goes."""
    ids = await source.insert(Load(inserts=3))
    changes = await take(channel, 3)
    changes[0].record["price"] = 12345678901234.123456
    del changes[1].record["meta"]
    del changes[2].record["body"]
    await source.connection.execute("delete from messages where id = %s", [ids[2]])
    await mirror.apply(changes)
    verdict = await compare_mirror(source)
    assert (verdict.rows_expected, verdict.rows_correct, verdict.duplicates) == (2, 2, 0)


async def test_rows_are_refetched_by_key_with_exact_types(source: Source, client: Prisma, converter: Converter) -> None:
    """Revalidation is one query, and what is gone is not in its result."""
    ids = await source.insert(Load(inserts=4))
    rows: dict[Any, Any] = await refetch(client, converter, {(identity,) for identity in (*ids, -1)})
    assert set(rows) == {(identity,) for identity in ids}
    assert rows[(ids[3],)]["price"] == Decimal("12345678901234.123456")


async def test_one_bad_row_does_not_fail_its_batch(source: Source, client: Prisma, converter: Converter) -> None:
    """The database refuses it in the middle of a transaction; the others are written, and its reason is kept."""
    ids = await source.insert(Load(inserts=30))
    rows = await refetch(client, converter, {(identity,) for identity in ids})
    table = PrismaTable(client, converter, "mirroredmessage")
    items = [copied(row, "0" * 40 if row["id"] == ids[17] else row["author"]) for row in rows.values()]
    writer = BatchWriter(table.apply)
    await writer(items)
    verdict = await compare_mirror(source)
    assert (verdict.rows_correct, verdict.lost) == (29, 1)
    [bad] = writer.set_aside.values()
    assert bad.item.key == (ids[17],)
    assert "uuid" in bad.reason.lower()


async def test_a_server_that_ends_the_connection_is_asked_again(
    source: Source, client: Prisma, converter: Converter
) -> None:
    """No row is blamed for it."""
    ids = await source.insert(Load(inserts=5))
    rows = await refetch(client, converter, {(identity,) for identity in ids})
    await source.connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
        " and datname = current_database() and query like '%%\"sync_chat\"%%' and backend_type = 'client backend'"
    )
    writer = BatchWriter(PrismaTable(client, converter, "mirroredmessage").apply)
    await writer([copied(row, row["author"]) for row in rows.values()])
    assert (await compare_mirror(source)).rows_correct == 5
    assert writer.set_aside == {}


def copied(row: dict[str, Any], author: str) -> Item:
    """A row of Prisma as an item, as a change log tells it."""
    words = {"roomId": "room_id", "createdAt": "created_at", "updatedAt": "updated_at"}
    record = {words.get(name, name): value for name, value in row.items()} | {"author": author}
    record |= {"kind": row["kind"].lower(), "meta": row["meta"].data}
    record |= {name: record[name].isoformat() for name in ("created_at", "updated_at")}
    return Item("INSERT", (row["id"],), record, None)
