"""Bursts: many rows in one transaction before subscribers that stay, metered from the commit to the last delivery.

A burst brings the feed to work at its own pace, so that what a change costs is not drowned in what it waits.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.experiments.cpu import CpuClock, ServerCpu
from helpers.experiments.crowd import Crowd, Receipt
from helpers.profiling.harness import Harness, LoopWatch, limits
from helpers.profiling.ledger import Bools, Ledger
from helpers.profiling.recording import Recording

__all__ = ["Burst", "run_burst"]

#: When nothing has come for so long, what is missing counts as lost: one poll's changes may take seconds to be
#: checked, when a dear policy is asked for hundreds of subscribers.
QUIET_S = 15.0

#: Said once for all bursts of which it holds: how late exactly is in each recording's `harness`.
LATE = "the harness was the limit of the latency: it had to take in the whole burst, and its event loop was late"

#: The number of a change without a key, which the server sends in place of one that may not be read.
NOBODYS = -1


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of a burst.

    Attributes:
        receipts: in order of arrival.
        client_cpu_s: CPU time of this process. cpu: that of server and database.
    """

    recording: Recording
    receipts: tuple[Receipt, ...]
    client_cpu_s: float
    cpu: ServerCpu

    @property
    def latency_p50_ms(self) -> float | None:
        """From just before the commit to the receipt; None if nothing came."""
        return self.recording.latency_ms(50) if self.recording.latency.count else None


async def run_burst(
    crowd: Crowd, clock: CpuClock, write: Callable[[], Awaitable[int]], *, label: str, table: str, wanted: Bools
) -> Burst:
    """Write once, and wait until everybody has what is theirs.

    Args:
        write: commits changes of rows whose `id`s follow each other, and returns the first of them.
        table: its name; seats may be subscribed to others as well, of which an earlier burst may still arrive.
        wanted: what should come: one row for each seat, one column for each changed row.
    """
    crowd.forget()
    bytes_before, before = crowd.wire_bytes_in, await clock.read()
    async with LoopWatch() as watch:
        start, client_s = time.monotonic(), time.process_time()
        books = _Books(table, wanted, await write(), start)
        is_enough = await crowd.hear(int(wanted.sum()), QUIET_S)
        seconds, client_s = time.monotonic() - start, time.process_time() - client_s
    after = await clock.read()
    books.enter(crowd.receipts)
    while is_enough and books.missing:  # what came to somebody who should not have it makes up for nothing
        is_enough = await crowd.hear(len(crowd.receipts) + books.missing, QUIET_S)
        books.enter(crowd.receipts)
    expected, rows = int(wanted.sum()), wanted.shape[1]
    harness = watch.harness(rows / seconds, rows / seconds, 0.0)
    recording = Recording.of(
        books.ledger,
        label,
        seconds=seconds,
        sent=rows,
        wire_bytes=crowd.wire_bytes_in - bytes_before,
        harness=harness,
        notes=_notes(books, harness),
    )
    recording = replace(recording, expected=expected, lost=books.missing)
    return Burst(recording, books.receipts, client_s, after.since(before))


class _Books:
    """Who should have which row of a burst, and who has it; every row was due when the burst began."""

    def __init__(self, table: str, wanted: Bools, first_id: int, start: float) -> None:
        self.wanted = wanted
        self.receipts: tuple[Receipt, ...] = ()
        self.ledger = Ledger(*wanted.shape)
        self._table, self._first_id, self._start = table, first_id, start

    def enter(self, receipts: Sequence[Receipt]) -> None:
        """Begin the books anew, with all receipts."""
        self.receipts = tuple(one for one in receipts if one.change.table == self._table)
        self.ledger = Ledger(*self.wanted.shape)
        seats = np.array([one.seat for one in self.receipts], dtype=np.int64)
        rows = np.array([_row_id(one) - self._first_id for one in self.receipts], dtype=np.int64)
        received_at = np.array([one.change.received_at for one in self.receipts], dtype=np.float64)
        sizes = np.array([one.change.size_bytes for one in self.receipts], dtype=np.int64)
        self.ledger.record_many(seats, rows, np.full(seats.size, self._start), received_at, sizes)

    @property
    def missing(self) -> int:
        return int(np.count_nonzero(self.wanted & ~self.ledger.seen()))

    @property
    def surplus(self) -> int:
        return int(np.count_nonzero(self.ledger.seen() & ~self.wanted))


def _row_id(receipt: Receipt) -> int:
    """The key is in every change that may be read: of a deleted row, in what was there before."""
    return int((receipt.change.record or receipt.change.old_record).get("id", NOBODYS))


def _notes(books: _Books, harness: Harness) -> tuple[str, ...]:
    latency, surplus = books.ledger.latency, books.surplus
    p99_ms = 1e3 * latency.percentile_s(99) if latency.count else None
    more = [f"{surplus:,} changes came to somebody who should not get them"] if surplus else []
    return (*more, *([LATE] if limits(harness, p99_ms, writer_late_p99_ms=0.0) else []))
