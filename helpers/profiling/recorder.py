"""Accounts for every message of one subscription: nothing lost, doubled or reordered goes unseen."""

from __future__ import annotations

from helpers.profiling.workload import Workload

__all__ = ["Recorder"]


class Recorder:
    """The ledger of one subscription during one run of a workload. No I/O and no clock: times are given.

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
        self._seen: set[int] = set()
        self._highest = -1
        self.received = 0
        self.duplicated = 0
        self.reordered = 0
        self.wasted = 0
        self.strays = 0
        self.last_at = start
        #: Milliseconds from due to received, of the rows that the application wants, in order of receipt.
        self.latencies_ms: list[float] = []
        #: Size of each message, in order of receipt.
        self.sizes: list[int] = []

    def on_receipt(self, seq: int, received_at: float, size_bytes: int) -> None:
        """Enter one message."""
        index = seq - self._first_seq
        if not 0 <= index < self._workload.rows:
            self.strays += 1
            return
        self.received += 1
        self.last_at = received_at
        self.sizes.append(size_bytes)
        if index in self._seen:
            self.duplicated += 1
            return
        self._enter_first(index, received_at)

    def _enter_first(self, index: int, received_at: float) -> None:
        self._seen.add(index)
        self.reordered += index < self._highest
        self._highest = max(self._highest, index)
        if self._interest is not None and self._workload.room(index) != self._interest:
            self.wasted += 1
            return
        self.latencies_ms.append(1_000 * (received_at - self.start - self._workload.due_s(index)))

    @property
    def distinct(self) -> int:
        """How many different rows arrived."""
        return len(self._seen)
