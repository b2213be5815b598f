"""The books of a subscription of the measuring client, kept in blocks."""

from __future__ import annotations

import math
from array import array

import numpy as np

from helpers.profiling.ledger import Ledger
from helpers.wire.events import Broadcast, Change, Event
from helpers.wire.numbered import STAMP, UNNUMBERED

__all__ = ["Books"]

#: Messages in a block; numpy's cost is shared by them.
BLOCK = 512


class Books:
    """`channel.on_event(books.on_event)` enters every message of a channel of `RealtimeClient` into a ledger.

    Args:
        ledger: where to; call `flush` before it is read.
        stream: the channel's number there.

    Attributes:
        messages: that came, entered already or not.
    """

    def __init__(self, ledger: Ledger, stream: int = 0) -> None:
        self.messages = 0
        self._ledger = ledger
        self._stream = stream
        self._clear()

    def on_event(self, event: Event) -> None:
        """Enter a message: a broadcast or a change; other events are none."""
        if isinstance(event, Broadcast):
            content = event.payload
        elif isinstance(event, Change):
            content = event.record
        else:
            return
        try:
            seq, due = content["seq"], content["due"]
        except (TypeError, KeyError, IndexError):
            seq, due = _stamp(content)
        self._enter(seq, due, event.received_at)

    def flush(self) -> None:
        """Enter what waits for its block to be full."""
        seq, due, received_at = (np.frombuffer(column) for column in (self._seq, self._due, self._received_at))
        self._clear()
        stream = np.full(seq.size, self._stream, dtype=np.int64)
        self._ledger.record_many(stream, seq.astype(np.int64), due, received_at)

    def _enter(self, seq: float, due: float, received_at: float) -> None:
        try:
            self._seq.append(seq)
        except TypeError:
            self._seq.append(UNNUMBERED)
        try:
            self._due.append(due)
        except TypeError:
            self._due.append(math.nan)
        self._received_at.append(received_at)
        self.messages += 1
        if len(self._seq) >= BLOCK:
            self.flush()

    def _clear(self) -> None:
        self._seq, self._due, self._received_at = array("d"), array("d"), array("d")


def _stamp(content: object) -> tuple[float, float]:
    """Of a message without both members: binary, or a row without `due`, or one that has no number."""
    if isinstance(content, bytes) and len(content) >= STAMP.size:
        seq, due = STAMP.unpack_from(content)
        return seq, due
    if isinstance(content, dict):
        return content.get("seq", UNNUMBERED), content.get("due", math.nan)
    return UNNUMBERED, math.nan
