"""What a screen does with a change, and when it shows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from helpers.review.plan.replay.orders import Records
from helpers.review.plan.replay.reading import Reader
from helpers.review.plan.replay.subscriptions import Kind, Reaction

__all__ = ["BATCH_S", "Handler", "Ledger", "handler_of"]

#: How long updates of the state are collected: a few frames of a screen, which nobody notices.
BATCH_S = 0.05

#: The number of a table, what happened, and the number of a row.
Shown = tuple[int, Kind, int]


class Ledger:
    """What all screens together have got.

    Attributes:
        messages: that came. updates: of states. shown: (seat, change) -> when it was shown first.
        last_at: when the last message came. polling: set while polls run.
    """

    def __init__(self) -> None:
        self.messages = self.updates = 0
        self.last_at = 0.0
        self.shown: dict[tuple[int, Shown], float] = {}
        self.polling = asyncio.Event()

    def show(self, seat: int, changes: Sequence[Shown]) -> None:
        """One update of a screen's state."""
        now = time.monotonic()
        self.updates += 1
        for change in changes:
            self.shown.setdefault((seat, change), now)

    def forget(self) -> None:
        """Count anew."""
        self.messages = self.updates = 0
        self.last_at = 0.0
        self.shown.clear()

    def records(self) -> Records:
        """In columns."""
        return Records(
            seats=[seat for seat, _ in self.shown],
            tables=[table for _, (table, _, _) in self.shown],
            kinds=[kind for _, (_, kind, _) in self.shown],
            numbers=[number for _, (_, _, number) in self.shown],
            at=list(self.shown.values()),
        )


class Handler(Protocol):
    """The handler of one channel."""

    @property
    def is_busy(self) -> bool: ...

    def take(self, change: Shown, list_url: str) -> None: ...

    async def close(self) -> None: ...


class _Applying:
    """Takes the row from the payload."""

    is_busy = False

    def __init__(self, seat: int, ledger: Ledger) -> None:
        self._seat, self._ledger = seat, ledger

    def take(self, change: Shown, list_url: str) -> None:
        self._ledger.show(self._seat, (change,))

    async def close(self) -> None:
        return


class _Batching:
    """Collects rows, and updates the state once for all."""

    def __init__(self, seat: int, ledger: Ledger) -> None:
        self._seat, self._ledger = seat, ledger
        self._waiting: list[Shown] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting)

    def take(self, change: Shown, list_url: str) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(BATCH_S, self._flush)
        self._waiting.append(change)

    async def close(self) -> None:
        self._waiting.clear()

    def _flush(self) -> None:
        if self._waiting:
            self._ledger.show(self._seat, self._waiting)
            self._waiting = []


class _Refetching:
    """Reads the list again for each change."""

    def __init__(self, seat: int, ledger: Ledger, reader: Reader) -> None:
        self._seat, self._ledger, self._reader = seat, ledger, reader
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        return bool(self._tasks)

    def take(self, change: Shown, list_url: str) -> None:
        task = asyncio.create_task(self._read(change, list_url))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, change: Shown, list_url: str) -> None:
        await self._reader.read(list_url)
        self._ledger.show(self._seat, (change,))


class _Coalescing:
    """Reads the list again, and once more if something came meanwhile."""

    def __init__(self, seat: int, ledger: Ledger, reader: Reader) -> None:
        self._seat, self._ledger, self._reader = seat, ledger, reader
        self._waiting: dict[str, list[Shown]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    def take(self, change: Shown, list_url: str) -> None:
        self._waiting.setdefault(list_url, []).append(change)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            list_url, changes = self._waiting.popitem()
            await self._reader.read(list_url)
            self._ledger.show(self._seat, changes)
        self._task = None


def handler_of(reaction: Reaction, seat: int, ledger: Ledger, reader: Reader) -> Handler:
    """What a channel's handler does."""
    match reaction:
        case Reaction.APPLY:
            return _Applying(seat, ledger)
        case Reaction.BATCH:
            return _Batching(seat, ledger)
        case Reaction.REFETCH:
            return _Refetching(seat, ledger, reader)
        case Reaction.COALESCE:
            return _Coalescing(seat, ledger, reader)
