"""A mirror that is killed: what is in its file equals the table in the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from helpers.resilience import install_change_log
from helpers.target import Target
from tests.kills.mirror_process import Order, mirror
from tests.kills.process import bytes_written, end, live_for, start

__all__ = ["Outcome", "kill_a_mirror"]

#: For the last one to catch up with all that the others, who lived for a moment each, have left.
CATCH_UP_LIMIT_S = 240.0

#: Between two writes.
PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left.

    Attributes:
        kills: how many there were. rows: in the table at the end. changes: that led there.
        missing, foreign, different: rows of the file that are not as in the table.
    """

    kills: int
    rows: int
    changes: int
    missing: int
    foreign: int
    different: int

    @property
    def held(self) -> bool:
        return not (self.missing or self.foreign or self.different)


async def kill_a_mirror(target: Target, folder: Path, times: int, seed: int = 0) -> Outcome:
    """Start it, kill it with -9 a moment later, and again, while somebody writes; then compare."""
    assert target.database_url is not None
    chance, table = random.Random(seed), f"killed_{secrets.token_hex(4)}"
    order = Order(target.as_service(), table, str(folder / f"{table}.db"))
    async with await psycopg.AsyncConnection.connect(target.database_url, autocommit=True) as connection:
        await connection.execute(
            sql.SQL("create table {} (id bigint primary key, body text, amount numeric)").format(sql.Identifier(table))
        )
        await install_change_log(connection, [table])
        try:
            async with _written(target.database_url, table, seed):
                for _ in range(times):
                    await live_for(chance.uniform(0.0, 0.6), mirror, order, partial(bytes_written, Path(order.file)))
            changes = await _changes(connection, table)
            return await _compared(connection, order, times, changes)
        finally:
            await connection.execute(sql.SQL("drop table {}").format(sql.Identifier(table)))


@contextlib.asynccontextmanager
async def _written(database_url: str, table: str, seed: int) -> AsyncIterator[None]:
    writing = asyncio.create_task(_write(database_url, table, random.Random(seed)))
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def _write(database_url: str, table: str, chance: random.Random) -> None:
    """Every kind of change, again and again."""
    name, number = sql.Identifier(table), 0
    statements = [
        sql.SQL(text).format(name)
        for text in (
            "insert into {} select %(n)s * 10 + g, 'new', g / 7.0 from generate_series(0, 4) g",
            "update {} set body = body || '.', amount = amount + 1 where id %% 50 = %(n)s %% 50",
            "delete from {} where id %% 97 = %(n)s %% 97",
            "update {0} set id = id + 1000000 where id = (select min(id) from {0})",
        )
    ]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while True:
            number += 1
            await connection.execute(chance.choice(statements[:1] if number < 10 else statements), {"n": number})
            await asyncio.sleep(PAUSE_S)


async def _compared(connection: psycopg.AsyncConnection, order: Order, kills: int, changes: int) -> Outcome:
    """Let it live until nothing changes any more, or the time is over."""
    process = start(mirror, msgspec.structs.replace(order, most=1_000))
    query = sql.SQL("select id, body, amount::text from {}").format(sql.Identifier(order.table))
    rows = {row[0]: row for row in await (await connection.execute(query)).fetchall()}
    copy: dict[int, Any] = {}
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_LIMIT_S):
                while copy != rows:
                    await asyncio.sleep(0.1)
                    copy = _copied(order)
    finally:
        await end(process)
    different = sum(copy[key] != row for key, row in rows.items() if key in copy)
    missing, foreign = len(rows.keys() - copy.keys()), len(copy.keys() - rows.keys())
    return Outcome(kills, len(rows), changes, missing, foreign, different)


async def _changes(connection: psycopg.AsyncConnection, table: str) -> int:
    found = await connection.execute("select count(*) from change_log where source = %s", [f"public.{table}"])
    row = await found.fetchone()
    assert row is not None
    return int(row[0])


def _copied(order: Order) -> dict[int, Any]:
    with sqlite3.connect(f"file:{order.file}?mode=ro", uri=True) as copy:
        rows = copy.execute(f"select id, body, amount from {json.dumps(order.table)}").fetchall()
    return {row[0]: row for row in rows}
