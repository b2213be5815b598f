"""Changes, collected for a moment and then written together.

    async with Batcher(PrismaTable(client, converter, "copy").apply) as batcher:
        await batcher.follow(subscription)

The first change that waits starts the clock: a batch goes when it is full, or when that one has waited for `within_s`.
What arrives while the database is busy becomes the next batch: a slow database makes the batches larger, not the queue
of transactions longer. When the queue is full, whoever puts has to wait, and with it the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, Self, TypeVar

from helpers.pacing import BoundedQueue, WhenFull, batches
from helpers.resilience import CHECKPOINT, Item, Subscription
from helpers.sync.writing import BatchWriter, key_of_item

__all__ = ["Batcher"]

T = TypeVar("T")


class Batcher(Generic[T]):
    """Collects by size and time, and writes one batch after the other, in the order in which they came.

    Args:
        write, key, patience_s: see `BatchWriter`.
        most: of a batch. within_s: how long the first of a batch waits for others. capacity: of the queue.

    Attributes:
        writer: with what was written, and what was set aside. queue: what waits, with its counts.
        error: why nothing more is written; `put`, `settle` and the end of the block raise it.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[object]],
        *,
        most: int = 500,
        within_s: float = 0.02,
        capacity: int = 10_000,
        key: Callable[[T], Hashable] = key_of_item,
        patience_s: float = 60.0,
    ) -> None:
        self.writer = BatchWriter(write, key=key, patience_s=patience_s)
        self.queue: BoundedQueue[T] = BoundedQueue(capacity, when_full=WhenFull.BLOCK)
        self.error: Exception | None = None
        self._most, self._within_s = most, within_s
        self._done = 0
        self._progress = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what waits; after an exception, let it go."""
        await self.close(at_once=kind is not None)

    def start(self) -> None:
        """For whoever has no block to stand in; `close` ends it."""
        self._task = self._task or asyncio.create_task(self._work(), name="batches of changes")

    async def close(self, *, at_once: bool = False) -> None:
        """Take nothing more, and write what waits; `at_once` lets it go.

        Raises:
            RunError: not everything could be written.
        """
        self.queue.close()
        if self._task is not None:
            if at_once:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if not at_once:
            self._raise()

    def offer(self, item: T) -> bool:
        """Put without waiting, for callbacks. False if there is no room: then the item was not taken."""
        return self.queue.offer(item)

    async def put(self, item: T) -> None:
        """Put, and wait for room if there is none.

        Raises:
            RunError: nothing more is written.
        """
        if not await self.queue.put(item):
            self._raise()

    async def follow(self, subscription: Subscription) -> None:
        """Write what a subscription brings until it ends. For a `Batcher` of items.

        Raises:
            WorkbookError: why the subscription ended. RunError: nothing more is written.
        """
        async for item in subscription:
            if item.type != CHECKPOINT:
                await self._put_item(item)

    async def settle(self) -> None:
        """Until everything put before this call is written or set aside.

        Raises:
            RunError: nothing more is written.
        """
        wanted = self.queue.counts.put
        while self._done < wanted and self.error is None:
            self._progress.clear()
            await self._progress.wait()
        self._raise()

    async def _put_item(self, item: Item) -> None:
        await self.put(item)  # type: ignore[arg-type]  # whoever follows a subscription batches items

    async def _work(self) -> None:
        try:
            async for batch in batches(self.queue, most=self._most, within_s=self._within_s):
                await self.writer(batch)
                self._done += len(batch)
                self._progress.set()
        except Exception as error:  # of the writer, or of a key: whoever waits must hear of it
            self.error = error
            self.queue.close()
            self._progress.set()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error
