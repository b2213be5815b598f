"""Counting against the quotas, as the genuine server counts."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["CallWindow", "RateCounter"]


class RateCounter:
    """A rate per second, judged at the end of each period over the periods of the last minute.

    Until a whole minute has passed only the periods so far are in the mean, and an empty one from before the first
    event. So a new counter trips early, while one that was idle for a minute lets a burst of sixty times the limit
    through; a `warm` one begins as if it had been idle for that long.

    Attributes:
        total: events since the counter was made.
        exceeded: whether the mean was above the limit at the end of the last period.
    """

    __slots__ = ("_count", "_finished", "_handle", "_limit", "_periods", "_tick_s", "exceeded")

    def __init__(self, limit_per_s: float, *, tick_s: float = 5.0, ticks: int = 12, warm: bool = False) -> None:
        self._limit = limit_per_s
        self._tick_s = tick_s
        self._periods: deque[int] = deque((0,) * (ticks if warm else 1), maxlen=ticks)
        self._count = self._finished = 0
        self._handle: asyncio.TimerHandle | None = None
        self.exceeded = False

    def add(self, events: int = 1) -> None:
        """Count; the first event starts the clock."""
        self._count += events
        if self._handle is None:
            self._schedule(asyncio.get_running_loop())

    @property
    def mean_per_s(self) -> float:
        """The rate over the finished periods that are remembered."""
        return sum(self._periods) / (len(self._periods) * self._tick_s)

    @property
    def total(self) -> int:
        return self._finished + self._count

    def restart(self, limit_per_s: float) -> None:
        """Forget the periods, and go on with another limit."""
        self.stop()
        self._limit = limit_per_s
        self._finished += self._count
        self._count = 0
        self._periods.clear()
        self._periods.append(0)
        self.exceeded = False

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = loop.call_later(self._tick_s, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._periods.append(self._count)
        self._finished += self._count
        self._count = 0
        self.exceeded = self.mean_per_s > self._limit
        self._schedule(loop)


class CallWindow:
    """So many calls in a window that opens with the first one, as presence counts the calls of one channel."""

    __slots__ = ("_calls", "_closes_at", "_max_calls", "_window_s")

    def __init__(self, max_calls: int, window_s: float) -> None:
        self._max_calls = max_calls
        self._window_s = window_s
        self._calls = 0
        self._closes_at = float("-inf")

    def allows(self, now: float) -> bool:
        """Count a call at `now` (monotonic seconds); False when it is one too many."""
        if now > self._closes_at:
            self._calls, self._closes_at = 1, now + self._window_s
            return True
        if self._calls >= self._max_calls:
            return False
        self._calls += 1
        return True
