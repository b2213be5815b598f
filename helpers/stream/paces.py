"""The ways in which an application can take a stream that is faster than its handler."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum

from helpers.pacing import BoundedQueue, WhenFull, batches, each, throttled
from helpers.stream.forms import Item

__all__ = ["Pace", "queue_for", "turns"]

#: Room enough that what waits is the handler's doing and not the queue's.
CAPACITY = 10_000

#: A batch is full with so many; and nobody waits longer than that for it. 20 turns a second look fluent enough.
BATCH, WITHIN_S = 50, 0.05


class Pace(StrEnum):
    """The name is that of an arm."""

    EVERY = "every message"
    BATCHES = f"batches of {BATCH} or {1_000 * WITHIN_S:.0f} ms"
    THROTTLE = f"throttle: the newest, every {1_000 * WITHIN_S:.0f} ms"
    NEWEST = "last value wins, by key"
    NEWEST_THROTTLED = f"last value wins, every {1_000 * WITHIN_S:.0f} ms"


def queue_for(pace: Pace) -> BoundedQueue[Item]:
    """The queue between the socket and the handler."""
    if pace is Pace.THROTTLE:
        return BoundedQueue(1, when_full=WhenFull.DROP_OLDEST)
    if pace in (Pace.NEWEST, Pace.NEWEST_THROTTLED):
        return BoundedQueue(CAPACITY, when_full=WhenFull.COALESCE, key=lambda item: item.key)
    return BoundedQueue(CAPACITY, when_full=WhenFull.DROP_OLDEST)


async def turns(pace: Pace, queue: BoundedQueue[Item]) -> AsyncIterator[list[Item]]:
    """What the handler is called with, turn by turn; ends when the queue is closed and empty."""
    match pace:
        case Pace.EVERY:
            async for item in each(queue):
                yield [item]
        case Pace.BATCHES:
            async for batch in batches(queue, most=BATCH, within_s=WITHIN_S):
                yield batch
        case Pace.NEWEST:
            async for items in throttled(queue, every_s=0.0):
                yield items
        case Pace.THROTTLE | Pace.NEWEST_THROTTLED:
            async for items in throttled(queue, every_s=WITHIN_S):
                yield items
