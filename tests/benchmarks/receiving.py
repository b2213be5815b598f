"""One receiver of changes, so that its CPU time is its own: `python -m tests.benchmarks.receiving`.

Reads an `Order` as a line of JSON, prints ``ready`` when it is subscribed, and a `Receipt` when all messages came.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from supabase import acreate_client

from helpers.client import RealtimeClient
from helpers.target import Target, TargetKind
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

TOPIC = "bench"
TABLE = "bench_rows"
#: Seconds without the last message, after which a receiver tells what it has.
LIMIT_S = 60.0


class Order(msgspec.Struct):
    """Who receives what, from where, and how many messages."""

    client: Literal["workbook", "supabase"]
    api_url: str
    key: str
    messages: int


class Receipt(msgspec.Struct):
    """What was received: wall and CPU time from the first message to the last."""

    received: int
    in_order: bool
    seconds: float
    cpu_seconds: float


class Account:
    """The accounting that both clients do for each message: its number and the time of its receipt."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.numbers: list[int] = []
        self.times: list[float] = []
        self.complete = asyncio.Event()
        self._cpu_at_first = 0.0
        self._cpu_at_last = 0.0

    def record(self, number: int, received_at: float) -> None:
        if not self.numbers:
            self._cpu_at_first = time.process_time()
        self.numbers.append(number)
        self.times.append(received_at)
        if len(self.numbers) == self.expected:
            self._cpu_at_last = time.process_time()
            self.complete.set()

    def receipt(self) -> Receipt:
        in_order = self.numbers == list(range(self.expected))
        seconds = self.times[-1] - self.times[0]
        return Receipt(len(self.numbers), in_order, seconds, self._cpu_at_last - self._cpu_at_first)


async def with_ours(order: Order, account: Account) -> None:
    """The measuring client: latency, size and order of each message are there for the taking."""

    def record(event: Event) -> None:
        if isinstance(event, Change):
            account.record(event.record["n"], event.received_at)

    bindings = (ChangeBinding("INSERT", table=TABLE),)
    target = Target(TargetKind.LAB, order.api_url, order.key)
    async with RealtimeClient(target) as client:
        channel = client.channel(TOPIC, JoinConfig(changes=bindings))
        channel.on_event(record)
        await channel.subscribe()
        await _all_received(account)


async def with_official(order: Order, account: Account) -> None:
    """The vendor's client, unmodified; it tells neither size nor time of receipt, so the callback takes the time."""
    ready = asyncio.Event()
    client = await acreate_client(order.api_url, order.key)
    channel = client.channel(TOPIC)
    take: Callable[[Any], None] = lambda row: account.record(row["data"]["record"]["n"], time.monotonic())  # noqa: E731
    channel.on_postgres_changes("INSERT", take, table=TABLE, schema="public")
    channel.on_system(lambda _: ready.set())
    await channel.subscribe()
    await asyncio.wait_for(ready.wait(), LIMIT_S)
    await _all_received(account)
    await client.realtime.close()


async def _all_received(account: Account) -> None:
    print("ready", flush=True)
    await asyncio.wait_for(account.complete.wait(), LIMIT_S)


async def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    account = Account(order.messages)
    receive = with_ours if order.client == "workbook" else with_official
    await receive(order, account)
    print(msgspec.json.encode(account.receipt()).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
