"""How much receiving changes costs: the measuring client beside the vendor's Python client, on one lab, in one run.

`bench_receive` does it for broadcasts, and for more receivers. Each round sends the same changes to one receiver in a
process of its own. The rate that a client could take is told by its CPU time: database and lab share the machine, and
are the slower part of the wall clock for a fast client.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from typing import Literal, get_args

import msgspec
import psycopg

from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from tests.benchmarks.receiving import LIMIT_S, TABLE, Order, Receipt

Client = Literal["workbook", "supabase"]

ROUNDS = 3
MESSAGES = 3_000
BODY = "x" * 64
UNLIMITED = LabSettings(realtime=RealtimeSettings(limits=Limits(events_per_s=1e9)))


def main() -> None:
    asyncio.run(compare())


async def compare() -> None:
    """Print the table."""
    async with Lab(UNLIMITED) as lab:
        await _create_table(lab)
        receipts: dict[Client, list[Receipt]] = {"workbook": [], "supabase": []}
        for _ in range(ROUNDS):
            for client in get_args(Client):
                receipts[client].append(await _round(lab, client))
        _print(receipts)


async def _round(lab: Lab, client: Client) -> Receipt:
    receiver = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.receiving", stdin=PIPE, stdout=PIPE
    )
    try:
        order = Order(client, lab.info["api_url"], lab.info["anon_key"], MESSAGES)
        assert receiver.stdin is not None
        receiver.stdin.write(msgspec.json.encode(order) + b"\n")
        assert await _line(receiver) == b"ready"
        await _insert(lab, MESSAGES)
        return msgspec.json.decode(await _line(receiver), type=Receipt)
    finally:
        if receiver.returncode is None:
            receiver.terminate()
        await receiver.wait()


async def _line(receiver: Process) -> bytes:
    assert receiver.stdout is not None
    line = await asyncio.wait_for(receiver.stdout.readline(), LIMIT_S)
    if not line:
        raise RuntimeError("the receiver ended before it had received everything")
    return line.strip()


async def _insert(lab: Lab, messages: int) -> None:
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as database:
        rows = f"insert into {TABLE} (n, body) select n, %s from generate_series(0, %s) n"
        await database.execute(rows, (BODY, messages - 1))


async def _create_table(lab: Lab) -> None:
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as database:
        await database.execute(f"create table {TABLE} (id bigserial primary key, n bigint, body text)")
        await database.execute(f"grant select on {TABLE} to anon")
        await database.execute(f"alter publication supabase_realtime add table {TABLE}")


def _print(receipts: dict[Client, list[Receipt]]) -> None:
    print(f"\npostgres_changes: {MESSAGES} messages, median of {ROUNDS} rounds")
    print(
        f"{'client':<10} {'received':>9} {'in order':>9} {'wall msg/s':>11} {'µs CPU/msg':>11} {'msg/s per core':>15}"
    )
    per_core: dict[Client, float] = {}
    for client, rounds in receipts.items():
        cost = statistics.median(receipt.cpu_seconds / receipt.received for receipt in rounds)
        wall = statistics.median(receipt.received / receipt.seconds for receipt in rounds)
        per_core[client] = 1 / cost
        received = min(receipt.received for receipt in rounds)
        in_order = "yes" if all(receipt.in_order for receipt in rounds) else "no"
        print(f"{client:<10} {received:>9} {in_order:>9} {wall:>11,.0f} {cost * 1e6:>11.1f} {1 / cost:>15,.0f}")
    print(f"ratio of what one core can take: {per_core['workbook'] / per_core['supabase']:.1f}")


if __name__ == "__main__":
    main()
