"""Collecting changes by size and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from helpers.sync import Batcher
from helpers.wire.events import Change
from tests.sync.test_folding import change

CHANGES = [change("INSERT", n) for n in range(10)]


class Store:
    """Remembers what it was given; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.batches: list[list[int]] = []
        self.failures = failures
        self.gate = asyncio.Event()
        self.gate.set()

    async def apply(self, changes: Sequence[Change]) -> None:
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.batches.append([change.record["id"] for change in changes])


async def test_a_full_batch_does_not_wait() -> None:
    """Three of three are applied long before the time is over; the rest waits for it."""
    store = Store()
    batcher = Batcher(store.apply, max_changes=3, max_wait_s=30)
    started = time.monotonic()
    for one in CHANGES[:3]:
        batcher.add(one)
    await batcher.settle()
    assert store.batches == [[0, 1, 2]]
    assert time.monotonic() - started < 10


async def test_a_batch_that_is_not_full_is_applied_when_its_time_is_over() -> None:
    """One change alone is not kept back."""
    store = Store()
    batcher = Batcher(store.apply, max_changes=100, max_wait_s=0.02)
    batcher.add(CHANGES[0])
    await batcher.settle()
    assert store.batches == [[0]]


async def test_what_arrives_meanwhile_becomes_the_next_batch_in_order() -> None:
    """A slow store gets larger batches, each change once, and none overtakes another."""
    store = Store()
    store.gate.clear()
    batcher = Batcher(store.apply, max_changes=4, max_wait_s=0.01)
    batcher.add(CHANGES[0])
    await asyncio.sleep(0.05)
    for one in CHANGES[1:]:
        batcher.add(one)
    store.gate.set()
    await batcher.settle()
    assert store.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9]]
    assert batcher.sizes == [1, 4, 4, 1]


async def test_a_batch_that_failed_is_applied_again() -> None:
    """Nothing is lost by an error that passes, and the error is counted."""
    store = Store(failures=2)
    batcher = Batcher(store.apply, max_wait_s=0)
    batcher.add(CHANGES[0])
    await batcher.settle()
    assert (store.batches, batcher.errors, batcher.given_up) == ([[0]], {"ConnectionError": 2}, 0)


async def test_an_error_that_stays_is_given_up_and_counted() -> None:
    """The next batch is tried nevertheless."""
    store = Store(failures=4)
    batcher = Batcher(store.apply, max_changes=1, max_wait_s=0)
    for one in CHANGES[:2]:
        batcher.add(one)
    await batcher.settle()
    assert (store.batches, batcher.given_up) == ([[1]], 1)
