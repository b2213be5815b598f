"""The receiving side of a stream: every message decoded as an application would, and booked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from array import array

import numpy as np

from helpers.profiling.ledger import Ledger
from helpers.stream import Stream
from helpers.wire.events import Broadcast, Event

__all__ = ["Reception"]


class Reception:
    """`channel.on_event(reception.on_event)` takes the messages of one stream.

    Attributes:
        last_at: when the latest message was decoded. cpu_s: of this thread when the last one was.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.last_at = self.cpu_s = 0.0
        self._form, self._messages = stream.form, stream.messages
        self._seq, self._due, self._at, self._size = array("q"), array("d"), array("d"), array("q")
        self._complete = asyncio.Event()

    @property
    def received(self) -> int:
        """Messages so far, repeated ones included."""
        return len(self._seq)

    def on_event(self, event: Event) -> None:
        """Decode a message, and enter it."""
        if not isinstance(event, Broadcast):
            return
        item = self._form.item(event.payload)
        self._seq.append(item.seq)
        self._due.append(item.due)
        self._at.append(event.received_at)
        self._size.append(event.size_bytes)
        if len(self._seq) >= self._messages:
            self._note()
            if len(set(self._seq)) >= self._messages:  # one that came twice makes up for none that is missing
                self._complete.set()

    async def complete(self, limit_s: float) -> None:
        """Until everything came, or the time is over: what has not come by then is lost."""
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._complete.wait(), limit_s)
        finally:
            if not self._complete.is_set():
                self._note()

    def ledger(self) -> Ledger:
        """The books."""
        ledger = Ledger(1, self._messages)
        seq, due, at, size = (np.array(column) for column in (self._seq, self._due, self._at, self._size))
        ledger.record_many(np.zeros_like(seq), seq, due, at, size)
        return ledger

    def _note(self) -> None:
        self.last_at, self.cpu_s = time.monotonic(), time.thread_time()
