"""Events between the moment they arrive and the moment somebody reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

from helpers.wire.events import Event

__all__ = ["EventBuffer", "EventStream", "Pulse"]


class Pulse:
    """Wakes everybody who waits for the next change of something."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)


class EventBuffer:
    """At most `size` events; when it is full the oldest goes, so that a late reader sees the present.

    Attributes:
        dropped: how many went unread.
    """

    def __init__(self, size: int) -> None:
        self._events: deque[Event] = deque(maxlen=size)
        self._pulse = Pulse()
        self.dropped = 0

    def put(self, event: Event) -> None:
        if len(self._events) == self._events.maxlen:
            self.dropped += 1
        self._events.append(event)
        self._pulse.beat()

    def take(self) -> Event | None:
        """The oldest event, None if there is none."""
        return self._events.popleft() if self._events else None

    async def wait(self) -> None:
        """Until something was put, or `wake` was called."""
        await self._pulse.wait()

    def wake(self) -> None:
        self._pulse.beat()


class EventStream:
    """The events of a buffer, one after another, for ``async for``.

    Args:
        buffer: where they come from.
        ending: asked whenever the buffer is empty; what ends the stream, or None while more may come.
    """

    def __init__(self, buffer: EventBuffer, ending: Callable[[], Exception | None]) -> None:
        self._buffer = buffer
        self._ending = ending

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while (event := self._buffer.take()) is None:
            if (ending := self._ending()) is not None:
                raise ending
            await self._buffer.wait()
        return event
