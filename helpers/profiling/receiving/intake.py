"""Where the frames of all sockets of a process come together, to be read and booked in blocks.

A frame costs a copy and a time stamp when it arrives; everything else is done for hundreds at once. A block is closed
when it is full, or at the end of the event loop's present pass: nobody waits longer for an answer than for that.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from helpers.profiling.receiving.ledger import Ledger
from helpers.wire.frames import Version
from helpers.wire.numbered import NUMBERED_EVENTS, NumberedReader, stamps

__all__ = ["NO_STREAM", "Intake", "Source"]

#: Frames in a block: enough to share the cost of a block, few enough that it stays in the processor's cache.
BLOCK = 512

#: The number of the stream of a message that belongs to no channel.
NO_STREAM = -1


class Source(Protocol):
    """A socket.

    Attributes:
        streams: topic → number of the stream, of the channels whose messages count.
    """

    streams: dict[str, int]

    def control(self, data: bytes, is_text: bool, received_at: float) -> None:
        """A frame that belongs to the life of a channel or of the socket."""


class Intake:
    """Used by all sockets of a process; they call `put`.

    Attributes:
        ledger: the books; None while nothing is recorded.
        frames: received. bytes: their sizes. wire_bytes: with WebSocket headers.
        malformed: frames that are no frame of the protocol. unmatched: messages for no channel of their socket.
        first_at, last_at: when the first and the last message was recorded. first_cpu, last_cpu: CPU time then.
    """

    def __init__(self, version: Version) -> None:
        self.ledger: Ledger | None = None
        self.frames = self.bytes = self.wire_bytes = self.malformed = self.unmatched = 0
        self.first_at = self.last_at = self.first_cpu = self.last_cpu = 0.0
        self._reader = NumberedReader(version)
        self._texts: list[bytes] = []
        self._sources: list[Source] = []
        self._times = array("d")
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def record_into(self, ledger: Ledger) -> None:
        """Book all messages from now on."""
        self.flush()
        self.ledger = ledger
        self.first_at = self.last_at = 0.0

    def put(self, text: bytes, source: Source) -> None:
        """Take a text frame that has just arrived."""
        if not self._texts:
            self._loop.call_soon(self.flush)
        self._texts.append(text)
        self._sources.append(source)
        self._times.append(time.monotonic())
        if len(self._texts) >= BLOCK:
            self.flush()

    def put_binary(self, data: bytes, source: Source) -> None:
        """Take a binary frame."""
        now = time.monotonic()
        self.flush()
        self._count([len(data)])
        self._take([self._reader.read_binary(data)], [data], [source], np.array([now]), is_text=False)

    async def changed(self) -> None:
        """Until something more was booked."""
        self._changed.clear()
        await self._changed.wait()

    def flush(self) -> None:
        """Read and book what has come."""
        if not self._texts:
            return
        texts, sources, times = self._texts, self._sources, np.frombuffer(self._times)
        self._texts, self._sources, self._times = [], [], array("d")
        self._count(list(map(len, texts)))
        self._take(self._reader.read(texts), texts, sources, times, is_text=True)

    def _count(self, sizes: Sequence[int]) -> None:
        total = sum(sizes)
        self.frames += len(sizes)
        self.bytes += total
        # A server's header: 2 bytes, 2 more from 126 bytes on, 6 more than that from 64 KiB on (RFC 6455, 5.2).
        self.wire_bytes += total + 2 * len(sizes)
        if max(sizes) > 125:
            self.wire_bytes += sum(2 if size < 65_536 else 8 for size in sizes if size > 125)

    def _take(
        self, items: list[Any], frames: Sequence[bytes], sources: Sequence[Source], times: Any, *, is_text: bool
    ) -> None:
        """Book runs of messages; between them, let channels live on what else has come."""
        begin = 0
        for place, item in enumerate(items):
            if item is not None and item.event in NUMBERED_EVENTS:
                continue
            self._book(items[begin:place], sources[begin:place], times[begin:place])
            begin = place + 1
            if item is None:
                self.malformed += 1
            else:
                sources[place].control(frames[place], is_text, float(times[place]))
        if begin:
            items, sources, times = items[begin:], sources[begin:], times[begin:]
        self._book(items, sources, times)

    def _book(self, items: list[Any], sources: Sequence[Source], times: Any) -> None:
        if not items or self.ledger is None:
            return
        places = [source.streams.get(item.topic, NO_STREAM) for item, source in zip(items, sources, strict=True)]
        found = stamps(items)
        stream, seq = np.array(places), np.array([stamp.seq for stamp in found])
        due = np.array([stamp.due for stamp in found])
        if (ours := stream != NO_STREAM).all():
            self.ledger.record_many(stream, seq, due, times)
        else:
            self.unmatched += int(np.count_nonzero(~ours))
            self.ledger.record_many(stream[ours], seq[ours], due[ours], times[ours])
        self._note(float(times[0]), float(times[-1]))

    def _note(self, first: float, last: float) -> None:
        if not self.first_at:
            self.first_at, self.first_cpu = first, time.process_time()
        self.last_at, self.last_cpu = last, time.process_time()
        self._changed.set()
