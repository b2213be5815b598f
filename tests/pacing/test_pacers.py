"""Pacers hand over everything that the queue kept, in time, and let the event loop run meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest

from helpers.errors import SettingsError
from helpers.pacing import BoundedQueue, WhenFull, batches, each, throttled

T = TypeVar("T")

LIMIT_S = 30.0

PACERS: dict[str, Callable[[BoundedQueue[int]], AsyncIterator[int | list[int]]]] = {
    "each": each,
    "batches": lambda queue: batches(queue, most=3, within_s=0.01),
    "throttled": lambda queue: throttled(queue, every_s=0.01),
}


async def all_of(turns: AsyncIterator[T]) -> list[T]:
    async with asyncio.timeout(LIMIT_S):
        return [turn async for turn in turns]


def filled(*items: int) -> BoundedQueue[int]:
    queue = BoundedQueue[int](1_000)
    for item in items:
        queue.offer(item)
    return queue


@pytest.mark.parametrize("pacer", PACERS.values(), ids=PACERS)
async def test_everything_is_handed_over_once_and_in_order(
    pacer: Callable[[BoundedQueue[int]], AsyncIterator[int | list[int]]],
) -> None:
    """Items that come before, meanwhile and at the end; then the pacer ends."""
    queue = filled(0, 1, 2, 3)
    handed: list[int] = []

    async def write() -> None:
        for item in range(4, 40):
            await asyncio.sleep(0.001)
            queue.offer(item)
        queue.close()

    writing = asyncio.create_task(write())
    for turn in await all_of(pacer(queue)):
        handed += turn if isinstance(turn, list) else [turn]
    await writing
    assert handed == list(range(40))


@pytest.mark.parametrize("pacer", PACERS.values(), ids=PACERS)
async def test_the_event_loop_runs_between_turns(
    pacer: Callable[[BoundedQueue[int]], AsyncIterator[int | list[int]]],
) -> None:
    """A handler that never finishes keeps nobody from running: a queue that is refilled all the time starves none."""
    queue = filled(0)
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    turns = 0
    async with asyncio.timeout(LIMIT_S):
        async for _ in pacer(queue):
            queue.offer(turns)
            turns += 1
            if turns == 20:
                break
    task.cancel()
    assert others >= 20


async def test_a_full_batch_goes_at_once() -> None:
    """Where enough waits, nobody waits for the time."""
    queue = filled(*range(7))
    queue.close()
    assert await all_of(batches(queue, most=3, within_s=0.0)) == [[0, 1, 2], [3, 4, 5], [6]]
    queue = filled(*range(6))
    turns = batches(queue, most=3, within_s=60)
    async with asyncio.timeout(LIMIT_S):
        assert [await anext(turns), await anext(turns)] == [[0, 1, 2], [3, 4, 5]]


async def test_a_batch_that_is_not_full_goes_in_time() -> None:
    """The oldest waits as long as was said, and what came meanwhile goes along."""
    queue = filled(0)
    turns = batches(queue, most=100, within_s=0.05)
    asyncio.get_running_loop().call_later(0.02, queue.offer, 1)
    began = time.monotonic()
    async with asyncio.timeout(LIMIT_S):
        assert await anext(turns) == [0, 1]
    assert time.monotonic() - began >= 0.045


async def test_what_waited_while_the_application_was_busy_has_waited() -> None:
    """The time of a batch counts from when its oldest came, not from when the application was ready for it."""
    queue = filled(0)
    turns = batches(queue, most=100, within_s=0.05)
    time.sleep(0.06)  # noqa: ASYNC251 - a handler that blocks
    queue.offer(1)
    began = time.monotonic()
    async with asyncio.timeout(LIMIT_S):
        assert await anext(turns) == [0, 1]
    assert time.monotonic() - began < 0.045


async def test_throttling_hands_over_at_most_so_often() -> None:
    """The first at once, the rest together when its time has come."""
    queue = filled(0)
    turns = throttled(queue, every_s=0.05)
    began = time.monotonic()
    async with asyncio.timeout(LIMIT_S):
        assert await anext(turns) == [0]
        queue.offer(1)
        queue.offer(2)
        assert await anext(turns) == [1, 2]
    assert time.monotonic() - began >= 0.045


async def test_throttling_a_queue_of_one_shows_the_newest() -> None:
    """What other libraries call throttle: all but the latest is gone, and counted."""
    queue = BoundedQueue[int](1, when_full=WhenFull.DROP_OLDEST)
    for item in range(10):
        queue.offer(item)
    queue.close()
    assert await all_of(throttled(queue, every_s=0.01)) == [[9]]
    assert queue.counts.dropped == 9


@pytest.mark.parametrize(("most", "seconds"), [(0, 1.0), (1, -1.0), (1, float("nan"))])
async def test_a_pace_that_makes_no_sense_is_refused(most: int, seconds: float) -> None:
    """Before anything is handed over."""
    with pytest.raises(SettingsError, match="pacing"):
        await anext(batches(filled(1), most=most, within_s=seconds))
    if most:
        with pytest.raises(SettingsError, match="pacing"):
            await anext(throttled(filled(1), every_s=seconds))
