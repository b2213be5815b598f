"""A client that handles messages more slowly than they come: what waits where, and who is told what, and when."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import numpy as np

from helpers.client import RealtimeClient
from helpers.experiments.pace.backlog import server_end, unread_bytes
from helpers.experiments.pace.slow_results import FORM, Flood, Moment, Reading, SlowRun
from helpers.experiments.sending import Sender
from helpers.pacing import BoundedQueue, each
from helpers.profiling.histogram import Floats
from helpers.results import utc_now
from helpers.stream import Item, Sent
from helpers.target import Target
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig

__all__ = ["watch"]

#: Between two looks at what waits where.
LOOK_S = 0.01

#: A reader that stops does so with so many messages waiting, and goes on with half of them.
STOP_AT = 16

#: After the last message was due: for it to arrive; and for a client to hear that its server has given it up.
GRACE_S, TOLD_LIMIT_S = 0.1, 15.0


async def watch(target: Target, sender: Sender, reading: Reading, flood: Flood) -> SlowRun:
    """Flood a client that reads so, and look at what waits where, until the schedule is over.

    A client whose server has given it up is watched until it is told.

    Raises:
        FailureError: the target refused.
    """
    stream = flood.stream()
    async with RealtimeClient(target, version=stream.form.version) as client:
        reader = _Reader(client, reading, flood)
        channel = client.channel(stream.topic, JoinConfig(), buffer=1)
        channel.on_event(reader.on_event)
        await channel.subscribe()
        await sender.prepare(stream)
        async with contextlib.AsyncExitStack() as tasks:
            for work in (reader.handle(), reader.look(), reader.hear()):
                tasks.push_async_callback(_end, asyncio.create_task(work))
            reader.start = sender.start()
            sent = await sender.send(stream, reader.start)
            await asyncio.sleep(max(0.0, reader.start + flood.seconds + GRACE_S - time.monotonic()))
            if reader.may_be_given_up:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.told.wait(), TOLD_LIMIT_S)
            reader.stop()
    return _as_run(str(target), reader, sent)


@dataclass(slots=True)
class _Reader:
    """The client's side."""

    client: RealtimeClient
    reading: Reading
    flood: Flood
    queue: BoundedQueue[Item] = field(init=False)
    start: float = 0.0
    message_bytes: int = 0
    handled: int = 0
    fates: tuple[int, int] = (0, 0)
    closed_s: float | None = None
    told_s: float | None = None
    known: bool = True
    told: asyncio.Event = field(default_factory=asyncio.Event)
    moments: list[Moment] = field(default_factory=list)
    _latest_due: float = 0.0

    def __post_init__(self) -> None:
        self.queue = self.reading.queue()

    def on_event(self, event: Event) -> None:
        if not isinstance(event, Broadcast):
            return
        self.message_bytes = event.size_bytes
        self.queue.offer(FORM.item(event.payload))
        if self.reading is Reading.STOPS and len(self.queue) >= STOP_AT:
            self.client.pause_reading()

    @property
    def may_be_given_up(self) -> bool:
        """Whether the server has closed the connection, as far as one can know."""
        return self.closed_s is not None or (self.reading is Reading.STOPS and not self.known)

    def stop(self) -> None:
        """What is handled by now counts, and what waits now, that in the handler's hands included."""
        self.fates = self.handled, len(self.queue) + self.queue.counts.taken - self.handled

    async def handle(self) -> None:
        """One message after another, each with a wait."""
        async for item in each(self.queue):
            await asyncio.sleep(self.flood.handle_s)
            self.handled += 1
            self._latest_due = item.due
            if self.reading is Reading.STOPS and len(self.queue) <= STOP_AT // 2:
                self.client.resume_reading()

    async def hear(self) -> None:
        """Until the client learns that its connection is over."""
        await self.client.wait_closed()
        self.told_s = time.monotonic() - self.start
        self.told.set()

    async def look(self) -> None:
        """Again and again, at what waits where."""
        connection = self.client.tcp_socket
        assert connection is not None
        while not self.told.is_set():
            now = time.monotonic()
            if self.start and now >= self.start:
                end = server_end(connection)
                self.known = self.known and end is not None
                unsent, is_open = (0, True) if end is None else (end.unsent_bytes, end.is_open)
                self._note(now, unread_bytes(connection), unsent, is_open)
            await asyncio.sleep(LOOK_S)

    def _note(self, now: float, unread: int, unsent: int, is_open: bool) -> None:
        at_s = now - self.start
        if not is_open and self.closed_s is None:
            self.closed_s = at_s
        self.moments.append(
            Moment(
                at_s=at_s,
                received=self.client.counters.wire_bytes_in,
                in_application=len(self.queue) * self.message_bytes,
                unread=unread,
                unsent=unsent,
                age_s=now - max(self._latest_due, self.start),
                is_open=is_open,
            )
        )


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _as_run(target: str, reader: _Reader, sent: Sent) -> SlowRun:
    moments = tuple(reader.moments)
    sent_by_then = np.searchsorted(np.array(sent.at_s), [moment.at_s for moment in moments])
    sent_bytes: Floats = sent_by_then.astype(np.float64) * reader.message_bytes
    return SlowRun(
        reading=reader.reading,
        flood=reader.flood,
        target=target,
        taken_at=utc_now(),
        sent=sent,
        moments=moments,
        sent_bytes=tuple(sent_bytes.tolist()),
        on_server=tuple(_on_server(moments, sent_bytes).tolist()),
        handled=reader.fates[0],
        waiting=reader.fates[1],
        closed_s=reader.closed_s,
        told_s=reader.told_s,
        reason=reader.client.reason,
        known=reader.known,
    )


def _on_server(moments: tuple[Moment, ...], sent_bytes: Floats) -> Floats:
    """What was sent and is nowhere else, as long as the server has not given up."""
    elsewhere = np.array([moment.received + moment.unread + moment.unsent for moment in moments], dtype=np.float64)
    is_open = np.array([moment.is_open for moment in moments], dtype=np.bool_)
    there: Floats = np.where(is_open, np.maximum(0.0, sent_bytes - elsewhere), 0.0)
    return there
