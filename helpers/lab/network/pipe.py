"""One direction of a connection through a network: reads, thinks about it, and writes when it is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from helpers.lab.network.conditions import Conditions, Way
from helpers.lab.network.counters import Counters
from helpers.lab.network.line import Line
from helpers.lab.network.splitter import Piece

__all__ = ["Direction", "Pipe", "Weather"]

_READ_BYTES = 65_536
#: What may be under way in one direction, as in the window of a TCP connection (Linux gives 6 MB at most).
_WINDOW_BYTES = 4_000_000
#: What leaves at once on a line with a bandwidth: the time that these bytes take is its grain.
_BURST_BYTES = 1_460
#: What waits for a line with a bandwidth, before its source has to wait: an event loop's clock ticks in milliseconds.
_QUEUE_S = 0.02


class Weather(Protocol):
    """The conditions now, and a way to wait for other ones."""

    conditions: Conditions

    async def changed(self, timeout: float | None = None) -> bool:
        """Wait until they change; False when `timeout` seconds passed before."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """Bytes under way."""

    data: bytes
    due: float


@dataclass(frozen=True, slots=True)
class Direction:
    """What one direction has of its own.

    Attributes:
        way: picks its part of the conditions.
        pieces: cuts what was read, with its messages whole or not, see `Conversation`.
        rest: what `pieces` held back, at the end.
        passed: is told how many bytes were passed on.
        line: its arithmetic.
    """

    way: Callable[[Conditions], Way]
    pieces: Callable[[bytes, bool], Iterator[Piece]]
    rest: Callable[[], bytes]
    passed: Callable[[int], None]
    line: Line


class Pipe:
    """See the module. The weather may change at any time; what is under way by then arrives as it would have."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        weather: Weather,
        direction: Direction,
        counters: Counters,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._weather, self._direction, self._counters = weather, direction, counters
        self._line = direction.line
        self._flights: deque[_Flight] = deque()
        self._flying = 0
        self._stirred = asyncio.Event()
        self._ended = False
        self._timers: set[asyncio.TimerHandle] = set()
        self._now = asyncio.get_running_loop().time

    async def run(self, preface: bytes = b"") -> None:
        """Until the source has ended and everything has arrived, and the end with it.

        Args:
            preface: was read already.

        Raises:
            OSError: one of the two ends was reset.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take(preface))
            tasks.create_task(self._deliver())

    @property
    def _way(self) -> Way:
        return self._direction.way(self._weather.conditions)

    async def _take(self, data: bytes) -> None:
        data = data or await self._reader.read(_READ_BYTES)
        while data:
            for piece in self._direction.pieces(data, bool(self._way.frames)):
                await self._judge(piece)
            await self._until_free()
            data = await self._reader.read(_READ_BYTES)
        if rest := self._direction.rest():
            await self._send(rest)
        self._ended = True
        self._stirred.set()

    async def _judge(self, piece: Piece) -> None:
        """Do with a message what the first rule says that matches."""
        rules = self._way.frames
        message = piece.message() if rules else None
        if message is None:
            await self._send(piece.raw)
            return
        self._counters.messages += 1
        rule = next((rule for rule in rules if rule.kind(message)), None)
        if rule is None:
            await self._send(piece.raw)
        elif rule.copies:
            self._counters.repeated += rule.copies - 1
            for _ in range(rule.copies):
                await self._send(piece.raw)
        elif rule.delay_ms is None:
            self._counters.dropped += 1
        else:
            self._counters.delayed += 1
            self._send_later(piece.raw, rule.delay_ms / 1e3)

    async def _send(self, data: bytes) -> None:
        """Wait for the line as long as its bandwidth asks, then let the bytes fly."""
        for part in _parts(data, _BURST_BYTES if self._way.kbit_per_s else None):
            while self._flying >= _WINDOW_BYTES:
                self._stirred.clear()
                await self._stirred.wait()
            sent_at = self._line.sent_at(self._way, len(part), self._now())
            ahead_s = sent_at - self._now() - _QUEUE_S
            if ahead_s > 0 and await self._weather.changed(ahead_s):
                self._line.clear()
                sent_at = self._now()
            self._fly(part, sent_at)

    def _send_later(self, data: bytes, delay_s: float) -> None:
        """A message that a rule delays stays whole, and overtakes nothing when its time has come."""

        def fly() -> None:
            self._timers.discard(timer)
            self._fly(data, self._now())

        timer = asyncio.get_running_loop().call_later(delay_s, fly)
        self._timers.add(timer)

    def _fly(self, data: bytes, sent_at: float) -> None:
        self._flights.append(_Flight(data, self._line.arrival(self._way, len(data), sent_at)))
        self._flying += len(data)
        self._stirred.set()

    async def _deliver(self) -> None:
        try:
            while (flight := await self._next()) is not None:
                await self._land(flight)
            await self._close()
        finally:
            for timer in self._timers:
                timer.cancel()

    async def _next(self) -> _Flight | None:
        while not self._flights:
            if self._ended:
                return None
            self._stirred.clear()
            await self._stirred.wait()
        return self._flights.popleft()

    async def _land(self, flight: _Flight) -> None:
        if flight.due > self._now():
            await asyncio.sleep(flight.due - self._now())
        await self._until_free()
        for part in _parts(flight.data, self._way.slice_bytes):
            self._writer.write(part)
            await self._writer.drain()
            if self._way.slice_bytes:
                await asyncio.sleep(self._way.slice_pause_ms / 1e3)
            self._direction.passed(len(part))
        self._flying -= len(flight.data)
        self._stirred.set()

    async def _until_free(self) -> None:
        while self._way.held:
            await self._weather.changed()

    async def _close(self) -> None:
        """Pass the end on. TLS knows no end of one direction: there the connection ends with the other one."""
        await asyncio.sleep(self._way.latency_ms / 1e3 + self._weather.conditions.close_delay_ms / 1e3)
        await self._until_free()
        if self._writer.can_write_eof():
            with contextlib.suppress(OSError):
                self._writer.write_eof()
        else:
            self._writer.close()


def _parts(data: bytes, size: int | None) -> Iterator[bytes]:
    if size is None or len(data) <= size:
        yield data
        return
    for start in range(0, len(data), size):
        yield data[start : start + size]
