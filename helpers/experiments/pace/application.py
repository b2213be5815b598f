"""An application that listens to a stream, paced in one way or another, and shows what it was handed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from helpers.client import RealtimeClient
from helpers.experiments.pace.handler import Cost, burn
from helpers.experiments.pace.screen import Screen
from helpers.experiments.sending import Sender, unless_cut_off
from helpers.pacing import BoundedQueue
from helpers.stream import Form, Item, Sent, Stream
from helpers.stream.paces import Pace, queue_for, turns
from helpers.target import Target
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig

__all__ = ["Application", "Shown", "listen"]

#: How long after the last was sent messages may still come, and how long the handler may take to catch up.
DRAIN_LIMIT_S, CATCH_UP_LIMIT_S = 2.0, 30.0


@dataclass(slots=True)
class Application:
    """Its books.

    Attributes:
        values: handed to the handler. turns: calls of the handler.
        finished_at: when the latest call was over.
        handler_cpu_s: of all calls; handler_wall_s: how long they took.
    """

    pace: Pace
    cost: Cost
    queue: BoundedQueue[Item]
    form: Form
    screen: Screen = field(default_factory=Screen)
    values: int = 0
    turns: int = 0
    received: int = 0
    finished_at: float = 0.0
    handler_cpu_s: float = 0.0
    handler_wall_s: float = 0.0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def on_event(self, event: Event) -> None:
        """What the socket's callback does: put it into the queue, and no more."""
        if isinstance(event, Broadcast):
            self.received += 1
            self.came.set()
            self.queue.offer(self.form.item(event.payload))

    async def all_received(self, messages: int) -> None:
        """Until so many came; what does not in time is lost on its way, and the result says so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_LIMIT_S):
                while self.received < messages:
                    self.came.clear()
                    await self.came.wait()

    async def run(self) -> None:
        """Handle turn after turn, until the queue is closed and empty."""
        async for items in turns(self.pace, self.queue):
            began, cpu_s = time.monotonic(), self.cost.of(len(items))
            burn(cpu_s)
            self.finished_at = time.monotonic()
            self.handler_wall_s += self.finished_at - began
            self.handler_cpu_s += cpu_s
            self.turns += 1
            self.values += len(items)
            for item in items:
                self.screen.show(item.key, item.due, self.finished_at)


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of a stream in an application.

    Attributes:
        start: when the schedule began (monotonic seconds).
        left_waiting: messages that the handler did not get to within `CATCH_UP_LIMIT_S`.
    """

    stream: Stream
    sent: Sent
    start: float
    screen: Screen
    left_waiting: int
    received: int
    values: int
    turns: int
    finished_at: float
    handler_cpu_s: float
    handler_wall_s: float
    notes: tuple[str, ...]


async def listen(target: Target, sender: Sender, stream: Stream, pace: Pace, cost: Cost) -> Shown:
    """Send a stream to an application, and let it catch up.

    Raises:
        SettingsError: the stream is out of bounds.
        FailureError: one of the two was refused, or broke off.
    """
    queue = queue_for(pace)
    application = Application(pace, cost, queue, stream.form)
    async with RealtimeClient(target, version=stream.form.version) as client:
        channel = client.channel(stream.topic, JoinConfig(), buffer=1)
        channel.on_event(application.on_event)
        await channel.subscribe()
        await sender.prepare(stream)
        running = asyncio.create_task(application.run(), name=f"handler: {pace}")
        try:
            start = sender.start()
            sent = await sender.send(stream, start)
            notes = await unless_cut_off(client, application.all_received(sent.messages))
            queue.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running, CATCH_UP_LIMIT_S)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return Shown(
        stream=stream,
        sent=sent,
        start=start,
        screen=application.screen,
        left_waiting=len(queue),
        received=application.received,
        values=application.values,
        turns=application.turns,
        finished_at=application.finished_at,
        handler_cpu_s=application.handler_cpu_s,
        handler_wall_s=application.handler_wall_s,
        notes=notes,
    )
