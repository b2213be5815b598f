"""Notices when a machine slept, when its clock was set, and when a process stood still.

While a machine sleeps its monotonic clock stands still (on Linux and macOS) and its wall clock goes on, so the two
part. Whoever wakes up has a socket that looks alive and may be long dead, and a token that may have expired meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ClockWatch", "Jump", "JumpKind"]


class JumpKind(StrEnum):
    """What the clocks say."""

    FORWARD = "forward"  # the machine slept, or its clock was set forward
    BACK = "back"  # its clock was set back
    STALLED = "stalled"  # this process did not run, and the machine did


@dataclass(frozen=True, slots=True)
class Jump:
    """By how many seconds."""

    kind: JumpKind
    seconds: float

    def __str__(self) -> str:
        return {
            JumpKind.FORWARD: f"the machine slept for {self.seconds:.0f} s, or its clock was set forward",
            JumpKind.BACK: f"the machine's clock was set back by {self.seconds:.0f} s",
            JumpKind.STALLED: f"this process stood still for {self.seconds:.0f} s",
        }[self.kind]


class ClockWatch:
    """Looks at both clocks, as often as it is asked.

    Args:
        tolerance_s: what clocks may part, or a look may be late, without a word: they are slewed, machines are busy.
    """

    def __init__(
        self,
        tolerance_s: float = 3.0,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._tolerance_s, self._monotonic, self._wall = tolerance_s, monotonic, wall
        self._last = monotonic(), wall()

    def look(self, expected_s: float) -> Jump | None:
        """What happened since the last look, which should have been `expected_s` ago."""
        now = self._monotonic(), self._wall()
        ran, passed = now[0] - self._last[0], now[1] - self._last[1]
        self._last = now
        if passed - ran > self._tolerance_s:
            return Jump(JumpKind.FORWARD, passed - ran)
        if ran - passed > self._tolerance_s:
            return Jump(JumpKind.BACK, ran - passed)
        if ran - expected_s > self._tolerance_s:
            return Jump(JumpKind.STALLED, ran - expected_s)
        return None
