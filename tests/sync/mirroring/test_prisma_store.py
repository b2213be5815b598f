"""A mirror that Prisma writes: in the lab's own database, from the chat's messages to their second table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio

from helpers.errors import RunError
from helpers.lab.network import network
from helpers.prisma import SEED_ROOM, SEED_USERS, Prisma
from helpers.resilience import CHECKPOINT, Item, ResilientClient, drop_change_log, install_change_log, trim_change_log
from helpers.sync import Converter
from helpers.sync.mirroring import PrismaStore, TableMirror
from helpers.target import Target
from tests.resilience.quick import QUICK
from tests.sync.mirroring.test_mirror_follows import running

COPY = "mirroredmessage"
ADA = SEED_USERS["ada"]

#: Source and copy, row by row and column by column, in one snapshot.
DIFFERENT = """
select count(*) filter (where to_jsonb(s) is distinct from to_jsonb(m)), count(s.id)
from messages s full join mirrored_messages m on m.id = s.id
"""


class Chat:
    """Messages under a change log."""

    def __init__(self, connection: psycopg.AsyncConnection, target: Target) -> None:
        self.connection, self.target = connection, target

    async def run(self, statement: str, *values: object) -> None:
        await self.connection.execute(statement.encode(), values)

    async def write(self, rounds: int) -> None:
        """Inserts, updates, deletes, and keys that change."""
        for number in range(rounds):
            await self.run(
                "insert into messages (room_id, author, body, kind, price, meta) select %s, %s, 'new', 'offer', "
                "12345678901234.123456 - g, jsonb_build_object('n', g / 10.0) from generate_series(1, 20) g",
                SEED_ROOM,
                ADA,
            )
            await self.run(
                "update messages set body = body || '!', price = -price, kind = 'system' where id %% 3 = %s", number % 3
            )
            await self.run("update messages set id = -id where id = (select max(id) from messages)")
            await self.run("delete from messages where id %% 11 = %s", number % 11)
            await asyncio.sleep(0.01)

    async def different(self) -> tuple[int, int]:
        """How many rows differ, and how many there are at the source."""
        found = await (await self.connection.execute(DIFFERENT)).fetchone()
        assert found is not None
        return found[0], found[1]

    def mirror(self, client: ResilientClient, store: PrismaStore) -> TableMirror:
        return TableMirror(client, "messages", store, schema=self.target.schema)


@pytest_asyncio.fixture(loop_scope="session")
async def logged_chat(chat: Target) -> AsyncIterator[Chat]:
    target = replace(chat, publishable_key=chat.secret_key or "")
    assert target.database_url is not None
    async with await psycopg.AsyncConnection.connect(target.database_url, autocommit=True) as connection:
        await connection.execute(f"set search_path to {chat.schema}".encode())
        await install_change_log(connection, ["messages"], schema=chat.schema)
        yield Chat(connection, target)
        await drop_change_log(connection, schema=chat.schema)
        await connection.execute("delete from mirrored_messages")
        await connection.execute("drop table if exists mirror_position, mirror_seen")


async def test_it_equals_the_table_after_reconnects(logged_chat: Chat, client: Prisma, converter: Converter) -> None:
    """Decimals, enums, JSON and times included, while somebody writes and links are cut."""
    await logged_chat.write(2)
    async with (
        network(logged_chat.target) as via,
        ResilientClient(via.target, settings=QUICK) as realtime,
        PrismaStore(client, converter, COPY) as store,
        running(logged_chat.mirror(realtime, store)) as mirror,
    ):
        writing = asyncio.create_task(logged_chat.write(15))
        while not writing.done():
            await asyncio.sleep(0.25)
            via.cut()
        await writing
        await mirror.caught_up()
        different, rows = await logged_chat.different()
        assert (different, mirror.snapshots, mirror.repeated) == (0, 1, 0)
        assert rows > 100


async def test_it_goes_on_where_it_was(logged_chat: Chat, client: Prisma, converter: Converter) -> None:
    """Another process reads the position that was committed with the rows, and needs no second snapshot."""
    for part in range(2):
        await logged_chat.write(3)
        async with (
            PrismaStore(client, converter, COPY) as store,
            ResilientClient(logged_chat.target, settings=QUICK) as realtime,
            running(logged_chat.mirror(realtime, store)) as mirror,
        ):
            await mirror.caught_up()
            assert mirror.snapshots == (1 if part == 0 else 0)
            assert (await logged_chat.different())[0] == 0


async def test_a_log_that_was_trimmed_is_replaced_by_a_snapshot(
    logged_chat: Chat, client: Prisma, converter: Converter
) -> None:
    """Rows that are gone meanwhile go."""
    for _ in range(2):
        await logged_chat.write(2)
        async with (
            PrismaStore(client, converter, COPY) as store,
            ResilientClient(logged_chat.target, settings=QUICK) as realtime,
            running(logged_chat.mirror(realtime, store)) as mirror,
        ):
            await mirror.caught_up()
            assert (await logged_chat.different())[0] == 0
        await logged_chat.write(1)
        await trim_change_log(logged_chat.connection, 0, schema=logged_chat.target.schema)


async def test_a_connection_that_ends_costs_an_attempt(logged_chat: Chat, client: Prisma, converter: Converter) -> None:
    """Whether the commit came through is read, not guessed."""
    async with (
        PrismaStore(client, converter, COPY) as store,
        ResilientClient(logged_chat.target, settings=QUICK) as realtime,
        running(logged_chat.mirror(realtime, store)) as mirror,
    ):
        await mirror.caught_up()
        for _ in range(5):
            await logged_chat.write(1)
            await logged_chat.run(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like '%%mirror\\_seen%%'"
                " and pid <> pg_backend_pid()"
            )
        await mirror.caught_up()
        assert (await logged_chat.different())[0] == 0


def item(identity: int, type: str, number: int, **words: object) -> Item:
    """An entry of the log about the message `number`; each is a transaction of its own."""
    record = {
        "id": number, "room_id": SEED_ROOM, "author": ADA, "body": "x", "kind": "text", "price": None, "meta": {},
        "created_at": "2026-11-22T10:00:00+00:00", "updated_at": "2026-11-22T10:00:00+00:00",
    } | words  # fmt: skip
    return Item(type, (number,), record, (identity, 10**15 + identity))


async def test_applied_twice_changes_nothing_and_two_mirrors_do_not_mix(
    logged_chat: Chat, client: Prisma, converter: Converter
) -> None:
    """What was committed is known by its entry; a second process meets it in the database."""
    async with (
        PrismaStore(client, converter, COPY) as store,
        ResilientClient(logged_chat.target, settings=QUICK) as realtime,
    ):
        async with running(logged_chat.mirror(realtime, store)) as mirror:
            await mirror.caught_up()
        async with PrismaStore(client, converter, COPY) as other:
            first, second = item(10**9, "INSERT", 10**9), item(10**9 + 1, "UPDATE", 10**9, body="y")
            assert await store.apply([first, second]) == 0
            assert await store.apply([first, second]) == 2
            with pytest.raises(RunError, match="already exists"):
                await other.apply([first])
        row = await client.mirroredmessage.find_unique(where={"id": 10**9})
        assert row.body == "y"


async def test_a_late_truncate_leaves_what_was_written_after_it(
    logged_chat: Chat, client: Prisma, converter: Converter
) -> None:
    """Also if both are in one batch, and after a word about the log's horizon."""
    async with (
        PrismaStore(client, converter, COPY) as store,
        ResilientClient(logged_chat.target, settings=QUICK) as realtime,
    ):
        async with running(logged_chat.mirror(realtime, store)) as mirror:
            await mirror.caught_up()
        later, emptied = item(10**9 + 7, "INSERT", 10**9), Item("TRUNCATE", None, {}, (10**9 + 3, 10**15))
        word = Item(CHECKPOINT, None, {}, 10**14)
        await store.apply([word, later, emptied, item(10**9 + 8, "INSERT", 10**9 + 1)])
        rows = await client.mirroredmessage.find_many()
        assert sorted(row.id for row in rows) == [10**9, 10**9 + 1]
        position = await store.position()
        assert position is not None
        assert (position.horizon, set(position.seen)) == (10**14, {10**9 + 3, 10**9 + 7, 10**9 + 8})
