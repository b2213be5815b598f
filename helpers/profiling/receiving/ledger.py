"""The books of many subscriptions at once, kept in blocks: no message lost, doubled or reordered goes unseen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.errors import SettingsError
from helpers.profiling.receiving.histogram import Histogram

__all__ = ["Ints", "Ledger"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: One byte is kept for each message of each subscription; more than this is refused beforehand.
MAX_CELLS = 2_000_000_000


class Ledger:
    """No I/O and no clock: times are given.

    Args:
        streams: how many subscriptions. Each should receive every message once.
        messages: how many there are; their numbers begin at 0, and any other number is a stray.

    Attributes:
        received: messages with a number of ours. distinct: without the repeated ones.
        duplicated: messages that a stream had before. reordered: first copies that came after a higher number.
        strays: messages with another number, or with none.
        latency: from when a message was due to its receipt, in seconds, of first copies.
        early: first copies that came before they were due: the clocks of sender and receiver differ.
    """

    def __init__(self, streams: int, messages: int) -> None:
        if not 0 < streams * messages <= MAX_CELLS:
            happened = f"{streams:,} subscriptions to {messages:,} messages are planned"
            raise SettingsError("planning a reception", happened, f"Choose at least 1 and at most {MAX_CELLS:,} in all")
        self.streams, self.messages = streams, messages
        self.received = self.distinct = self.reordered = self.strays = self.early = 0
        self.latency = Histogram()
        self._seen = np.zeros(streams * messages, dtype=np.bool_)
        self._highest = np.full(streams, -1, dtype=np.int64)

    @property
    def duplicated(self) -> int:
        return self.received - self.distinct

    @property
    def lost(self) -> int:
        """Messages that did not come, of all streams."""
        return self.streams * self.messages - self.distinct

    @property
    def is_complete(self) -> bool:
        return self.lost == 0

    def per_stream(self) -> Ints:
        """How many different messages each stream has received."""
        seen: Ints = self._seen.reshape(self.streams, self.messages).sum(axis=1)
        return seen

    def record_many(self, stream: Ints, seq: Ints, due: Floats, received_at: Floats) -> None:
        """Enter messages in the order of their receipt, one element each."""
        if seq.size and self._enter_run(stream, seq):
            self._enter_latency(received_at - due)
            return
        known = (seq >= 0) & (seq < self.messages)
        if not known.all():
            self.strays += int(np.count_nonzero(~known))
            stream, seq, due, received_at = stream[known], seq[known], due[known], received_at[known]
        if seq.size == 0:
            return
        self.received += seq.size
        fresh = self._fresh(stream * self.messages + seq)
        if not fresh.all():
            stream, seq, due, received_at = stream[fresh], seq[fresh], due[fresh], received_at[fresh]
        self.distinct += seq.size
        self._enter_order(stream, seq)
        self._enter_latency(received_at - due)

    def _enter_run(self, stream: Ints, seq: Ints) -> bool:
        """Enter what is nearly every block of a fast stream: its next numbers, without a gap. False for any other."""
        one, first, end = int(stream[0]), int(seq[0]), int(seq[-1]) + 1
        if end - first != seq.size or not self._highest[one] < first or end > self.messages:
            return False
        if (stream != one).any() or (np.diff(seq) != 1).any():
            return False
        self.received += seq.size
        self.distinct += seq.size
        self._seen[one * self.messages + first : one * self.messages + end] = True
        self._highest[one] = end - 1
        return True

    def _fresh(self, cell: Ints) -> npt.NDArray[np.bool_]:
        """Which of these messages come for the first time."""
        fresh = ~self._seen[cell]
        self._seen[cell] = True
        if bool((cell[1:] <= cell[:-1]).any()):  # else nothing in this block can be there twice
            first = np.zeros(cell.size, dtype=np.bool_)
            first[np.unique(cell, return_index=True)[1]] = True
            fresh &= first
        return fresh

    def _enter_order(self, stream: Ints, seq: Ints) -> None:
        """Compare each number with the highest that its stream had before it."""
        if seq.size == 0:
            return
        order: Any = slice(None) if self.streams == 1 else np.argsort(stream, kind="stable")
        stream, seq = stream[order], seq[order]
        # Numbers of a later stream are lifted above all of an earlier one, so one running maximum serves all.
        lift = stream * self.messages
        highest = np.maximum.accumulate(np.maximum(seq, self._highest[stream]) + lift) - lift
        begins = np.empty(seq.size, dtype=np.bool_)
        begins[0], begins[1:] = True, stream[1:] != stream[:-1]
        before = np.empty_like(highest)
        before[1:] = highest[:-1]
        before[begins] = self._highest[stream[begins]]
        self.reordered += int(np.count_nonzero(seq < before))
        ends = np.append(begins[1:], True)
        self._highest[stream[ends]] = highest[ends]

    def _enter_latency(self, latency: Floats) -> None:
        if not latency.min(initial=0.0) >= 0:  # also when there is a NaN
            latency = latency[~np.isnan(latency)]  # of messages that do not say when they were due
            self.early += int(np.count_nonzero(latency < 0))
        self.latency.record_many(latency)
