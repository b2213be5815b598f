"""Whether the harness was the limit and not the target: how late its own event loop and its sender were."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from helpers.profiling.histogram import Histogram

__all__ = ["HARNESS_LIMIT", "Harness", "LoopWatch", "limits"]

#: How every sentence begins that says so.
HARNESS_LIMIT = "the harness was the limit"

#: Timers of an event loop are right to about a millisecond (epoll counts in these).
TICK_S = 0.005

#: Lateness below this is what a timer and a scheduler cost on any machine; nothing is concluded from it.
NOTABLE_MS = 10.0

#: From this share of a measured p99 on, the harness's own lateness is said beside it.
SHARE = 0.2

#: A schedule that reached less than this of its rate was not kept.
RATE_KEPT = 0.95

#: A thread that ran, or waited for a processor, for so much of the time had none left.
BUSY_PERCENT = 80.0

#: Its second number is how long this thread waited for a processor, in ns (Linux, Documentation/scheduler/
#: sched-stats.rst). The first, its CPU time, some kernels leave at 0.
_SCHEDULER = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True, slots=True)
class Harness:
    """What the harness did during a measurement.

    Attributes:
        loop_late_p99_ms, loop_late_max_ms: how late the event loop ran what was due.
        scheduled_per_s: rate that was asked for. sent_per_s: rate at which it was sent.
        send_late_ms: how late the latest send was.
        cpu_percent: CPU time of the loop's thread, in percent of one core.
        waited_percent: time in which that thread could have run but other work had the processors; 0 where the
            system does not tell.
    """

    loop_late_p99_ms: float
    loop_late_max_ms: float
    scheduled_per_s: float
    sent_per_s: float
    send_late_ms: float
    cpu_percent: float
    waited_percent: float = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether it had no time left: it ran, or waited for a processor, or its loop was late for whatever reason."""
        return self.cpu_percent + self.waited_percent >= BUSY_PERCENT or self.loop_late_p99_ms >= NOTABLE_MS


class LoopWatch:
    """`async with LoopWatch() as watch:` measures how late this event loop runs what is due.

    It is open-loop: a loop that stands still for half a second enters all ticks that fell due meanwhile.

    Attributes:
        lateness: of every tick, once the watch is over.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.lateness = Histogram()
        self._clock = clock
        self._due = self._seconds = self._cpu_s = self._waited_s = 0.0

    async def __aenter__(self) -> Self:
        self._began, self._used = self._clock(), _processor_s()
        self._due = self._began + TICK_S
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._enter()  # the loop may have stood still at the very end
        self._seconds = self._clock() - self._began
        self._cpu_s, self._waited_s = (now - before for now, before in zip(_processor_s(), self._used, strict=True))

    def harness(self, scheduled_per_s: float, sent_per_s: float, send_late_ms: float) -> Harness:
        """What was watched, beside what the sender says about itself."""
        count, seconds = self.lateness.count, max(self._seconds, TICK_S)
        return Harness(
            loop_late_p99_ms=1e3 * self.lateness.percentile_s(99) if count else 0.0,
            loop_late_max_ms=1e3 * self.lateness.max_s if count else 0.0,
            scheduled_per_s=scheduled_per_s,
            sent_per_s=sent_per_s,
            send_late_ms=send_late_ms,
            cpu_percent=100 * self._cpu_s / seconds,
            waited_percent=100 * self._waited_s / seconds,
        )

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._due - self._clock())
            self._enter()

    def _enter(self) -> None:
        """All ticks that are due by now; a clock that went back makes none."""
        now = self._clock()
        ticks = max(0, int((now - self._due) / TICK_S) + 1) if now >= self._due else 0
        self.lateness.record_many(now - self._due - TICK_S * np.arange(ticks, dtype=np.float64))
        self._due += TICK_S * ticks


def limits(
    harness: Harness, latency_p99_ms: float | None, *, writer_late_p99_ms: float | None = None
) -> tuple[str, ...]:
    """What of the numbers is not the target's doing, in sentences; none if nothing is.

    Args:
        latency_p99_ms: as measured; None if nothing arrived.
        writer_late_p99_ms: where a process of its own sends and never waits for the target, how late it was.
    """
    if writer_late_p99_ms is None:
        sending = _rate(harness)
    else:
        sending = _lateness("its writer", writer_late_p99_ms, latency_p99_ms)
    loop = _lateness("its own event loop", harness.loop_late_p99_ms, latency_p99_ms)
    return tuple(sentence for sentence in (sending, loop) if sentence)


def _processor_s() -> tuple[float, float]:
    """Seconds that this thread has run, and that it has waited for a processor."""
    try:
        waited_ns = int(_SCHEDULER.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        waited_ns = 0
    return time.thread_time(), waited_ns / 1e9


def _rate(harness: Harness) -> str:
    if harness.sent_per_s >= RATE_KEPT * harness.scheduled_per_s:
        return ""
    rates = f"{harness.scheduled_per_s:,.0f} messages/s were asked for and {harness.sent_per_s:,.0f} were sent"
    if not harness.is_busy:
        return f"the target held up the sender: {rates}, while the harness had time left"
    return f"{HARNESS_LIMIT}: {rates}; {_use(harness)}"


def _use(harness: Harness) -> str:
    """What the harness did all the time."""
    used = f"it ran for {harness.cpu_percent:.0f} % of the time"
    if harness.waited_percent >= 1:
        used += f", waited for a processor for {harness.waited_percent:.0f} %"
    return f"{used}, and its event loop was late by {harness.loop_late_p99_ms:.0f} ms (p99)"


def _lateness(whose: str, late_ms: float, latency_p99_ms: float | None) -> str:
    if late_ms < NOTABLE_MS or (latency_p99_ms is not None and late_ms < SHARE * latency_p99_ms):
        return ""
    beside = "" if latency_p99_ms is None else f", beside a latency of {latency_p99_ms:.0f} ms (p99)"
    return f"{HARNESS_LIMIT}: {whose} was late by {late_ms:.0f} ms (p99){beside}"
