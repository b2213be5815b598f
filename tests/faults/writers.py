"""Somebody who goes on writing, whatever happens to the database."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg

from helpers.lab.faults import Scene
from helpers.prisma import SEED_ROOM, SEED_USERS, Prisma, prisma_client

__all__ = ["PROBE", "written"]

#: How the body of rows begins that nobody touches: whether one has arrived can be seen at any time.
PROBE = "probe "

_SOME = f"select id from messages where body not like '{PROBE}%' order by random()"

#: A statement may hang when the server is gone from under it.
LIMIT_S = 5.0
PAUSE_S = 0.01


@contextlib.asynccontextmanager
async def written(scene: Scene, seed: int) -> AsyncIterator[Counter[str]]:
    """Write through Prisma and by SQL while the block runs; what was done, and what failed."""
    done: Counter[str] = Counter()
    client = await prisma_client(scene.lab.target)
    tasks = (
        asyncio.create_task(_again_and_again(_by_prisma(client, random.Random(seed)), done)),
        asyncio.create_task(_again_and_again(_by_sql(scene, random.Random(seed + 1)), done)),
    )
    try:
        yield done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.disconnect()


async def _again_and_again(write: Callable[[], Awaitable[str]], done: Counter[str]) -> None:
    while True:
        try:
            async with asyncio.timeout(LIMIT_S):
                done[await write()] += 1
        except Exception as error:  # of a database that is gone, in whatever words
            done[f"failed: {type(error).__name__}"] += 1
            await asyncio.sleep(10 * PAUSE_S)
        await asyncio.sleep(PAUSE_S)


def _by_prisma(client: Prisma, chance: random.Random) -> Callable[[], Awaitable[str]]:
    """As an application does: create, change, delete, and several in one transaction."""
    ids: list[int] = []

    async def write() -> str:
        kind = chance.choice(("create", "create", "update", "delete", "many"))
        if kind == "many":
            rows = [_message(chance) for _ in range(chance.randint(2, 20))]
            await client.message.create_many(data=rows)
        elif kind == "create" or not ids:
            ids.append((await client.message.create(data=_message(chance))).id)
        elif kind == "update":
            await client.message.update_many(
                where=_own(chance.choice(ids)), data={"body": f"changed {chance.random()}"}
            )
        else:
            await client.message.delete_many(where=_own(ids.pop(chance.randrange(len(ids)))))
        return f"prisma {kind}"

    return write


def _own(key: int) -> Any:
    """A server that took over without the latest rows gives their keys again."""
    return {"id": key, "NOT": [{"body": {"startswith": PROBE}}]}


def _by_sql(scene: Scene, chance: random.Random) -> Callable[[], Awaitable[str]]:
    """What Prisma seldom does: keys that change, transactions that take their time, and some that are rolled back."""
    statements = (
        f"update messages set body = body || '!' where id in ({_SOME} limit 3)",
        f"update messages set id = nextval('messages_id_seq') where id = ({_SOME} limit 1)",
        f"delete from messages where id = ({_SOME} limit 1)",
        "insert into messages (room_id, author, body) select 123, gen_random_uuid(), 'sql' from generate_series(1, 5)",
    )

    async def write() -> str:
        async with await psycopg.AsyncConnection.connect(scene.database_url, connect_timeout=2) as connection:
            for statement in chance.sample(statements, chance.randint(1, 3)):
                await connection.execute(statement.encode())
                await asyncio.sleep(chance.choice((0, 0, 0.05, 0.3)))
            if chance.random() < 0.1:
                await connection.rollback()
        return "sql"

    return write


def _message(chance: random.Random) -> Any:
    author = chance.choice(sorted(SEED_USERS.values()))
    return {"roomId": SEED_ROOM, "author": author, "body": f"written {chance.random()}"}
