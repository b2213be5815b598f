"""Collecting changes by size and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from helpers.errors import RunError
from helpers.sync import Batcher


class Store:
    """Remembers what it was given, once its gate is open."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def apply(self, items: Sequence[int]) -> None:
        await self.gate.wait()
        self.batches.append(list(items))


def batcher_of(store: Store, most: int, within_s: float, capacity: int = 10_000) -> Batcher[int]:
    return Batcher(store.apply, most=most, within_s=within_s, capacity=capacity, key=lambda item: item)


async def test_a_full_batch_does_not_wait() -> None:
    """Three of three are written long before the time is over."""
    store = Store()
    async with batcher_of(store, most=3, within_s=30) as batcher:
        started = time.monotonic()
        for one in range(3):
            await batcher.put(one)
        await batcher.settle()
        assert store.batches == [[0, 1, 2]]
        assert time.monotonic() - started < 10


async def test_a_batch_that_is_not_full_is_written_when_its_time_is_over() -> None:
    """One change alone is not kept back."""
    store = Store()
    async with batcher_of(store, most=100, within_s=0.02) as batcher:
        await batcher.put(0)
        await batcher.settle()
        assert store.batches == [[0]]


async def test_what_arrives_meanwhile_becomes_the_next_batch_in_order() -> None:
    """A slow store gets larger batches, each change once, and none overtakes another."""
    store = Store()
    store.gate.clear()
    async with batcher_of(store, most=4, within_s=0.01) as batcher:
        await batcher.put(0)
        await asyncio.sleep(0.05)
        for one in range(1, 10):
            await batcher.put(one)
        store.gate.set()
        await batcher.settle()
    assert store.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9]]
    assert batcher.writer.sizes == [1, 4, 4, 1]


async def test_whoever_puts_into_a_full_queue_waits() -> None:
    """Nothing is dropped, and memory stays bounded; a callback is told that there is no room."""
    store = Store()
    store.gate.clear()
    async with batcher_of(store, most=2, within_s=0, capacity=3) as batcher:
        putting = asyncio.create_task(put_all(batcher, 20))
        await asyncio.sleep(0.05)
        assert not putting.done()
        assert len(batcher.queue) == 3
        assert not batcher.offer(99)
        store.gate.set()
        await putting
        await batcher.settle()
    assert [item for batch in store.batches for item in batch] == list(range(20))


async def put_all(batcher: Batcher[int], count: int) -> None:
    for one in range(count):
        await batcher.put(one)


async def test_the_end_of_the_block_writes_what_waits() -> None:
    """Without waiting for a batch to become full."""
    store = Store()
    async with batcher_of(store, most=100, within_s=60) as batcher:
        await batcher.put(1)
    assert store.batches == [[1]]


async def test_what_cannot_be_written_for_good_is_told_to_everybody() -> None:
    """Whoever settles, puts or leaves the block hears why, instead of waiting for ever."""

    async def refuse(items: Sequence[int]) -> None:
        raise RunError("writing", "there is no such table", "Make it")

    batcher: Batcher[int] = Batcher(refuse, key=lambda item: item)
    with pytest.raises(RunError, match="no such table"):
        async with batcher:
            await batcher.put(1)
            with pytest.raises(RunError):
                await batcher.settle()
            with pytest.raises(RunError):
                await batcher.put(2)
