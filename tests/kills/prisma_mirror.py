"""A mirror that Prisma writes, and that is killed: its table equals the source in the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import psycopg

from helpers.prisma import SEED_ROOM, SEED_USERS
from helpers.resilience import install_change_log
from helpers.target import Target
from tests.chat import chat_in
from tests.kills.mirror import CATCH_UP_LIMIT_S, PAUSE_S, Outcome
from tests.kills.prisma_mirror_process import Order, mirror
from tests.kills.process import end, live_for, start

__all__ = ["kill_a_prisma_mirror"]

_STATEMENTS = (
    "insert into messages (room_id, author, body, price) select {room}, '{author}', 'new', g / 7.0 "
    "from generate_series(0, 4) g",
    "update messages set body = body || '.', price = price + 1 where id %% 7 = %(n)s %% 7",
    "delete from messages where id %% 29 = %(n)s %% 29",
    "update messages set id = id + 1000000 where id = (select min(id) from messages)",
)

#: Rows, and how many of them are missing in the copy, are there only, or differ.
_COMPARED = """
select count(s.id), count(*) filter (where m.id is null), count(*) filter (where s.id is null),
    count(*) filter (where s.id = m.id and to_jsonb(s) is distinct from to_jsonb(m))
from messages s full join mirrored_messages m on m.id = s.id
"""


async def kill_a_prisma_mirror(target: Target, _folder: Path, times: int, seed: int = 0) -> Outcome:
    """Start it, kill it with -9 a moment later, and again, while somebody writes; then compare."""
    chance, schema = random.Random(seed), f"killed_{secrets.token_hex(4)}"
    async with chat_in(target, schema) as chat, _connected(chat) as connection:
        await install_change_log(connection, ["messages"], schema=schema)
        order = Order(chat.as_service())
        async with _written(chat, seed):
            for _ in range(times):
                await live_for(chance.uniform(0.0, 0.6), mirror, order, partial(_progress, connection))
        [(changes,)] = await _asked(connection, "select count(*) from change_log")
        return await _compared(connection, order, times, changes)


@contextlib.asynccontextmanager
async def _connected(chat: Target) -> AsyncIterator[psycopg.AsyncConnection]:
    assert chat.database_url is not None
    async with await psycopg.AsyncConnection.connect(chat.database_url, autocommit=True) as connection:
        await connection.execute(f"set search_path to {chat.schema}".encode())
        yield connection


@contextlib.asynccontextmanager
async def _written(chat: Target, seed: int) -> AsyncIterator[None]:
    writing = asyncio.create_task(_write(chat, random.Random(seed)))
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def _write(chat: Target, chance: random.Random) -> None:
    """Every kind of change, again and again."""
    statements = [text.format(room=SEED_ROOM, author=SEED_USERS["ada"]).encode() for text in _STATEMENTS]
    async with _connected(chat) as connection:
        number = 0
        while True:
            number += 1
            await connection.execute(chance.choice(statements[:1] if number < 10 else statements), {"n": number})
            await asyncio.sleep(PAUSE_S)


async def _progress(connection: psycopg.AsyncConnection) -> object:
    """Something else after each transaction of the mirror."""
    [(found,)] = await _asked(connection, "select to_regclass('mirror_seen')")
    if found is None:
        return None
    query = "select (select max(horizon) from mirror_position), (select array_agg(id order by id) from mirror_seen)"
    return await _asked(connection, query)


async def _compared(connection: psycopg.AsyncConnection, order: Order, kills: int, changes: int) -> Outcome:
    """Let it live until nothing changes any more, or the time is over."""
    process = start(mirror, Order(order.target, most=1_000))
    found: tuple[int, ...] = (0, 1, 0, 0)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_LIMIT_S):
                while any(found[1:]):
                    await asyncio.sleep(0.1)
                    [found] = await _asked(connection, _COMPARED)
    finally:
        await end(process)
    return Outcome(kills, found[0], changes, *found[1:])


async def _asked(connection: psycopg.AsyncConnection, query: str) -> list[tuple[int, ...]]:
    return await (await connection.execute(query.encode())).fetchall()
