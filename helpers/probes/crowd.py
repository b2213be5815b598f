"""A process that holds subscriptions, so that its memory and CPU are theirs: `python -m helpers.probes.crowd`.

It answers each line of JSON with one of JSON: `Begin` first, then any number of `Grow`, `Beat` and `Receive`. It ends
when its stdin does. Where Python's allocations are traced, nothing else can be measured: tracing costs time and memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
import tracemalloc

import msgspec

from helpers.client import JoinTimes, RealtimeClient
from helpers.errors import WorkbookError
from helpers.target import Target
from helpers.wire.events import Broadcast, Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["Answer", "Beat", "Begin", "Grow", "Receive"]

SUBSCRIBE_LIMIT_S = 20.0
#: Heartbeats are sent when asked for.
_NEVER_S = 1e6
#: Joins under way at a time.
_AT_ONCE = 32


class Begin(msgspec.Struct, frozen=True, tag=True):
    """What to subscribe to.

    Attributes:
        topic: each subscription's channel is named so, and numbered.
        table: for postgres_changes; None for broadcast.
        per_socket: channels on one socket at most.
        bindings: of postgres_changes on one channel, each another room of the table; 0 for one without a filter.
        traced: whether to trace Python's allocations.
    """

    target: Target
    topic: str
    table: str | None
    per_socket: int
    bindings: int = 0
    traced: bool = False


class Grow(msgspec.Struct, frozen=True, tag=True):
    """Open subscriptions until there are so many; at most `joins_per_s`, if given."""

    to: int
    joins_per_s: float | None = None


class Beat(msgspec.Struct, frozen=True, tag=True):
    """Send one heartbeat on each socket, spread evenly over so many seconds."""

    seconds: float


class Receive(msgspec.Struct, frozen=True, tag=True):
    """Wait until so many messages have come since the beginning, all subscriptions together."""

    total: int
    limit_s: float


class Answer(msgspec.Struct, frozen=True):
    """How things stand.

    Attributes:
        subscriptions: channels that are subscribed. sockets: that are open.
        received: messages since the beginning.
        wire_bytes: that have come in and gone out since the beginning, without WebSocket's and HTTP's own going out.
        connect_ms, join_ms, ready_ms: of what the latest question opened.
        traced_bytes: what live Python objects hold, buffers included (not OpenSSL's, for `wss`); None if not traced.
        error: what went wrong; empty if nothing.
    """

    subscriptions: int = 0
    sockets: int = 0
    received: int = 0
    wire_bytes: int = 0
    connect_ms: tuple[float, ...] = ()
    join_ms: tuple[float, ...] = ()
    ready_ms: tuple[float, ...] = ()
    traced_bytes: int | None = None
    error: str = ""


Question = Begin | Grow | Beat | Receive


class Crowd:
    """The subscriptions."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._sockets: list[RealtimeClient] = []
        self._subscriptions = 0
        self._received = 0
        self._connect_ms: list[float] = []
        self._times: list[JoinTimes] = []
        self._more = asyncio.Event()

    async def do(self, question: Question) -> Answer:
        """Do what is asked, and say how things stand."""
        self._connect_ms, self._times = [], []
        match question:
            case Grow():
                await self._grow(question)
            case Beat():
                await self._beat(question.seconds)
            case Receive():
                await self._receive(question)
        return Answer(
            subscriptions=self._subscriptions,
            sockets=len(self._sockets),
            received=self._received,
            wire_bytes=sum(socket.counters.wire_bytes_in + socket.counters.bytes_out for socket in self._sockets),
            connect_ms=tuple(self._connect_ms),
            join_ms=tuple(times.join_ms for times in self._times),
            ready_ms=tuple(times.ready_ms for times in self._times),
            traced_bytes=tracemalloc.get_traced_memory()[0] if self._begin.traced else None,
        )

    async def _grow(self, grow: Grow) -> None:
        began, first = time.monotonic(), self._subscriptions
        while self._subscriptions < grow.to:
            if grow.joins_per_s:
                due = began + (self._subscriptions - first) / grow.joins_per_s
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            count = min(1 if grow.joins_per_s else _AT_ONCE, grow.to - self._subscriptions)
            numbers = range(self._subscriptions, self._subscriptions + count)
            missing = -(-(self._subscriptions + count) // self._begin.per_socket) - len(self._sockets)
            self._sockets += await asyncio.gather(*(self._open() for _ in range(missing)))
            await asyncio.gather(*map(self._subscribe, numbers))
            self._subscriptions += count
        gc.collect()  # what joining has left over is not what a subscription holds

    async def _open(self) -> RealtimeClient:
        client = RealtimeClient(self._begin.target, heartbeat_s=_NEVER_S)
        await client.connect()
        self._connect_ms.append(client.connect_ms)
        return client

    async def _subscribe(self, number: int) -> None:
        client = self._sockets[number // self._begin.per_socket]
        # Nobody reads the channel's events; a buffer of one keeps none of them.
        channel = client.channel(f"{self._begin.topic}:{number}", JoinConfig(changes=self._bindings(number)), buffer=1)
        channel.on_event(self._count)
        self._times.append(await channel.subscribe(timeout=SUBSCRIBE_LIMIT_S))

    def _bindings(self, number: int) -> tuple[ChangeBinding, ...]:
        """Of a channel: each room is another one's."""
        table, schema, count = self._begin.table, self._begin.target.schema, self._begin.bindings
        if table is None:
            return ()
        rooms: list[str | None] = [f"room_id=eq.{number * count + room}" for room in range(count)] or [None]
        return tuple(ChangeBinding(event="INSERT", schema=schema, table=table, filter=room) for room in rooms)

    async def _beat(self, seconds: float) -> None:
        async def late(client: RealtimeClient, delay: float) -> None:
            await asyncio.sleep(delay)
            await client.heartbeat()

        pause = seconds / len(self._sockets)
        await asyncio.gather(
            asyncio.sleep(seconds), *(late(client, number * pause) for number, client in enumerate(self._sockets))
        )

    async def _receive(self, receive: Receive) -> None:
        with contextlib.suppress(TimeoutError):  # the answer says how many came
            async with asyncio.timeout(receive.limit_s):
                while self._received < receive.total:
                    self._more.clear()
                    await self._more.wait()

    def _count(self, event: Event) -> None:
        if isinstance(event, Change | Broadcast):
            self._received += 1
            self._more.set()


async def serve(lines: asyncio.Queue[bytes]) -> None:
    """Answer until the process ends."""
    begin = msgspec.json.decode(await lines.get(), type=Begin)
    if begin.traced:
        tracemalloc.start()
    crowd, answer = Crowd(begin), Answer()
    while True:
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()
        question = msgspec.json.decode(await lines.get(), type=Question)
        try:
            answer = await crowd.do(question)
        except WorkbookError as error:
            answer = Answer(error=error.happened)


def _read(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    os._exit(0)


async def main() -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    threading.Thread(target=_read, args=(asyncio.get_running_loop(), lines), daemon=True).start()
    await serve(lines)


if __name__ == "__main__":
    asyncio.run(main())
