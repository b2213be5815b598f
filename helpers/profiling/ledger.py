"""The books of one or many subscriptions, kept in blocks: no message lost, doubled or reordered goes unseen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from helpers.errors import SettingsError
from helpers.profiling.histogram import Floats, Histogram, Ints

__all__ = ["MAX_CELLS", "Bools", "Ledger"]

Bools = npt.NDArray[np.bool_]

#: One byte is kept for each message of each subscription; more than this is refused beforehand.
MAX_CELLS = 2_000_000_000


class Ledger:
    """No I/O and no clock: times are given, in seconds of one monotonic clock.

    Args:
        streams: how many subscriptions (a channel on a socket); each should receive every message once.
        messages: how many messages there are; they are numbered from 0.

    Attributes:
        received: messages with a number of ours, repeated ones included. distinct: first copies.
        reordered: first copies that came after one with a higher number of the same stream.
        strays: messages with a number that is not ours, or for no stream of ours.
        early: first copies that came before they were due. There is no such thing: the clocks of sender and receiver
            differ, or one of them went back.
        payload_bytes: of the messages received.
        latency: from when a message was due to when it came, of first copies.
    """

    def __init__(self, streams: int, messages: int) -> None:
        if not 0 < streams * messages <= MAX_CELLS:
            happened = f"{streams:,} subscriptions to {messages:,} messages are planned"
            raise SettingsError("planning a reception", happened, f"Choose at least 1 and at most {MAX_CELLS:,} in all")
        self.streams, self.messages = streams, messages
        self.received = self.distinct = self.reordered = self.strays = self.early = self.payload_bytes = 0
        self.latency = Histogram()
        self._seen: Bools = np.zeros(streams * messages, dtype=np.bool_)
        self._highest: Ints = np.full(streams, -1, dtype=np.int64)
        self._received: Ints = np.zeros(streams, dtype=np.int64)
        self._bytes: Ints = np.zeros(streams, dtype=np.int64)

    @property
    def duplicated(self) -> int:
        """Messages that their stream had received before."""
        return self.received - self.distinct

    @property
    def lost(self) -> int:
        """Messages that did not come, of all streams."""
        return self.streams * self.messages - self.distinct

    @property
    def is_complete(self) -> bool:
        """Whether every stream has every message."""
        return self.distinct == self.streams * self.messages

    def per_stream(self) -> Ints:
        """How many different messages each stream received."""
        distinct: Ints = self._seen.reshape(self.streams, self.messages).sum(axis=1)
        return distinct

    def seen(self) -> Bools:
        """Which messages each stream received: one row for each stream."""
        return self._seen.reshape(self.streams, self.messages).copy()

    def received_per_stream(self) -> Ints:
        """How many messages each stream received, repeated ones included."""
        return self._received.copy()

    def bytes_per_stream(self) -> Ints:
        """Payload that each stream received."""
        return self._bytes.copy()

    def record_many(self, stream: Ints, seq: Ints, due: Floats, received_at: Floats, size: Ints | None = None) -> Bools:
        """Enter messages in the order of their receipt, one element each.

        Args:
            due: NaN keeps a message out of the latency (it does not say when it was due, or nobody wanted it).
            size: payload in bytes.

        Returns:
            Which of them were first copies of messages of ours.
        """
        if seq.size and self._enter_run(stream, seq, size):
            self._enter_latency(received_at - due)
            return np.ones(seq.size, dtype=np.bool_)
        first = (seq >= 0) & (seq < self.messages) & (stream >= 0) & (stream < self.streams)
        if not first.all():
            self.strays += int(np.count_nonzero(~first))
            stream, seq, due, received_at = stream[first], seq[first], due[first], received_at[first]
            size = None if size is None else size[first]
        self._enter_all(stream, size)
        fresh = self._fresh(stream * self.messages + seq)
        first[first] = fresh
        if not fresh.all():
            stream, seq, due, received_at = stream[fresh], seq[fresh], due[fresh], received_at[fresh]
        self.distinct += seq.size
        self._enter_order(stream, seq)
        self._enter_latency(received_at - due)
        return first

    def _enter_run(self, stream: Ints, seq: Ints, size: Ints | None) -> bool:
        """Enter what nearly every block of a fast stream is: its next numbers, whole. False for any other block."""
        one, begin, end = int(stream[0]), int(seq[0]), int(seq[-1]) + 1
        if end - begin != seq.size or end > self.messages or not 0 <= one < self.streams:
            return False
        if begin <= self._highest[one] or (stream != one).any() or (seq[1:] - seq[:-1] != 1).any():
            return False
        self.received += seq.size
        self.distinct += seq.size
        self._received[one] += seq.size
        if size is not None:
            total = int(size.sum())
            self.payload_bytes += total
            self._bytes[one] += total
        self._seen[one * self.messages + begin : one * self.messages + end] = True
        self._highest[one] = end - 1
        return True

    def _enter_all(self, stream: Ints, size: Ints | None) -> None:
        self.received += stream.size
        np.add.at(self._received, stream, 1)
        if size is not None:
            self.payload_bytes += int(size.sum())
            np.add.at(self._bytes, stream, size)

    def _fresh(self, cell: Ints) -> Bools:
        """Which of these messages come for the first time."""
        fresh: Bools = ~self._seen[cell]
        self._seen[cell] = True
        if bool((cell[1:] <= cell[:-1]).any()):  # else no message can be in this block twice
            first_here = np.zeros(cell.size, dtype=np.bool_)
            first_here[np.unique(cell, return_index=True)[1]] = True
            fresh &= first_here
        return fresh

    def _enter_order(self, stream: Ints, seq: Ints) -> None:
        """Compare each number with the highest one that its stream had before it."""
        if seq.size == 0:
            return
        if self.streams > 1:
            order = np.argsort(stream, kind="stable")
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
        self._highest[stream] = highest  # of several elements for one stream the last one counts

    def _enter_latency(self, latency: Floats) -> None:
        if not latency.min(initial=0.0) >= 0:  # some came early, or some are NaN
            latency = latency[~np.isnan(latency)]
            self.early += int(np.count_nonzero(latency < 0))
        self.latency.record_many(latency)
