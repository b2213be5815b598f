"""Rows that are read again when they have changed, on the lab."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest
import pytest_asyncio

from helpers.errors import RunError
from helpers.prisma import Prisma, statements_sent
from helpers.resilience import Item
from helpers.sync import Converter, Load, Revalidator
from helpers.sync.folding import Key
from helpers.sync.load import Source, open_source
from helpers.target import Target


@pytest_asyncio.fixture(loop_scope="session")
async def source(chat: Target) -> AsyncIterator[Source]:
    async with open_source(chat, "revalidation") as source:
        yield source


def changed(identity: int) -> Item:
    """An update that tells nothing but the key."""
    return Item("UPDATE", (identity,), {"id": identity}, None)


async def test_many_changes_are_one_query(source: Source, client: Prisma, converter: Converter) -> None:
    """Rows that change together are read together, and a row that changes often is read once."""
    ids = await source.insert(Load(inserts=40))
    async with Revalidator(client, converter) as rows:
        await client.message.count()  # a connection's first statement is not its only one
        before = await statements_sent(client)
        for _ in range(5):
            for identity in ids:
                rows.changed(changed(identity))
        await rows.settle()
        assert await statements_sent(client) - before == 1
        assert (rows.counts.changes, rows.counts.coalesced, rows.counts.queries) == (200, 160, 1)
        assert [rows.get((identity,)).id for identity in ids] == ids


async def test_a_stale_row_serves_until_the_fresh_one_is_there(
    source: Source, client: Prisma, converter: Converter
) -> None:
    """Nobody waits for a row that is there; who asks for another one waits for its read."""
    [identity] = await source.insert(Load(inserts=1))
    told: list[Collection[Key]] = []
    async with Revalidator(client, converter, on_fresh=told.append) as rows:
        first = await rows.read((identity,))
        await source.connection.execute("update messages set body = 'fresh' where id = %s", [identity])
        rows.changed(changed(identity))
        assert rows.is_stale((identity,))
        assert await rows.read((identity,)) is first
        await rows.settle()
        assert not rows.is_stale((identity,))
        assert rows.get((identity,)).body == "fresh"
        assert told == [((identity,),), ((identity,),)]


async def test_a_row_that_is_gone_is_gone(source: Source, client: Prisma, converter: Converter) -> None:
    """Whatever the change said."""
    [identity] = await source.insert(Load(inserts=1))
    async with Revalidator(client, converter) as rows:
        await rows.read((identity,))
        await source.connection.execute("delete from messages where id = %s", [identity])
        rows.changed(Item("DELETE", (identity,), {}, None))
        await rows.settle()
        assert rows.get((identity,)) is None
        assert await rows.read((identity,)) is None


async def test_a_change_during_a_read_has_its_row_read_again(
    source: Source, client: Prisma, converter: Converter
) -> None:
    """What that read brings may be from before."""
    [identity] = await source.insert(Load(inserts=1))
    async with Revalidator(client, converter, within_s=0) as rows:
        rows.changed(changed(identity))
        for _ in range(100_000):  # turns of the loop, until the query is on its way
            await asyncio.sleep(0)
            if rows.counts.queries:
                break
        assert (rows.counts.queries, rows.counts.rows) == (1, 0)
        await source.connection.execute("update messages set body = 'later' where id = %s", [identity])
        rows.changed(changed(identity))
        await rows.settle()
        assert rows.get((identity,)).body == "later"
        assert rows.counts.queries == 2


async def test_more_keys_than_a_query_holds_are_several(source: Source, client: Prisma, converter: Converter) -> None:
    """All of them are read, without waiting for more."""
    ids = await source.insert(Load(inserts=25))
    async with Revalidator(client, converter, most=10, within_s=0.05) as rows:
        for identity in ids:
            rows.changed(changed(identity))
        await rows.settle()
        assert (rows.counts.queries, rows.counts.rows) == (3, 25)


async def test_what_can_never_be_read_is_told_to_whoever_waits(client: Prisma, converter: Converter) -> None:
    """Instead of being asked for again and again."""
    async with Revalidator(client, converter) as rows:
        with pytest.raises(RunError, match="reading messages again"):
            await rows.read(("no number",))
