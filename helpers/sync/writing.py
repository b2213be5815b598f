"""Writes batches, each as one transaction, and does not let one bad row spoil the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

from helpers.errors import RunError
from helpers.resilience import Backoff, BackoffSettings
from helpers.sync.failures import Failure, failure_of, reason_of

__all__ = ["BatchWriter", "SetAside", "key_of_item"]

T = TypeVar("T")

#: Between two attempts at a database that is away, or in conflict with somebody.
RETRY = BackoffSettings(base_s=0.05, cap_s=2.0, spread_s=0.0)

_TRIED = "writing a batch of changes"


def key_of_item(item: Any) -> Hashable:
    """Of an item of a subscription."""
    key: Hashable = item.key
    return key


@dataclass(frozen=True, slots=True)
class SetAside(Generic[T]):
    """An item that could not be written, and why. at: seconds of the monotonic clock."""

    item: T
    reason: str
    at: float


class BatchWriter(Generic[T]):
    """Hands batches to `write`, one after the other.

    A batch that fails because of a row is written in two halves, the first one first, and so on until the bad row
    stands alone: about two transactions for each halving, and items of one key stay in their order. A database that is
    away is asked again, with the same batch, for `patience_s`.

    Args:
        write: writes a batch as one transaction, all or none. Whether a commit came through is not known when the
            connection breaks, so that it may be called again with what is there already: it must be idempotent.
        key: of an item: a later one of its key that could be written stands for the one that was set aside.
        most_set_aside: keys; when there are more, it is not a matter of rows.

    Attributes:
        set_aside: by key, the latest one that could not be written. mended: how many a later one has made good.
        errors: kind of exception -> how often `write` raised it. sizes: of the batches that were written.
        written: items. retried: attempts after a passing failure.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[object]],
        *,
        key: Callable[[T], Hashable] = key_of_item,
        patience_s: float = 60.0,
        most_set_aside: int = 1_000,
    ) -> None:
        self._write, self._key = write, key
        self._patience_s, self._most_set_aside = patience_s, most_set_aside
        self.set_aside: dict[Hashable, SetAside[T]] = {}
        self.errors: Counter[str] = Counter()
        self.sizes: list[int] = []
        self.written = self.mended = self.retried = 0

    async def __call__(self, items: Sequence[T]) -> None:
        """Write these items, or set them aside.

        Raises:
            RunError: nothing can be written, for now or for good. What was not written of these items is known to
                nobody but the database.
        """
        parts = [list(items)] if items else []
        while parts:
            part = parts.pop()
            error = await self._attempt(part)
            if error is None:
                self._note_written(part)
            elif len(part) == 1:
                self._put_aside(part[0], error)
            else:
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]

    async def _attempt(self, items: Sequence[T]) -> Exception | None:
        """Returns what speaks against one of the rows."""
        backoff, since = Backoff(RETRY), monotonic()
        while True:
            try:
                await self._write(items)
            except Exception as error:
                self.errors[type(error).__name__] += 1
                failure = failure_of(error)
                if failure is Failure.ROW:
                    return error
                if isinstance(error, RunError):
                    raise
                if failure is Failure.LASTING or monotonic() - since > self._patience_s:
                    raise _cannot(error, failure) from error
            else:
                return None
            self.retried += 1
            await asyncio.sleep(backoff.delay_s())

    def _note_written(self, items: Sequence[T]) -> None:
        self.sizes.append(len(items))
        self.written += len(items)
        if self.set_aside:
            for item in items:
                self.mended += self.set_aside.pop(self._key(item), None) is not None

    def _put_aside(self, item: T, error: Exception) -> None:
        self.set_aside[self._key(item)] = SetAside(item, reason_of(error), monotonic())
        if len(self.set_aside) > self._most_set_aside:
            happened = f"{len(self.set_aside)} rows could not be written; the last one: {reason_of(error)}"
            raise RunError(_TRIED, happened, "Compare the schema of the table with schema.prisma") from error


def _cannot(error: Exception, failure: Failure) -> RunError:
    advice = {
        Failure.LASTING: "Compare the table with schema.prisma, and check that the client is connected",
        Failure.PASSING: "Check that the database is up, then go on from the last position",
    }
    return RunError(_TRIED, reason_of(error), advice[failure])
