"""Accounts for every message of one subscription to a workload: nothing lost, doubled or reordered goes unseen."""

from __future__ import annotations

from array import array

import numpy as np

from helpers.profiling.histogram import Floats, Ints
from helpers.profiling.ledger import Bools, Ledger
from helpers.profiling.workload import Workload

__all__ = ["Recorder"]

#: Messages that are entered together: enough to share the cost of a block.
BLOCK = 512


class Recorder:
    """A `Ledger` of one stream that knows its workload: which rows there are, when each is due, and who wants it.

    No I/O and no clock: times are given.

    Args:
        workload: what is written.
        start: when its first row is due (monotonic clock, seconds).
        first_seq: sequence number of its first row; rows of other runs are strays and not counted.
        interest: the room that the application wants, None for all rooms.
    """

    def __init__(self, workload: Workload, start: float, first_seq: int, interest: int | None) -> None:
        self._workload = workload
        self.start = start
        self._first_seq = first_seq
        self._interest = interest
        self._ledger = Ledger(1, workload.rows)
        self._latencies_ms: list[Floats] = []
        self._sizes: list[int] = []
        self._wasted = 0
        self._last_at = start
        self._clear()

    def on_receipt(self, seq: int, received_at: float, size_bytes: int) -> None:
        """Enter one message."""
        self._seqs.append(seq)
        self._times.append(received_at)
        self._new_sizes.append(size_bytes)
        if len(self._seqs) >= BLOCK:
            self._flush()

    def has(self, rows: int) -> bool:
        """Whether so many different rows have arrived; cheap while there cannot be as many."""
        return self._ledger.distinct + len(self._seqs) >= rows and self.ledger.distinct >= rows

    @property
    def ledger(self) -> Ledger:
        """The books, up to date; their latency is that of the rows that the application wants."""
        self._flush()
        return self._ledger

    @property
    def received(self) -> int:
        """Messages of this workload, repeated ones included."""
        return self.ledger.received

    @property
    def distinct(self) -> int:
        """How many different rows arrived."""
        return self.ledger.distinct

    @property
    def duplicated(self) -> int:
        return self.ledger.duplicated

    @property
    def reordered(self) -> int:
        return self.ledger.reordered

    @property
    def strays(self) -> int:
        return self.ledger.strays

    @property
    def wasted(self) -> int:
        """Different rows that arrived and that the application did not want."""
        self._flush()
        return self._wasted

    @property
    def last_at(self) -> float:
        """When the latest message came; the start if none did."""
        self._flush()
        return self._last_at

    @property
    def latencies_ms(self) -> list[float]:
        """Milliseconds from due to received, of the rows that the application wants, in order of receipt."""
        self._flush()
        latencies: list[float] = np.concatenate([np.empty(0), *self._latencies_ms]).tolist()
        return latencies

    @property
    def sizes(self) -> list[int]:
        """Size of each message, in order of receipt."""
        self._flush()
        return self._sizes

    def _clear(self) -> None:
        self._seqs, self._times, self._new_sizes = array("q"), array("d"), array("q")

    def _flush(self) -> None:
        if not self._seqs:
            return
        seqs, times, sizes = np.array(self._seqs), np.array(self._times), np.array(self._new_sizes)
        self._clear()
        index = seqs - self._first_seq
        wanted = self._wanted(index)
        due = np.where(wanted, self.start + self._workload.due_s(index.astype(np.float64)), np.nan)
        first = self._ledger.record_many(np.zeros_like(index), index, due, times, sizes)
        self._wasted += int(np.count_nonzero(first & ~wanted))
        self._latencies_ms.append(1_000 * (times - due)[first & wanted])
        ours = (index >= 0) & (index < self._workload.rows)
        if ours.any():
            self._sizes += sizes[ours].tolist()
            self._last_at = float(times[ours][-1])

    def _wanted(self, index: Ints) -> Bools:
        if self._interest is None:
            return np.ones(index.size, dtype=np.bool_)
        wanted: Bools = self._workload.room(index) == self._interest
        return wanted
