"""An outbox that is killed: what it took is done in the end, once, in its order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from helpers.prisma import SEED_USERS, prisma_client
from helpers.resilience import install_change_log
from helpers.sync.outbox import install_done_writes
from helpers.target import Target
from tests.chat import chat_in
from tests.kills.outbox_process import Order, work
from tests.kills.process import bytes_written, end, live_for, start

__all__ = ["Losses", "kill_an_outbox"]

#: For the last one to do what the others have left.
FINISH_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Losses:
    """What is left.

    Attributes:
        kills: how many there were. promised: writes that the outbox had taken. done: changes in the server's log.
        lost: promised and not done. doubled: done more than once. misplaced: done before one that was made earlier.
    """

    kills: int
    promised: int
    done: int
    lost: int
    doubled: int
    misplaced: int

    @property
    def held(self) -> bool:
        return not (self.lost or self.doubled or self.misplaced)


async def kill_an_outbox(target: Target, folder: Path, times: int, seed: int = 0) -> Losses:
    """Start it, kill it with -9 a moment later, and again; then let it finish, and read what the server has seen."""
    chance, schema = random.Random(seed), f"killed_{secrets.token_hex(4)}"
    async with chat_in(target, schema) as chat:
        assert chat.database_url is not None
        async with await psycopg.AsyncConnection.connect(chat.database_url, autocommit=True) as connection:
            await install_done_writes(connection, schema=schema)
            await install_change_log(connection, ["messages"], schema=schema)
            order = await _order(chat, folder / f"{schema}.db")
            for _ in range(times):
                await live_for(chance.uniform(0.0, 0.6), work, order, partial(bytes_written, Path(order.file)))
            promised = _promised(order)
            await _finish(connection, schema, order, promised)
            return _losses(times, promised, await _history(connection, schema, order))


async def _order(chat: Target, file: Path) -> Order:
    client = await prisma_client(chat)
    try:
        room = await client.room.create(data={"name": "killed"})
    finally:
        await client.disconnect()
    return Order(chat, room.id, next(iter(SEED_USERS.values())), str(file), f"{file}.promises")


def _promised(order: Order) -> int:
    """They are numbered from 0 on; what is written down has been taken."""
    return len(Path(order.promises).read_text().split())


async def _finish(connection: psycopg.AsyncConnection, schema: str, order: Order, promised: int) -> None:
    """Let it live until everything promised is done, or the time is over."""
    process = start(work, order)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_LIMIT_S):
                while len(set(await _history(connection, schema, order))) < promised:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
    finally:
        await end(process)


async def _history(connection: psycopg.AsyncConnection, schema: str, order: Order) -> list[int]:
    """The numbers of all writes that the server has done, in its order."""
    query = sql.SQL(
        "select (row::jsonb ->> 'body')::int from {}.change_log where source = %s and row::jsonb ->> 'room_id' = %s "
        "order by id"
    ).format(sql.Identifier(schema))
    found = await connection.execute(query, [f"{schema}.messages", str(order.room)])
    return [number for (number,) in await found.fetchall()]


def _losses(kills: int, promised: int, done: list[int]) -> Losses:
    lost = len(set(range(promised)) - set(done))
    misplaced = sum(later < earlier for earlier, later in itertools.pairwise(done))
    return Losses(kills, promised, len(done), lost, len(done) - len(set(done)), misplaced)
