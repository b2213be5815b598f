"""Where the frames of all sockets of a process come together, to be read and booked in blocks.

A frame costs a copy and a time stamp when it arrives; everything else is done for hundreds at once. A block is closed
when it is full, or at the end of the event loop's present pass: nobody waits longer for an answer than for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic, process_time
from typing import Any, NamedTuple, Protocol

import numpy as np

from helpers.profiling.histogram import Floats, Ints
from helpers.profiling.ledger import Ledger
from helpers.profiling.receiving.schedule import Schedule
from helpers.wire.frames import Version
from helpers.wire.numbered import NUMBERED_EVENTS, NumberedReader, stamps

__all__ = ["FIELDS", "FULL", "NO_STREAM", "Intake", "Source"]

#: Frames in a block: enough to share the cost of a block, few enough that it stays in the processor's cache.
BLOCK = 512

#: What waits of each frame: its text, its source, when it was received.
FIELDS = 3
FULL = FIELDS * BLOCK

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


class _Block(NamedTuple):
    """Frames that are read together: one element each, in the order of their receipt."""

    frames: Sequence[bytes]
    sources: Sequence[Source]
    sizes: Ints
    times: Floats
    is_text: bool

    def part(self, begin: int, end: int) -> _Block:
        these = slice(begin, end)
        return _Block(self.frames[these], self.sources[these], self.sizes[these], self.times[these], self.is_text)


class Intake:
    """Used by all sockets of a process; they call `put`.

    Args:
        clock_ahead_s: by which this machine's clock is ahead of the one that says when messages are due; times are
            booked without it.

    Attributes:
        ledger: the books; None while nothing is recorded.
        schedule: of messages that do not say themselves when they are due; None if they do.
        frames: received. bytes: their sizes. wire_bytes: with WebSocket headers.
        blocks: in which frames were read, each of which has its own cost beside theirs.
        runs: of messages of one socket and channel that lie together in a block, as one write of a server does.
        malformed: frames that are no frame of the protocol. unmatched: messages for no channel of their socket.
        waiting: `FIELDS` of each frame that was not read yet; always the same list, so that a socket may add to it
            itself and call `due` where `put` does.
        first_at, last_at: when the first and the last message was booked, by the sender's clock. first_cpu, last_cpu:
            CPU time then.
    """

    def __init__(self, version: Version, clock_ahead_s: float = 0.0) -> None:
        self.ledger: Ledger | None = None
        self.schedule: Schedule | None = None
        self._ahead_s = clock_ahead_s
        self.frames = self.bytes = self.wire_bytes = self.malformed = self.unmatched = 0
        self.blocks = self.runs = 0
        self.first_at = self.last_at = self.first_cpu = self.last_cpu = 0.0
        self._reader = NumberedReader(version)
        self.waiting: list[Any] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def record_into(self, ledger: Ledger) -> None:
        """Book all messages from now on."""
        self.flush()
        self.ledger = ledger
        self.first_at = self.last_at = 0.0

    def put(self, text: bytes, source: Source) -> None:
        """Take a text frame that has just arrived."""
        waiting = self.waiting
        waiting.extend((text, source, monotonic()))
        if len(waiting) == FIELDS or len(waiting) >= FULL:
            self.due()

    def due(self) -> None:
        """See that what waits is read: at once if it is a whole block, else at the end of the present pass."""
        if len(self.waiting) >= FULL:
            self.flush()
        else:
            self._loop.call_soon(self.flush)

    def put_binary(self, data: bytes, source: Source) -> None:
        """Take a binary frame."""
        now = monotonic()
        self.flush()
        block = _Block([data], [source], self._count([data]), np.array([now]), is_text=False)
        self._take([self._reader.read_binary(data)], block)

    async def changed(self) -> None:
        """Until something more was booked."""
        self._changed.clear()
        await self._changed.wait()

    def flush(self) -> None:
        """Read and book what has come."""
        if not self.waiting:
            return
        texts, sources, times = (self.waiting[field::FIELDS] for field in range(FIELDS))
        self.waiting.clear()
        block = _Block(texts, sources, self._count(texts), np.array(times, dtype=np.float64), is_text=True)
        self._take(self._reader.read(texts), block)

    def _count(self, frames: Sequence[bytes]) -> Ints:
        """Their sizes, which are added to what has come."""
        sizes = np.array(list(map(len, frames)), dtype=np.int64)
        total = int(sizes.sum())
        self.frames += sizes.size
        self.blocks += 1
        self.bytes += total
        self.wire_bytes += total + 2 * sizes.size + _longer_headers(sizes)
        return sizes

    def _take(self, items: list[Any], block: _Block) -> None:
        """Book runs of messages; between them, let channels live on what else has come."""
        if None not in items and {item.event for item in items} <= NUMBERED_EVENTS:
            self._book(items, block)
            return
        begin = 0
        for place, item in enumerate(items):
            if item is not None and item.event in NUMBERED_EVENTS:
                continue
            self._book(items[begin:place], block.part(begin, place))
            begin = place + 1
            if item is None:
                self.malformed += 1
            else:
                block.sources[place].control(block.frames[place], block.is_text, float(block.times[place]))
        self._book(items[begin:], block.part(begin, len(items)))

    def _book(self, items: list[Any], block: _Block) -> None:
        if not items or self.ledger is None:
            return
        stream, found = _streams(items, block.sources), stamps(items)
        self.runs += 1 + int(np.count_nonzero(stream[1:] != stream[:-1]))
        seq = np.array([stamp.seq for stamp in found], dtype=np.int64)
        due = np.array([stamp.due for stamp in found], dtype=np.float64)
        if self.schedule is not None:
            seq, due = self.schedule.places(seq)
        times, sizes = block.times - self._ahead_s, block.sizes
        if (ours := stream != NO_STREAM).all():
            self.ledger.record_many(stream, seq, due, times, sizes)
        else:
            self.unmatched += int(np.count_nonzero(~ours))
            self.ledger.record_many(stream[ours], seq[ours], due[ours], times[ours], sizes[ours])
        self._note(float(times[0]), float(times[-1]))

    def _note(self, first: float, last: float) -> None:
        if not self.first_at:
            self.first_at, self.first_cpu = first, process_time()
        self.last_at, self.last_cpu = last, process_time()
        self._changed.set()


def _longer_headers(sizes: Ints) -> int:
    """Bytes of headers beyond 2 each: 2 more from 126 bytes on, 6 more than that from 64 KiB on (RFC 6455, 5.2)."""
    return int(2 * np.count_nonzero(sizes > 125) + 6 * np.count_nonzero(sizes > 65_535))


def _streams(items: Sequence[Any], sources: Sequence[Source]) -> Ints:
    """The number of each message's stream."""
    topics, one = [item.topic for item in items], sources[0]
    if len(one.streams) == 1 and topics.count(topics[0]) == len(topics) and sources.count(one) == len(sources):
        return np.full(len(topics), one.streams.get(topics[0], NO_STREAM), dtype=np.int64)
    places = [source.streams.get(topic, NO_STREAM) for topic, source in zip(topics, sources, strict=True)]
    return np.array(places, dtype=np.int64)
