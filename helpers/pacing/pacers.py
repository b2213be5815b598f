"""When what waits in a queue goes to the application.

All of them end when the queue is closed and empty, and let the event loop breathe before each turn: a handler that is
never finished must not keep the socket from being read, nor heartbeats from being sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic
from typing import TypeVar

from helpers.errors import SettingsError
from helpers.pacing.queue import BoundedQueue

__all__ = ["batches", "each", "throttled"]

T = TypeVar("T")


async def each(queue: BoundedQueue[T]) -> AsyncIterator[T]:
    """Every item by itself, as soon as the application is ready for it."""
    while await queue.wait():
        await asyncio.sleep(0)
        for item in queue.take(1):
            yield item


async def batches(queue: BoundedQueue[T], *, most: int, within_s: float) -> AsyncIterator[list[T]]:
    """Items together: as soon as `most` of them wait, or when the oldest has waited for `within_s`.

    Items that came while the application was busy have waited already.

    Raises:
        SettingsError: a batch of nothing, or a negative time.
    """
    _check(most=most, seconds=within_s)
    while await queue.wait():
        await _filled(queue, most, queue.oldest_at + within_s)
        await asyncio.sleep(0)
        if batch := queue.take(most):
            yield batch


async def throttled(queue: BoundedQueue[T], *, every_s: float) -> AsyncIterator[list[T]]:
    """All that waits, at most once in `every_s`: the first at once, and what comes meanwhile at the end of that time.

    The time counts from turn to turn, and a handler that takes longer is called as soon as it is ready.

    Raises:
        SettingsError: a negative time.
    """
    _check(seconds=every_s)
    due = -float("inf")
    while await queue.wait():
        await asyncio.sleep(max(0.0, due - monotonic()))
        due = monotonic() + every_s
        if items := queue.take():
            yield items


async def _filled(queue: BoundedQueue[T], most: int, due: float) -> None:
    """Until a whole batch waits, or it is time."""
    wait_s = due - monotonic()
    if wait_s > 0 and len(queue) < most:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await queue.wait(most)


def _check(*, most: int = 1, seconds: float) -> None:
    if most < 1 or not seconds >= 0:
        happened = f"{most} items within {seconds:g} s are no pace"
        raise SettingsError("pacing a stream", happened, "Choose at least 1 item and no negative time")
