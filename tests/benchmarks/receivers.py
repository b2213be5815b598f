"""Each receiver of the comparison, in a process of its own: `python -m tests.benchmarks.receivers`.

Reads an `Order` as a line of JSON. Opens as many subscriptions as the first step says, each on a socket of its own,
prints ``ready``, and goes on with the next step at each line. After the last step it receives, and prints a `Receipt`.
`receiver.mjs` does the same with the vendor's JavaScript client.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from supabase import AsyncClient, acreate_client
from websockets.asyncio.client import connect

from helpers.client import RealtimeClient
from helpers.profiling.ledger import Ledger
from helpers.profiling.receiving.books import Books
from helpers.profiling.receiving.intake import Intake
from helpers.profiling.receiving.listener import Listening, listen
from helpers.profiling.receiving.socket import LoadSocket
from helpers.target import Target, TargetKind
from helpers.wire.frames import Version
from helpers.wire.join import JoinConfig
from tests.benchmarks.blaster import EVENT

__all__ = ["LIMIT_S", "Client", "Order", "Receipt"]

Client = Literal[
    "workbook", "load path", "supabase-py", "supabase-js", "supabase-js on ws", "raw websockets", "raw picows"
]
CHANNEL = "bench"
LIMIT_S = 60.0


class Order(msgspec.Struct):
    """Who receives from where; `steps` are numbers of subscriptions, `messages` come on the last step's."""

    client: Client
    api_url: str
    key: str
    messages: int
    steps: tuple[int, ...] = (1,)
    parts: str = ""


class Receipt(msgspec.Struct):
    """What was received: wall and CPU time from the first message to the last.

    `complete`: every message once and in order, as far as the receiver keeps books (ours hold each latency as well, raw
    ones count only).
    """

    received: int
    complete: bool
    seconds: float
    cpu_seconds: float


class Clock:
    """Wall and CPU time from the first message to the last."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.received = 0
        self.done = asyncio.Event()
        self._begin = self._end = (0.0, 0.0)

    def tick(self) -> None:
        """A message came."""
        if not self.received:
            self._begin = time.monotonic(), time.process_time()
        self.received += 1
        if self.received == self.expected:
            self._end = time.monotonic(), time.process_time()
            self.done.set()

    async def receipt(self, complete: Callable[[], bool]) -> Receipt:
        await asyncio.wait_for(self.done.wait(), LIMIT_S)
        seconds, cpu = (end - begin for begin, end in zip(self._begin, self._end, strict=True))
        return Receipt(self.received, complete(), seconds, cpu)


async def _steps(order: Order, open_one: Callable[[int], Any]) -> None:
    """Open subscriptions step by step; waits for a line between two steps."""
    number = 0
    for step in order.steps:
        if number:
            await asyncio.to_thread(sys.stdin.buffer.readline)
        while number < step:
            await open_one(number)
            number += 1
        print("ready", flush=True)


def _target(order: Order) -> Target:
    return Target(TargetKind.LAB, order.api_url, order.key)


async def with_ours(order: Order) -> Receipt:
    """The measuring client with full accounting."""
    ledger, clock = Ledger(1, order.messages), Clock(order.messages)
    books = Books(ledger)

    def on_event(event: Any) -> None:
        books.on_event(event)
        clock.tick()

    clients = []

    async def open_one(_: int) -> None:
        client = RealtimeClient(_target(order))
        await client.connect()
        channel = client.channel(CHANNEL)
        await channel.subscribe()
        channel.on_event(on_event)
        clients.append((client, channel))

    def complete() -> bool:
        books.flush()
        flawless = ledger.is_complete and not ledger.duplicated and not ledger.reordered
        return flawless and ledger.latency.count == order.messages

    await _steps(order, open_one)
    return await clock.receipt(complete)


async def with_load_path(order: Order) -> Receipt:
    """The listener with full accounting, as a fleet's processes run it."""
    if len(order.steps) > 1:
        return await _grown_load_path(order)

    async def rendezvous(_: int) -> float:
        print("ready", flush=True)
        return time.monotonic()

    listening = Listening(
        target=_target(order), channels=(CHANNEL,), sockets=1, messages=order.messages, limit_s=LIMIT_S
    )
    found = await listen(listening, rendezvous)
    flawed = found.lost or found.duplicated or found.reordered or found.strays or found.malformed
    complete = not flawed and found.latency.count == order.messages
    return Receipt(found.received, complete, found.seconds, found.cpu_s)


async def _grown_load_path(order: Order) -> Receipt:
    sockets, intake = [], Intake(Version.V2)

    async def open_one(number: int) -> None:
        socket = LoadSocket(intake)
        await socket.open(_target(order))
        await socket.join(CHANNEL, JoinConfig(), number)
        sockets.append(socket)

    await _steps(order, open_one)
    return Receipt(0, True, 0, 0)


async def with_official(order: Order) -> Receipt:
    """The vendor's Python client, unmodified; the callback keeps the numbers."""
    clock, numbers = Clock(order.messages), []
    clients: list[AsyncClient] = []

    def take(message: Any) -> None:
        numbers.append(message["payload"]["seq"])
        clock.tick()

    async def open_one(_: int) -> None:
        client = await acreate_client(order.api_url, order.key)
        subscribed = asyncio.Event()
        channel = client.channel(CHANNEL).on_broadcast(EVENT, take)
        await channel.subscribe(lambda state, error: subscribed.set())
        await asyncio.wait_for(subscribed.wait(), LIMIT_S)
        clients.append(client)

    await _steps(order, open_one)
    return await clock.receipt(lambda: numbers == list(range(order.messages)))


JOIN = b'["1","1","realtime:bench","phx_join",{"config":{}}]'


def _raw_url(order: Order) -> str:
    return f"{_target(order).realtime_url}?apikey={order.key}&vsn=2.0.0"


async def with_raw_websockets(order: Order) -> Receipt:
    """`websockets`, its own iterator: frames as text, nothing read of them."""
    clock, connections = Clock(order.messages), []

    async def open_one(_: int) -> None:
        connection = await connect(_raw_url(order), compression=None, ping_interval=None, max_size=None, proxy=None)
        await connection.send(JOIN, text=True)
        await connection.recv()
        connections.append(connection)

    await _steps(order, open_one)
    async with asyncio.timeout(LIMIT_S):
        while not clock.done.is_set():
            await connections[0].recv(decode=False)
            clock.tick()
    return await clock.receipt(lambda: True)


class _Raw(WSListener):
    def __init__(self, clock: Clock) -> None:
        self._tick = clock.tick
        self.joined = asyncio.Event()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self.joined.is_set():
            self._tick()
        self.joined.set()


async def with_raw_picows(order: Order) -> Receipt:
    """`picows`: frames are counted, nothing is copied nor read."""
    clock, kept = Clock(order.messages), []

    async def open_one(_: int) -> None:
        transport, listener = await ws_connect(lambda: _Raw(clock), _raw_url(order))
        transport.send(WSMsgType.TEXT, JOIN)
        await listener.joined.wait()
        kept.append(transport)

    await _steps(order, open_one)
    return await clock.receipt(lambda: True)


_RECEIVERS = {
    "workbook": with_ours,
    "load path": with_load_path,
    "supabase-py": with_official,
    "raw websockets": with_raw_websockets,
    "raw picows": with_raw_picows,
}


async def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    print(msgspec.json.encode(await _RECEIVERS[order.client](order)).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
