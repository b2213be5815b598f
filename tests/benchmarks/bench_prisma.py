"""Prisma against psycopg 3, on the lab's PostgreSQL: what one call costs, and what batching saves.

Both write the same rows of `events` over one process each. Every figure is the median of some rounds, with their range.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg

from helpers.lab import Lab
from helpers.prisma import Prisma, deploy_migrations, drop_schema, prisma_client
from helpers.prisma.datamodel import parse_datamodel
from helpers.sync.bulk import BulkTable
from helpers.target import Target

SCHEMA = "bench_prisma"
ROUNDS = 5
CALLS = 100
ROWS = 1000
BATCH = 100

INSERT = "insert into events (room_id, seq, body) values (%s, %s, %s) returning *"
UPSERT = (
    "insert into events (id, room_id, seq, body) values (%s, %s, %s, %s)"
    " on conflict (id) do update set body = excluded.body returning *"
)
#: The columns that are written.
BULK = parse_datamodel("""
model Event {
  id     BigInt @id
  roomId BigInt @map("room_id")
  seq    BigInt
  body   String
  @@map("events")
}
""")
Work = Callable[[], Awaitable[Any]]


def main() -> None:
    asyncio.run(_compare())


async def _compare() -> None:
    async with _tables() as target, _connected(target) as (prisma, connections):
        url = target.database_url or ""
        pairs: list[tuple[str, int, Work, Work]] = [
            ("connect and disconnect", 1, lambda: _reconnect_prisma(target), lambda: _reconnect_psycopg(url)),
            ("create, one after the other", CALLS, lambda: _creates(prisma, 1), lambda: _inserts(connections, 1)),
            ("create, 16 callers (psycopg: 4)", CALLS, lambda: _creates(prisma, 16), lambda: _inserts(connections, 4)),
            ("create_many", ROWS, lambda: _create_many(prisma), lambda: _insert_many(connections[0])),
            ("batch of upserts", BATCH, lambda: _upserts(prisma), lambda: _upsert_batch(connections[0])),
            (
                "batch that deletes and inserts",
                BATCH,
                lambda: _replaces(prisma),
                lambda: _replace_batch(connections[0]),
            ),
            ("the same, rows as one text", BATCH, lambda: _bulk(prisma), lambda: _replace_batch(connections[0])),
        ]
        print(f"milliseconds for each row or call: median (range) of {ROUNDS} rounds")
        print(f"{'':32}{'rows':>6}  {'prisma':<26}{'psycopg':<26}{'ratio':>6}")
        for name, rows, through_prisma, by_psycopg in pairs:
            slow, fast = await _rounds(through_prisma, rows), await _rounds(by_psycopg, rows)
            ratio = statistics.median(slow) / statistics.median(fast)
            print(f"{name:32}{rows:>6}  {_told(slow):<26}{_told(fast):<26}{ratio:>5.1f}x")


async def _rounds(work: Work, rows: int) -> list[float]:
    await work()  # the first round warms up
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - started) * 1e3 / rows)
    return taken


def _told(taken: list[float]) -> str:
    return f"{statistics.median(taken):.2f} ({min(taken):.2f}-{max(taken):.2f})"


@asynccontextmanager
async def _tables() -> AsyncIterator[Target]:
    async with Lab() as lab:
        target = replace(lab.target, schema=SCHEMA)
        url = target.database_url or ""
        deploy_migrations(url, SCHEMA)
        yield target
        drop_schema(url, SCHEMA)


@asynccontextmanager
async def _connected(target: Target) -> AsyncIterator[tuple[Prisma, list[psycopg.AsyncConnection[Any]]]]:
    prisma = await prisma_client(target)
    connections = [await psycopg.AsyncConnection.connect(target.database_url or "", autocommit=True) for _ in range(4)]
    for connection in connections:
        await connection.execute(f"set search_path to {SCHEMA}")
    try:
        yield prisma, connections
    finally:
        await prisma.disconnect()
        for connection in connections:
            await connection.close()


async def _reconnect_prisma(target: Target) -> None:
    client = await prisma_client(target)
    await client.disconnect()


async def _reconnect_psycopg(url: str) -> None:
    connection = await psycopg.AsyncConnection.connect(url)
    await connection.close()


async def _share(workers: int, one: Callable[[int, int], Awaitable[Any]]) -> None:
    """CALLS calls, taken by so many workers."""
    numbers = iter(range(CALLS))

    async def work(worker: int) -> None:
        for n in numbers:
            await one(worker, n)

    await asyncio.gather(*map(work, range(workers)))


async def _creates(prisma: Prisma, workers: int) -> None:
    await _share(workers, lambda _, n: prisma.event.create(data={"roomId": 1, "seq": n, "body": "x"}))


async def _inserts(connections: list[psycopg.AsyncConnection[Any]], workers: int) -> None:
    async def insert(worker: int, n: int) -> None:
        cursor = await connections[worker].execute(INSERT, [1, n, "x"])
        await cursor.fetchone()

    await _share(workers, insert)


async def _create_many(prisma: Prisma) -> None:
    await prisma.event.create_many(data=[{"roomId": 1, "seq": n, "body": "x"} for n in range(ROWS)])


async def _insert_many(connection: psycopg.AsyncConnection[Any]) -> None:
    async with connection.transaction():
        await connection.cursor().executemany(INSERT, [[1, n, "x"] for n in range(ROWS)])


def _row(n: int) -> dict[str, Any]:
    return {"id": 10**9 + n, "roomId": 1, "seq": n, "body": "x"}


async def _upserts(prisma: Prisma) -> None:
    async with prisma.batch_() as batch:
        for n in range(BATCH):
            batch.event.upsert(where={"id": _row(n)["id"]}, data={"create": _row(n), "update": {"body": "y"}})


async def _upsert_batch(connection: psycopg.AsyncConnection[Any]) -> None:
    async with connection.transaction():
        await connection.cursor().executemany(UPSERT, [list(_row(n).values()) for n in range(BATCH)])


async def _replaces(prisma: Prisma) -> None:
    async with prisma.batch_() as batch:
        batch.event.delete_many(where={"id": {"in": [_row(n)["id"] for n in range(BATCH)]}})
        batch.event.create_many(data=[_row(n) for n in range(BATCH)])


async def _bulk(prisma: Prisma) -> None:
    table = BulkTable.of(BULK, "event", BULK.models["Event"], SCHEMA)
    rows = [_row(n) for n in range(BATCH)]
    async with prisma.batch_() as batch:
        batch.execute_raw(*table.delete([(row["id"],) for row in rows]))
        batch.execute_raw(*table.insert(rows))


async def _replace_batch(connection: psycopg.AsyncConnection[Any]) -> None:
    async with connection.transaction():
        await connection.execute("delete from events where id = any(%s)", [[_row(n)["id"] for n in range(BATCH)]])
        await connection.cursor().executemany(UPSERT, [list(_row(n).values()) for n in range(BATCH)])


if __name__ == "__main__":
    main()
