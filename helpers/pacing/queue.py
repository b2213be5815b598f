"""A queue with a bound, and with a word on what happens at the bound."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Generic, TypeVar

from helpers.errors import SettingsError

__all__ = ["BoundedQueue", "QueueCounts", "WhenFull"]

T = TypeVar("T")


class WhenFull(StrEnum):
    """What a queue does with what it has no room for."""

    BLOCK = "block"  # whoever puts waits; nothing is lost here, and the stream backs up to its source
    DROP_OLDEST = "drop oldest"  # the present is kept, and what waited longest goes
    COALESCE = "coalesce"  # the newest of each key takes the place of an older one; beyond that, as above


@dataclass(slots=True)
class QueueCounts:
    """What became of everything that was put: `put` is `taken` + `dropped` + `merged` + what waits now.

    Attributes:
        put: items that were accepted. taken: that went to the application.
        dropped: that went as there was no room. merged: that went as a newer one of their key came.
        held_up: how often somebody had to wait for room, or was sent away by `offer`.
        most_waiting: the most that ever waited.
    """

    put: int = 0
    taken: int = 0
    dropped: int = 0
    merged: int = 0
    held_up: int = 0
    most_waiting: int = 0

    @property
    def lost(self) -> int:
        """Items that the application never saw."""
        return self.dropped + self.merged


class BoundedQueue(Generic[T]):
    """At most `capacity` items for one reader, of any number of writers in one event loop.

    Args:
        when_full: what becomes of the next one then. `COALESCE` merges at all times, not only when it is full.
        key: of an item, for `COALESCE`: items of one key supersede each other.
        clock: seconds; it says since when the oldest waits.

    Raises:
        SettingsError: no capacity, or a key without `COALESCE`, or `COALESCE` without a key.
    """

    def __init__(
        self,
        capacity: int,
        *,
        when_full: WhenFull = WhenFull.DROP_OLDEST,
        key: Callable[[T], Hashable] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        _check(capacity, when_full, key is not None)
        self.capacity, self.when_full = capacity, when_full
        self.counts = QueueCounts()
        self._key = key
        self._clock = clock
        self._items: OrderedDict[Hashable, tuple[T, float]] = OrderedDict()
        self._number = 0
        self._closed = False
        self._filled, self._freed = asyncio.Event(), asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    @property
    def is_full(self) -> bool:
        return len(self._items) >= self.capacity

    @property
    def oldest_at(self) -> float:
        """Since when the oldest item waits, or the one whose place it took; infinite if none does."""
        return next(iter(self._items.values()))[1] if self._items else float("inf")

    def offer(self, item: T) -> bool:
        """Put an item without waiting; a callback may call it.

        Returns:
            False if there is no room and the queue blocks, or if it is closed: then the item was not taken.
        """
        if self._closed:
            return False
        key = self._key_of(item)
        if self.is_full and key not in self._items:
            if self.when_full is WhenFull.BLOCK:
                self.counts.held_up += 1
                return False
            self._items.popitem(last=False)
            self.counts.dropped += 1
        self._enter(key, item)
        return True

    async def put(self, item: T) -> bool:
        """Put an item, and wait for room if the queue blocks.

        Returns:
            False if the queue was closed: then the item was not taken.
        """
        while not self.offer(item) and not self._closed:
            self._freed.clear()
            await self._freed.wait()
        return not self._closed

    def take(self, most: int | None = None) -> list[T]:
        """The oldest items in their order, all of them or `most`; none if none waits."""
        count = len(self._items) if most is None else min(most, len(self._items))
        taken = [self._items.popitem(last=False)[1][0] for _ in range(count)]
        self.counts.taken += count
        if taken:
            self._freed.set()
        return taken

    def close(self) -> None:
        """Take nothing more. What waits can still be taken; whoever waits is woken."""
        self._closed = True
        self._filled.set()
        self._freed.set()

    async def wait(self, most: int = 1) -> bool:
        """Until `most` items wait, or as many as there is room for, or the queue is closed.

        Returns:
            Whether any wait.
        """
        while len(self._items) < min(most, self.capacity) and not self._closed:
            self._filled.clear()
            await self._filled.wait()
        return bool(self._items)

    def _key_of(self, item: T) -> Hashable:
        if self._key is not None:
            return self._key(item)
        self._number += 1
        return self._number

    def _enter(self, key: Hashable, item: T) -> None:
        replaced = self._items.get(key)
        since = self._clock() if replaced is None else replaced[1]
        self._items[key] = item, since  # of an older one of its key it takes the place: no key waits forever
        self.counts.put += 1
        self.counts.merged += replaced is not None
        self.counts.most_waiting = max(self.counts.most_waiting, len(self._items))
        self._filled.set()


def _check(capacity: int, when_full: WhenFull, has_key: bool) -> None:
    tried = "making a bounded queue"
    if capacity < 1:
        raise SettingsError(tried, f"a capacity of {capacity} holds nothing", "Give it room for at least 1 item")
    if has_key is not (when_full is WhenFull.COALESCE):
        happened = f"{when_full.value!r} {'has no use for a key' if has_key else 'needs a key'}"
        raise SettingsError(tried, happened, "Give a key with WhenFull.COALESCE, and only with that")
