"""One event loop as a queue: a turn takes all that has arrived, and costs a fixed part and a part for each message.

This is how the lab's server works: what arrives while it is busy goes out together in the next turn, one write for each
socket. So it answers overload with larger turns, not at once with a queue that grows: it is lost only when the part for
each message alone takes longer than the time between two messages. Reading changes is the same with a poll as a turn,
and a pause after each poll that found nothing.

No I/O, no clock: arrivals in, turns and delays out.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.profiling.histogram import Floats, Ints

__all__ = ["COLD_AFTER_S", "Pace", "Turns", "chill", "chills", "distinct", "serve"]

#: A loop that slept for longer than this finds its caches cold, and its core in a deeper sleep: each doubling costs, up
#: to the longest sleep between messages that is measured.
COLD_AFTER_S = 0.2e-3
COLDEST_S = 20e-3


@dataclass(frozen=True, slots=True)
class Pace:
    """What a turn takes, in seconds.

    ``(fixed + write × channels met + each × messages) × (1 + cold × chill) + chill_s × chill``

    Attributes:
        fixed_s: of every turn.
        write_s: to write to all subscribers of one channel, however many messages each of them gets.
        each_s: for each message, with its deliveries. alone_s: of that, without them.
        cold: what a turn costs more after a sleep, for each e-fold of `COLD_AFTER_S`, as a share. chill_s: and in
            seconds, whatever it finds.
        channels: among which the messages are spread evenly; those of one channel share their writes.
        pause_s: after a turn that found nothing; 0 if arrivals wake the loop.
        most: messages that one turn takes.
        wake_s: from an arrival that finds the loop asleep to the begin of its turn, which takes what comes meanwhile.
    """

    fixed_s: float
    write_s: float
    each_s: float
    cold: float = 0.0
    channels: int = 1
    pause_s: float = 0.0
    most: int = 1_000_000
    wake_s: float = 0.0
    alone_s: float = 0.0
    chill_s: float = 0.0

    def turn_s(self, messages: int, slept_s: float) -> float:
        """How long a turn takes."""
        plain = self.fixed_s + self.write_s * distinct(messages, self.channels) + self.each_s * messages
        if not (self.cold or self.chill_s):
            return plain
        return plain + (plain * self.cold + self.chill_s) * chill(slept_s)


class Turns(NamedTuple):
    """What became of some arrivals.

    Attributes:
        messages: in each turn. slept_s: before it. began_s, lasted_s: when, and how long.
        empty: polls between them that found nothing.
        waited_s: of each message, from its arrival to the begin of its turn. took_s: its turn.
        span_s: from the first arrival to the end of the last turn. busy_s: of that, in turns.
    """

    messages: Ints
    slept_s: Floats
    began_s: Floats
    lasted_s: Floats
    waited_s: Floats
    took_s: Floats
    empty: int
    span_s: float
    busy_s: float

    @property
    def utilisation(self) -> float:
        """Share of the time during which the loop was busy."""
        return min(1.0, self.busy_s / self.span_s) if self.span_s > 0 else 1.0


def chill(slept_s: float) -> float:
    """How cold a loop is after a sleep; 0 if it did not sleep."""
    return math.log1p(min(max(0.0, slept_s), COLDEST_S) / COLD_AFTER_S)


def chills(slept_s: Floats) -> Floats:
    """The same of many sleeps."""
    found: Floats = np.log1p(np.clip(slept_s, 0.0, COLDEST_S) / COLD_AFTER_S)
    return found


def distinct(messages: int, channels: int) -> float:
    """How many different channels so many messages meet, on average."""
    return 1.0 if channels == 1 else channels * -math.expm1(messages * math.log1p(-1 / channels))


def serve(arrivals_s: Floats, pace: Pace, *, phase: float = 0.5) -> Turns:
    """Let a loop take what arrives.

    Args:
        arrivals_s: in order, seconds.
        phase: where in its pause the first message meets a loop that polls, from 0 to 1.
    """
    times = arrivals_s.tolist()
    begins: list[float] = []
    ends: list[float] = []
    messages: list[int] = []
    slept: list[float] = []
    first, empty = 0, 0
    free_at = times[0] + phase * pace.pause_s
    last_end = free_at - pace.pause_s
    while first < len(times):
        begin = free_at if pace.pause_s or times[first] < free_at else times[first] + pace.wake_s
        taken = min(bisect_right(times, begin, first) - first, pace.most)
        if not taken:  # a poll that finds nothing
            empty, free_at = empty + 1, begin + pace.fixed_s + pace.pause_s
            continue
        slept.append(begin - last_end)
        free_at = last_end = begin + pace.turn_s(taken, begin - last_end)
        begins.append(begin)
        ends.append(last_end)
        messages.append(taken)
        first += taken
    return _turns(arrivals_s, begins, ends, messages, slept, empty)


def _turns(
    arrivals_s: Floats, begins: list[float], ends: list[float], messages: list[int], slept: list[float], empty: int
) -> Turns:
    counts, started = np.array(messages), np.array(begins)
    took = np.array(ends) - started
    return Turns(
        messages=counts,
        slept_s=np.maximum(0.0, np.array(slept)),
        began_s=started,
        lasted_s=took,
        waited_s=np.repeat(started, counts) - arrivals_s,
        took_s=np.repeat(took, counts),
        empty=empty,
        span_s=ends[-1] - float(arrivals_s[0]),
        busy_s=float(took.sum()),
    )
