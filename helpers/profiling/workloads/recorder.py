"""Accounts for every message of an audience: nothing lost, doubled, reordered or uncalled-for goes unseen."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from helpers.profiling.histogram import Floats, Ints
from helpers.profiling.ledger import Bools, Ledger
from helpers.profiling.workloads.audience import Hearing
from helpers.profiling.workloads.orders import WAITING
from helpers.wire.events import Broadcast, Change, Event
from helpers.wire.numbered import STAMP, UNNUMBERED

__all__ = ["Heard", "Recorder"]

#: Messages that are entered together: enough to share the cost of a block.
BLOCK = 512

#: Of so many messages number, stream, time and size are kept, for what only the single message can tell.
MAX_KEPT = 2_000_000


class Heard(NamedTuple):
    """Messages of ours in order of receipt, one element each.

    Attributes:
        stream: who heard it. message: which one. at: when it came. size: in bytes.
        first: whether it was the first copy.
    """

    stream: Ints
    message: Ints
    at: Floats
    size: Ints
    first: Bools


class Recorder:
    """A `Ledger` that knows who should hear what, and when each message was due. No I/O and no clock.

    A message travels with its number only; when that number was due is looked up here.

    Args:
        due: when each message is due (monotonic seconds).
        first_seq: number of the first message as it travels; messages of other runs are strays.
        hearing: who should hear what.
        keys: `id` of the rows whose DELETE tells nothing else, and the messages that these are.
    """

    def __init__(self, due: Floats, first_seq: int, hearing: Hearing, keys: dict[int, int] | None = None) -> None:
        self.due = due
        self._first_seq = first_seq
        self._hearing = hearing
        self._keys = keys or {}
        self._ledger = Ledger(hearing.kind_of.size, due.size)
        self._wanted = 0
        self._kept: list[Heard] = []
        self._kept_count = 0
        self.last_at = 0.0
        self._clear()

    def on_event(self, stream: int, event: Event) -> None:
        """Enter a message of a channel: a broadcast or a change; other events are none."""
        if isinstance(event, Broadcast):
            index = _number(event.payload)
        elif isinstance(event, Change):
            index = self._number_of_change(event)
        else:
            return
        if index != WAITING:
            self.enter(stream, index, event.received_at, event.size_bytes)

    def enter(self, stream: int, seq: int, received_at: float, size_bytes: int) -> None:
        """Enter the message with that number, as it travelled."""
        self._streams.append(stream)
        self._seqs.append(seq)
        self._times.append(received_at)
        self._sizes.append(size_bytes)
        self.last_at = received_at
        if len(self._seqs) >= BLOCK:
            self._flush()

    @property
    def ledger(self) -> Ledger:
        """The books, up to date; their latency is that of the messages that should have come."""
        self._flush()
        return self._ledger

    @property
    def wanted(self) -> int:
        """First copies of messages that should have come."""
        self._flush()
        return self._wanted

    @property
    def uncalled(self) -> int:
        """First copies of messages of ours that should not have come: a filter or a policy forbids them."""
        return self.ledger.distinct - self._wanted

    def heard(self) -> Heard:
        """The first `MAX_KEPT` messages one by one."""
        self._flush()
        none = np.empty(0, dtype=np.int64)
        nothing = Heard(none, none, np.empty(0), none, np.empty(0, dtype=np.bool_))
        return Heard(*map(np.concatenate, zip(nothing, *self._kept, strict=True)))

    def _number_of_change(self, change: Change) -> int:
        seq = change.record.get("seq", UNNUMBERED) if change.record else change.old_record.get("seq", UNNUMBERED)
        if change.type == "DELETE" and (message := self._keys.get(change.old_record.get("id", UNNUMBERED))) is not None:
            return self._first_seq + message
        return seq if isinstance(seq, int) else UNNUMBERED

    def _clear(self) -> None:
        self._streams, self._seqs, self._sizes, self._times = array("q"), array("q"), array("q"), array("d")

    def _flush(self) -> None:
        if not self._seqs:
            return
        stream, seq, size = np.array(self._streams), np.array(self._seqs), np.array(self._sizes)
        times, index = np.array(self._times), seq - self._first_seq
        self._clear()
        ours = (index >= 0) & (index < self.due.size)
        wanted = np.zeros(index.size, dtype=np.bool_)
        wanted[ours] = self._is_wanted(stream[ours], index[ours])
        due = np.where(wanted, self.due[np.where(ours, index, 0)], np.nan)
        first = self._ledger.record_many(stream, index, due, times, size)
        self._wanted += int(np.count_nonzero(first & wanted))
        if self._kept_count < MAX_KEPT:
            self._kept.append(Heard(stream[ours], index[ours], times[ours], size[ours], first[ours]))
            self._kept_count += index.size

    def _is_wanted(self, stream: Ints, index: Ints) -> Bools:
        wanted: Bools = self._hearing.kinds[self._hearing.kind_of[stream], index]
        return wanted


def _number(payload: object) -> int:
    """The number of a broadcast: a member of its payload, or of the row in it, or how its bytes begin."""
    if isinstance(payload, dict):
        row = payload.get("record")  # of realtime.broadcast_changes
        seq = (row if isinstance(row, dict) else payload).get("seq", UNNUMBERED)
        return seq if isinstance(seq, int) else UNNUMBERED
    if isinstance(payload, bytes) and len(payload) >= STAMP.size:
        return int(STAMP.unpack_from(payload)[0])
    return UNNUMBERED
