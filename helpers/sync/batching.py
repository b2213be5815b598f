"""Changes, collected for a moment and then dealt with together.

`add` takes changes from a callback that must be quick. The first one starts a task, which collects until there are
`max_changes` or `max_wait_s` are over, and applies them. What arrives meanwhile becomes the next batch: a slow database
makes the batches larger, not the queue of transactions longer.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence

from helpers.wire.events import Change

__all__ = ["Batcher"]

RETRY_AFTER_S = (0.05, 0.2, 0.8)


class Batcher:
    """Collects changes by size and time.

    Args:
        apply: deals with a batch. It is called again with the same batch when it failed, so it must be idempotent.
        max_changes: as many are applied at once, without waiting for more.
        max_wait_s: how long the first change of a batch waits for others.

    Attributes:
        errors: kind of exception -> how often `apply` raised it.
        sizes: of the batches applied.
        given_up: changes in batches that failed after all retries.
    """

    def __init__(
        self, apply: Callable[[Sequence[Change]], Awaitable[None]], *, max_changes: int = 200, max_wait_s: float = 0.05
    ) -> None:
        self._apply = apply
        self._max_changes = max_changes
        self._max_wait_s = max_wait_s
        self._waiting: deque[Change] = deque()
        self._is_full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.errors: Counter[str] = Counter()
        self.sizes: list[int] = []
        self.given_up = 0

    def add(self, change: Change) -> None:
        """Hand over a change. Never waits."""
        self._waiting.append(change)
        if len(self._waiting) >= self._max_changes:
            self._is_full.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="batches of changes")

    async def settle(self) -> None:
        """Until everything handed over so far is applied."""
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        while self._waiting:
            await self._collect()
            batch = [self._waiting.popleft() for _ in range(min(self._max_changes, len(self._waiting)))]
            if len(self._waiting) < self._max_changes:
                self._is_full.clear()
            await self._apply_patiently(batch)

    async def _collect(self) -> None:
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._is_full.wait()
        except TimeoutError:
            return

    async def _apply_patiently(self, batch: list[Change]) -> None:
        for pause in (*RETRY_AFTER_S, None):
            try:
                await self._apply(batch)
            except Exception as error:
                self.errors[type(error).__name__] += 1
                if pause is not None:
                    await asyncio.sleep(pause)
            else:
                self.sizes.append(len(batch))
                return
        self.given_up += len(batch)
