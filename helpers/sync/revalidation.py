"""Revalidation: a change only says that a row is stale, and what it is now is read through Prisma.

    async with Revalidator(client, converter) as rows:
        async for item in subscription:
            rows.changed(item)
        ...
        rows.get((7,))          # at once, stale or not
        await rows.read((8,))   # at once if it is there, else as soon as it is read

Changes of one row that come together cost one read, rows that change together one query (`in`), and while it is under
way the row that is there serves on: *stale while revalidate*. A change that comes during a read has its row read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Self

from helpers.errors import RunError
from helpers.prisma import Prisma
from helpers.resilience import CHECKPOINT, Backoff, Item
from helpers.sync.convert import Converter
from helpers.sync.failures import Failure, failure_of, reason_of
from helpers.sync.folding import Key
from helpers.sync.prisma_table import where_key
from helpers.sync.writing import RETRY

__all__ = ["RevalidationCounts", "Revalidator"]


@dataclass(slots=True)
class RevalidationCounts:
    """What it cost.

    Attributes:
        changes: that were told. coalesced: of these, those whose row waited for a read already.
        queries: sent. rows: read by them. gone: keys that had no row any more.
        failed: queries that had no answer; their rows are asked for again.
    """

    changes: int = 0
    coalesced: int = 0
    queries: int = 0
    rows: int = 0
    gone: int = 0
    failed: int = 0


class Revalidator:
    """Rows of one table, by their keys in Prisma's types, read again when they have changed.

    Args:
        client: connected. converter: of the table.
        most: keys of a query. within_s: how long the first of them waits for others.
        on_fresh: is told the keys of rows that were read, or found to be gone.

    Attributes:
        counts: see `RevalidationCounts`. error: why nothing is read any more; `read` and `settle` raise it.
    """

    def __init__(
        self,
        client: Prisma,
        converter: Converter,
        *,
        most: int = 500,
        within_s: float = 0.02,
        on_fresh: Callable[[Collection[Key]], None] = lambda keys: None,
    ) -> None:
        self._client, self._converter = client, converter
        self._most, self._within_s, self._on_fresh = most, within_s, on_fresh
        self.counts = RevalidationCounts()
        self.error: RunError | None = None
        self._rows: dict[Key, Any] = {}
        self._waiting: dict[Key, None] = {}  # in the order of their first change
        self._under_way: frozenset[Key] = frozenset()
        self._wanted, self._full, self._settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._work(), name="revalidation")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def get(self, key: Key) -> Any:
        """The row as Prisma read it last; None if it was not read, or is gone."""
        return self._rows.get(key)

    def is_stale(self, key: Key) -> bool:
        """Whether it is about to be read (again)."""
        return key in self._waiting or key in self._under_way

    async def read(self, key: Key) -> Any:
        """The row: that which is there, even if it is stale; else as soon as it has been read. None if it is gone.

        Raises:
            RunError: nothing can be read.
        """
        if key not in self._rows:
            self._want(key)
            while self.is_stale(key):
                await self._look_again()
        return self._rows.get(key)

    def changed(self, item: Item) -> None:
        """A change was told; whatever it says of the row, the row is read."""
        if item.type == CHECKPOINT:
            return
        told = {self._converter.key_data(key) for key in _keys_of(item)}
        for key in set(self._rows) if item.type == "TRUNCATE" else told:
            self.counts.changes += 1
            self.counts.coalesced += key in self._waiting
            self._want(key)

    async def settle(self) -> None:
        """Until no row is stale.

        Raises:
            RunError: nothing can be read.
        """
        while self._waiting or self._under_way:
            await self._look_again()

    def _want(self, key: Key) -> None:
        self._waiting.setdefault(key)
        self._wanted.set()
        if len(self._waiting) >= self._most:
            self._full.set()

    async def _look_again(self) -> None:
        if self.error is not None:
            raise self.error
        self._settled.clear()
        await self._settled.wait()

    async def _work(self) -> None:
        backoff = Backoff(RETRY)
        while True:
            await self._wanted.wait()
            await self._collect()
            keys = tuple(self._waiting)[: self._most]
            try:
                await self._refetch(keys)
            except Exception as error:
                if not self._may_try_again(keys, error):
                    return
                await asyncio.sleep(backoff.delay_s())
            else:
                backoff = Backoff(RETRY)

    async def _collect(self) -> None:
        """Until a whole query waits, or its first key has waited long enough."""
        try:
            async with asyncio.timeout(self._within_s):
                await self._full.wait()
        except TimeoutError:
            return

    async def _refetch(self, keys: tuple[Key, ...]) -> None:
        for key in keys:
            del self._waiting[key]
        self._note_waiting()
        self._under_way = frozenset(keys)
        self.counts.queries += 1
        table = getattr(self._client, self._converter.model.accessor)
        found = await table.find_many(where=where_key(self._converter, keys))
        names = self._converter.model.key
        rows = {tuple(getattr(row, name) for name in names): row for row in found}
        for key in self._under_way - rows.keys():
            self._rows.pop(key, None)
        self._rows |= rows
        self._under_way = frozenset()
        self.counts.rows += len(rows)
        self.counts.gone += len(keys) - len(rows)
        self._on_fresh(keys)
        self._settled.set()

    def _may_try_again(self, keys: tuple[Key, ...], error: Exception) -> bool:
        self.counts.failed += 1
        self._under_way = frozenset()
        self._waiting = dict.fromkeys(keys) | self._waiting
        self._note_waiting()
        if failure_of(error) is Failure.PASSING:
            return True
        tried = f"reading {self._converter.model.table} again"
        self.error = RunError(tried, reason_of(error), "Compare the table with schema.prisma")
        self._settled.set()
        return False

    def _note_waiting(self) -> None:
        for event, is_set in ((self._wanted, bool(self._waiting)), (self._full, len(self._waiting) >= self._most)):
            if is_set:
                event.set()
            else:
                event.clear()


def _keys_of(item: Item) -> list[Any]:
    """That which the change takes away and that which it writes, as far as they are known."""
    gone = item.old_key if item.old_key is not None or item.record else item.key
    return [key for key in (gone, item.key if item.record else None) if key is not None]
