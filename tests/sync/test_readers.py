"""Reading through Prisma gives what SQL gives."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio

from helpers.errors import ConnectionFailed
from helpers.prisma import SEED_ROOM, SEED_USERS, Prisma
from helpers.resilience import (
    ChangeLog,
    Item,
    ResilientClient,
    Rows,
    SqlLogReader,
    SqlRowReader,
    State,
    drop_change_log,
    install_change_log,
)
from helpers.sync import PrismaLogReader, PrismaRowReader
from helpers.target import Target
from tests.chat import prisma_for
from tests.resilience.quick import QUICK

ADA = SEED_USERS["ada"]
BOTH = ("room_id", "user_id")


@pytest_asyncio.fixture(loop_scope="session")
async def chat_sql(chat: Target) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection to the chat, whose messages and members are under a change log."""
    assert chat.database_url is not None
    async with await psycopg.AsyncConnection.connect(chat.database_url, autocommit=True) as connection:
        await connection.execute(f"set search_path to {chat.schema}".encode())
        await install_change_log(connection, ["messages"], schema=chat.schema)
        yield connection
        await drop_change_log(connection, schema=chat.schema)


async def insert(connection: psycopg.AsyncConnection, count: int, body: str) -> None:
    """All of one moment, so that the key has to tell where a page ends."""
    await connection.execute(
        "insert into messages (room_id, author, body, price, meta) select %s, %s, %s, g / 7.0, "
        "jsonb_build_object('n', g / 3.0) from generate_series(1, %s) g",
        [SEED_ROOM, ADA, body, count],
    )


@pytest.mark.parametrize("table", ["messages", "members"])
async def test_rows_are_those_of_sql(
    chat: Target, chat_sql: psycopg.AsyncConnection, client: Prisma, table: str
) -> None:
    """From the beginning, from a version, from a place between rows of one version; keys of one and of two columns."""
    await insert(chat_sql, 60, "of one moment")
    version, key = ("updated_at", ("id",)) if table == "messages" else ("joined_at", BOTH)
    sql = SqlRowReader(chat.database_url or "", table, version, key, schema=chat.schema)
    prisma = PrismaRowReader(client, table, version, key)
    rows = await sql.since(None, None, 1_000)
    middle = rows[len(rows) // 2]
    place = tuple(middle[column] for column in key)
    assert await prisma.since(None, None, 1_000) == rows
    assert await prisma.since(middle[version], None, 20) == await sql.since(middle[version], None, 20)
    assert await prisma.since(middle[version], place, 20) == await sql.since(middle[version], place, 20)
    assert set(await prisma.keys()) == set(await sql.keys())
    places = [tuple(row[column] for column in key) for row in rows[:7]]
    assert await prisma.by_keys(places) == await sql.by_keys(places) != []
    await sql.close()


async def test_times_are_told_as_realtime_tells_them(chat: Target, chat_sql: psycopg.AsyncConnection) -> None:
    """In UTC, whatever zone the role is set to: else a row that was read would be another one than its change."""
    await chat_sql.execute("insert into events (room_id, sent_at) values (7, '2026-11-22T10:00:00.5+02:00')")
    async with zoned(chat, chat_sql) as there, prisma_for(there) as client:
        sql = SqlRowReader(there.database_url or "", "events", "sent_at", schema=chat.schema, where="t.room_id = 7")
        prisma = PrismaRowReader(client, "events", "sent_at", where="t.room_id = 7")
        for [row] in await sql.since(None, None, 10), await prisma.since(None, None, 10):
            assert row["sent_at"] == "2026-11-22T08:00:00.5+00:00"
        await sql.close()


@asynccontextmanager
async def zoned(chat: Target, connection: psycopg.AsyncConnection) -> AsyncIterator[Target]:
    """The same database for a role that lives in India, and may read what everybody may."""
    name, password = f"zoned_{secrets.token_hex(4)}", secrets.token_hex(8)
    await connection.execute(f"create role {name} login password '{password}' in role anon".encode())
    await connection.execute(f"alter role {name} set timezone = 'Asia/Kolkata'".encode())
    url = urlsplit(chat.database_url or "")
    url = url._replace(netloc=f"{name}:{password}@{url.netloc.split('@')[1]}")
    try:
        async with await psycopg.AsyncConnection.connect(url.geturl()) as there:
            assert await (await there.execute("show timezone")).fetchone() == ("Asia/Kolkata",)
        yield replace(chat, database_url=url.geturl())
    finally:
        await connection.execute(f"drop role {name}".encode())


async def test_the_log_is_that_of_sql(chat: Target, chat_sql: psycopg.AsyncConnection, client: Prisma) -> None:
    """Where it ends, its pages, and what was seen already."""
    name = f"{chat.schema}.messages"
    sql, prisma = SqlLogReader(chat.database_url or "", schema=chat.schema), PrismaLogReader(client)
    start = await prisma.now(name)
    assert start.history == (await sql.now(name)).history
    await insert(chat_sql, 30, "logged")
    page = await prisma.page(name, start.horizon, [], 0, 20)
    assert len(page.entries) == 20
    seen, after = [entry.id for entry in page.entries[3:9]], page.entries[1].id
    asked = (name, start.horizon, seen, after, 100)
    assert (await prisma.page(*asked)).entries == (await sql.page(*asked)).entries
    assert len((await prisma.page(*asked)).entries) == 30 - 6 - 2
    await sql.close()


async def test_a_subscription_catches_up_through_prisma(
    chat: Target, chat_sql: psycopg.AsyncConnection, client: Prisma
) -> None:
    """What is committed before it is live, and while it is: each change once, whichever way it comes."""
    server = replace(chat, publishable_key=chat.secret_key or "")
    logged = ChangeLog(PrismaLogReader(client), "messages", schema=chat.schema)
    async with ResilientClient(server, settings=QUICK) as realtime:
        subscription = realtime.subscribe(logged)
        await subscription.wait_for(State.LIVE)
        await insert(chat_sql, 40, "live")
        await subscription.check()
        items = subscription.queue.take()
    assert len({item.key for item in items}) == len(items) == 40


async def test_rows_that_were_written_while_nobody_listened_are_polled_through_prisma(
    chat: Target, chat_sql: psycopg.AsyncConnection, client: Prisma
) -> None:
    """A row that the stream has brought is not taken for another one when it is read."""
    reader = PrismaRowReader(client, "messages", "updated_at")
    source = Rows(reader, "messages", "updated_at", schema=chat.schema, overlap=timedelta(seconds=5))
    async with ResilientClient(replace(chat, publishable_key=chat.secret_key or ""), settings=QUICK) as realtime:
        subscription = realtime.subscribe(source)
        await subscription.wait_for(State.LIVE)
        await insert(chat_sql, 25, "watched")
        found: list[Item] = []
        async with asyncio.timeout(15):
            async for item in subscription:
                found.append(item)
                if len(found) == 25:
                    break
        assert await subscription.check() == 0
    assert {item.record["body"] for item in found} == {"watched"}


async def test_what_cannot_be_read_says_why(client: Prisma) -> None:
    """As every reader does, so that the subscription tries again."""
    with pytest.raises(ConnectionFailed, match="no_such_table"):
        await PrismaRowReader(client, "no_such_table", "at").keys()
