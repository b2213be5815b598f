"""Broadcasts from the database: what is sent with SQL is streamed as it commits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import psycopg
import pytest_asyncio

from helpers.lab.changes import BroadcastFeed, DatabaseBroadcast
from tests.changes.conftest import LIMIT_S, Stage, until


class Radio:
    """A feed of broadcasts and what it has received on the stage's own topic."""

    def __init__(self, stage: Stage) -> None:
        self.topic = stage.name
        self.heard: list[DatabaseBroadcast] = []
        self._news = asyncio.Event()
        self.slot = f"broadcasts_{stage.name}"
        self.feed = BroadcastFeed(stage.dsn, self._take, slot=self.slot)

    def _take(self, broadcast: DatabaseBroadcast) -> None:
        if broadcast.topic == self.topic:
            self.heard.append(broadcast)
            self._news.set()

    async def received(self, count: int) -> list[DatabaseBroadcast]:
        async with asyncio.timeout(LIMIT_S):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()
        return self.heard

    @property
    def payloads(self) -> list[Any]:
        return [msgspec.json.decode(broadcast.payload) for broadcast in self.heard]


@pytest_asyncio.fixture
async def radio(stage: Stage) -> AsyncIterator[Radio]:
    radio = Radio(stage)
    await radio.feed.start()
    yield radio
    await radio.feed.stop()


async def test_send(stage: Stage, radio: Radio) -> None:
    """`realtime.send` broadcasts its object with the id of the message, and keeps an id that the object has."""
    await stage.sql("select realtime.send('{\"hello\": \"world\"}', 'greet', %s, true)", radio.topic)
    await stage.sql("select realtime.send('{\"id\": \"mine\"}', 'greet', %s, false)", radio.topic)
    private, public = await radio.received(2)
    assert (private.event, private.private, private.binary) == ("greet", True, False)
    assert (public.private, public.id == "mine") == (False, False)
    assert radio.payloads == [{"id": private.id, "hello": "world"}, {"id": "mine"}]


async def test_send_is_private_by_default(stage: Stage, radio: Radio) -> None:
    """Without the last argument a message is for private channels."""
    await stage.sql("select realtime.send('{}', 'e', %s)", radio.topic)
    await stage.sql("select realtime.send_binary('\\x01', 'e', %s)", radio.topic)
    assert [broadcast.private for broadcast in await radio.received(2)] == [True, True]


async def test_send_binary(stage: Stage, radio: Radio) -> None:
    """`realtime.send_binary` broadcasts the bytes as they are."""
    await stage.sql("select realtime.send_binary('\\x00ff10', 'bin', %s, true)", radio.topic)
    (broadcast,) = await radio.received(1)
    assert (broadcast.payload, broadcast.binary, broadcast.event) == (b"\x00\xff\x10", True, "bin")


async def test_what_is_no_object(stage: Stage, radio: Radio) -> None:
    """An array cannot carry an id: `realtime.send` warns, the transaction goes on, nothing is broadcast."""
    warnings: list[str] = []
    stage.owner.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
    await stage.sql("select realtime.send('[1, 2]', 'arr', %s, true)", radio.topic)
    await stage.sql("select realtime.send('{}', 'after', %s, true)", radio.topic)
    assert [broadcast.event for broadcast in await radio.received(1)] == ["after"]
    assert len(warnings) == 1 and warnings[0].startswith("WarnSendingBroadcastMessage: ")


async def test_direct_insert(stage: Stage, radio: Radio) -> None:
    """A row inserted into realtime.messages is broadcast with its payload as it is; one without an event is not."""
    row = "insert into realtime.messages (topic, extension, payload, event) values (%s, 'broadcast', %s, %s)"
    await stage.sql(row, radio.topic, '{"x": 1.50}', None)
    await stage.sql(row, radio.topic, '{"x": 1.50}', "direct")
    (broadcast,) = await radio.received(1)
    assert broadcast.payload == b'{"x": 1.50}'


async def test_broadcast_changes(stage: Stage, radio: Radio) -> None:
    """A trigger that calls `realtime.broadcast_changes` tells operation, table and both rows."""
    await stage.table("notes", "id int primary key, body text")
    await stage.sql(
        "create function tell() returns trigger language plpgsql security definer as $$ begin "
        f"perform realtime.broadcast_changes('{radio.topic}', tg_op, tg_op, tg_table_name, tg_table_schema, new, old); "
        "return null; end $$"
    )
    await stage.sql(
        "create trigger tell after insert or update or delete on notes for each row execute function tell()"
    )
    await stage.sql("insert into notes values (1, 'one')")
    await stage.sql("update notes set body = 'two'")
    await stage.sql("delete from notes")
    await radio.received(3)
    told = [(p["operation"], p["record"], p["old_record"]) for p in radio.payloads]
    one, two = {"id": 1, "body": "one"}, {"id": 1, "body": "two"}
    assert told == [("INSERT", one, None), ("UPDATE", two, one), ("DELETE", None, two)]
    assert {(p["schema"], p["table"]) for p in radio.payloads} == {(stage.name, "notes")}
    assert [broadcast.event for broadcast in radio.heard] == ["INSERT", "UPDATE", "DELETE"]


async def test_rolled_back(stage: Stage, radio: Radio) -> None:
    """What is rolled back is not broadcast; a transaction's messages come together in their order."""
    async with stage.owner.transaction(force_rollback=True):
        await stage.sql("select realtime.send('{\"n\": 0}', 't', %s)", radio.topic)
    async with stage.owner.transaction():
        await stage.sql("select realtime.send('{\"n\": 1}', 't', %s)", radio.topic)
        await stage.sql("select realtime.send('{\"n\": 2}', 't', %s)", radio.topic)
    await radio.received(2)
    assert [payload["n"] for payload in radio.payloads] == [1, 2]


async def test_large_message(stage: Stage, radio: Radio) -> None:
    """A message of several megabytes arrives whole."""
    await stage.sql(
        "select realtime.send(jsonb_build_object('body', repeat('x', 3000000)), 'big', %s, true)", radio.topic
    )
    await radio.received(1)
    assert len(radio.payloads[0]["body"]) == 3_000_000


async def test_many_messages(stage: Stage, radio: Radio) -> None:
    """A thousand messages of one statement arrive in order, without loss."""
    await stage.sql(
        "select realtime.send(jsonb_build_object('n', g), 'many', %s, true) from generate_series(1, 1000) g",
        radio.topic,
    )
    await radio.received(1000)
    assert [payload["n"] for payload in radio.payloads] == list(range(1, 1001))


async def test_stream_lost(stage: Stage, radio: Radio) -> None:
    """After the database ended the stream a new one is established by itself."""
    async with await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as admin:
        await admin.execute(
            "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = %s",
            (radio.slot,),
        )
    async with asyncio.timeout(LIMIT_S):
        while not radio.heard:
            await stage.sql("select realtime.send('{}', 'again', %s)", radio.topic)
            await asyncio.sleep(0.02)
    assert radio.feed.ready


async def test_stopped(stage: Stage) -> None:
    """A stopped feed leaves no slot behind."""
    radio = Radio(stage)
    await radio.feed.start()
    query = "select count(*) from pg_replication_slots where slot_name = %s"
    assert await stage.sql(query, radio.slot) == [(1,)]
    await radio.feed.stop()

    async def gone() -> bool:
        return await stage.sql(query, radio.slot) == [(0,)]

    await until(gone)
    assert not radio.feed.ready


async def test_partitions_for_the_coming_days(stage: Stage, radio: Radio) -> None:
    """realtime.messages has partitions from yesterday to four days ahead, and can be given more."""
    async with await psycopg.AsyncConnection.connect(stage.dsn) as admin:
        cursor = await admin.execute(
            "select bool_and(to_regclass(to_char(d, '\"realtime.messages_\"YYYY_MM_DD')) is not null) "
            "from generate_series(current_date - 1, current_date + 4, interval '1 day') d"
        )
        assert await cursor.fetchone() == (True,)
        first = f"date '2001-01-01' + {os.getpid() % 1000}"
        for created in (3, 0):
            cursor = await admin.execute(f"select realtime.create_message_partitions({first}, {first} + 2)")
            assert await cursor.fetchone() == (created,)
        await admin.rollback()
