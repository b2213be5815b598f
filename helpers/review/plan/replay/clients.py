"""The clients of a replay, in a process of their own so that its CPU time is theirs.

`python -m helpers.review.plan.replay.clients` answers each line of JSON with one; it ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import aiohttp
import msgspec

from helpers.client import RealtimeClient
from helpers.errors import WorkbookError
from helpers.review.plan.replay.handlers import Handler, Ledger, handler_of
from helpers.review.plan.replay.orders import (
    Answer,
    Begin,
    Binding,
    ChannelOrder,
    Collect,
    Gather,
    Hear,
    Leave,
    Order,
    PollOrder,
    Records,
    SeatOrder,
)
from helpers.review.plan.replay.reading import Reader
from helpers.review.plan.replay.subscriptions import Kind
from helpers.review.plan.replay.values import number_of
from helpers.target import Target
from helpers.wire.events import Broadcast, Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["Clients"]

SUBSCRIBE_LIMIT_S = 30.0
#: Seats that connect and join at a time.
AT_ONCE = 25
GOLDEN = (5**0.5 - 1) / 2


class Clients:
    """Everybody who takes part."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._handlers: list[Handler] = []
        self._sockets: list[RealtimeClient] = []
        self._channels = 0
        self._bytes_before = 0
        self._polls: list[PollOrder] = []
        self._readers: list[Reader] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def do(self, order: Order) -> Answer | Records:
        """Carry out one order."""
        match order:
            case Gather():
                await self._gather(order)
            case Begin():
                self._begin()
            case Hear():
                await self._hear(order)
            case Collect():
                return self._ledger.records()
            case Leave():
                await self.leave()
        return self._answer()

    async def leave(self) -> None:
        """Stop polling and close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for handler in self._handlers:
            await handler.close()
        await asyncio.gather(*(socket.close() for socket in self._sockets), return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self.__init__()  # type: ignore[misc]  # as new

    def _answer(self) -> Answer:
        return Answer(
            sockets=len(self._sockets),
            channels=self._channels,
            bytes=self._wire_bytes - self._bytes_before + sum(reader.bytes for reader in self._readers),
            messages=self._ledger.messages,
            shown=len(self._ledger.shown),
            requests=sum(reader.requests for reader in self._readers),
            updates=self._ledger.updates,
            failures=sum(reader.failures for reader in self._readers),
        )

    @property
    def _wire_bytes(self) -> int:
        return sum(socket.counters.wire_bytes_in for socket in self._sockets)

    async def _gather(self, order: Gather) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        gate = asyncio.Semaphore(AT_ONCE)

        async def take(place: int, seat: SeatOrder) -> None:
            async with gate:
                await self._take(order.target, place, seat)

        await asyncio.gather(*(take(place, seat) for place, seat in enumerate(order.seats)))

    async def _take(self, target: Target, place: int, seat: SeatOrder) -> None:
        """Connect one user, and join the channels one after another, as a page does."""
        assert self._session is not None
        reader = Reader(self._session, target, seat.token)
        self._readers.append(reader)
        self._tasks += [asyncio.create_task(_poll(reader, poll, self._ledger, place)) for poll in seat.polls]
        for channels in seat.sockets:
            client = RealtimeClient(target, token=seat.token)
            self._sockets.append(client)
            await client.connect()
            for channel in channels:
                await self._join(client, place, channel, reader)

    async def _join(self, client: RealtimeClient, place: int, order: ChannelOrder, reader: Reader) -> None:
        handlers = [(one, handler_of(one.reaction, place, self._ledger, reader)) for one in order.bindings]
        self._handlers += [handler for _, handler in handlers]
        changes = [
            ChangeBinding(one.event, client.target.schema, one.table, one.filter, one.select)
            for one in order.bindings
            if not one.broadcast
        ]
        channel = client.channel(order.topic, JoinConfig(changes=changes, private=order.private), buffer=1)
        channel.on_event(_listening(handlers, self._ledger))
        await channel.subscribe(timeout=SUBSCRIBE_LIMIT_S)
        self._channels += 1

    def _begin(self) -> None:
        self._ledger.forget()
        self._bytes_before = self._wire_bytes
        for reader in self._readers:
            reader.forget()
        self._ledger.polling.set()

    async def _hear(self, order: Hear) -> None:
        began = time.monotonic()
        while True:
            now, ledger = time.monotonic(), self._ledger
            if len(ledger.shown) >= order.shown and ledger.messages >= order.messages and not self._is_busy:
                return
            if now - began > order.limit_s or now - max(began, ledger.last_at) > order.quiet_s:
                return
            await asyncio.sleep(0.01)

    @property
    def _is_busy(self) -> bool:
        return any(handler.is_busy for handler in self._handlers)


async def _poll(reader: Reader, poll: PollOrder, ledger: Ledger, place: int) -> None:
    """Each seat has begun at its own moment: spread by the golden ratio, which fills a circle evenly."""
    await ledger.polling.wait()
    await asyncio.sleep(poll.every_s * (place * GOLDEN % 1))
    while True:
        await reader.read(poll.url)
        ledger.updates += 1
        await asyncio.sleep(poll.every_s)


def _listening(handlers: Sequence[tuple[Binding, Handler]], ledger: Ledger) -> Callable[[Event], None]:
    """What a channel calls with each event: the handlers of those bindings whose guards let it through."""
    concerned: dict[tuple[str, Kind], list[tuple[Binding, Handler]]] = {}
    for binding, handler in handlers:
        for kind in (one for one in binding.handles if binding.event in ("*", one)):
            concerned.setdefault((binding.table, kind), []).append((binding, handler))

    def on_event(event: Event) -> None:
        for table, kind, row in _rows(event):
            ledger.messages += 1
            ledger.last_at = event.received_at
            for binding, handler in concerned.get((table, kind), ()):
                number = number_of(binding.identity_type, row.get(binding.identity))
                if number is not None and _passes(binding, kind, row):
                    handler.take((binding.number, kind, number), binding.list_url)

    return on_event


def _rows(event: Event) -> Iterator[tuple[str, Kind, dict[str, Any]]]:
    if isinstance(event, Change):
        yield event.table, Kind(event.type), event.record or event.old_record
    elif isinstance(event, Broadcast) and isinstance(event.payload, dict) and "operation" in event.payload:
        said = event.payload
        yield said["table"], Kind(said["operation"]), said["record"] or said["old_record"]


def _passes(binding: Binding, kind: Kind, row: dict[str, Any]) -> bool:
    """Of a deleted row there is the key only, so that handlers go by that."""
    guard = binding.guard
    return guard is None or kind is Kind.DELETE or str(row.get(guard.column)) == guard.value


async def serve(lines: asyncio.Queue[bytes]) -> None:
    """Answer until the process ends."""
    clients = Clients()
    while True:
        order = msgspec.json.decode(await lines.get(), type=Order)
        try:
            answer = await clients.do(order)
        except WorkbookError as error:
            await clients.leave()
            answer = Answer(error=error.happened)
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


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
