"""How far another machine's monotonic clock is ahead of ours, with a bound that is certain.

An exchange asks the other side for its time. The answer was given between question and answer, so each exchange bounds
the skew from both sides, whatever the network did and however unequal its two ways are (Cristian, 1989, "Probabilistic
clock synchronization"). The true skew lies in all these intervals, hence in their intersection (Marzullo, 1984). Where
they have no point in common, one of the two clocks did not run evenly meanwhile.
"""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["EXCHANGES", "ONE_CLOCK", "Exchange", "Skew", "machine_id", "measure_skew", "skew_of"]

#: The fastest of so many is rarely disturbed by a scheduler or a collision, and they take less than a second at 20 ms.
EXCHANGES = 25

#: The number of the kernel's boot (Linux, Documentation/admin-guide/sysctl/kernel.rst), and the process's clocks
#: (time_namespaces(7)): where both are equal, two processes read one monotonic clock.
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TIME_NAMESPACE = Path("/proc/self/ns/time")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question for the time and its answer: ours at both ends, and theirs in between. Seconds."""

    asked_at: float
    theirs: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Skew:
    """Another clock beside ours.

    Attributes:
        offset_s: by which it is ahead (behind, if negative).
        uncertainty_s: the true offset is not further away than this.
        exchanges: how many it was measured by; 0 where both read one clock.
        moved_s: by how much, at the least, it went otherwise than ours while it was watched: it jumped, or it drifts.
    """

    offset_s: float = 0.0
    uncertainty_s: float = 0.0
    exchanges: int = 0
    moved_s: float = 0.0

    @property
    def low_s(self) -> float:
        return self.offset_s - self.uncertainty_s

    @property
    def high_s(self) -> float:
        return self.offset_s + self.uncertainty_s

    @property
    def is_one_clock(self) -> bool:
        """Whether there is nothing to correct, as both sides read the same clock."""
        return self.exchanges == 0

    def or_one_clock(self, same_machine: bool) -> Skew:
        """No skew at all for processes of one machine, unless it was measured that there is one."""
        return ONE_CLOCK if same_machine and self.low_s <= 0 <= self.high_s else self

    def until(self, later: Skew) -> Skew:
        """This skew, as it was used, for all the time until a later measurement: no surer than both allow."""
        low, high = max(self.low_s, later.low_s), min(self.high_s, later.high_s)
        moved = max(0.0, low - high)
        ends = (later.low_s, later.high_s) if moved else (low, high)
        error = max(abs(end - self.offset_s) for end in ends)
        uncertainty = max(error, self.uncertainty_s) if moved else error
        moved = max(moved, self.moved_s, later.moved_s)
        return replace(self, uncertainty_s=uncertainty, exchanges=self.exchanges + later.exchanges, moved_s=moved)

    def __str__(self) -> str:
        if self.is_one_clock:
            return "one clock"
        word = "ahead" if self.offset_s >= 0 else "behind"
        said = f"{1e3 * abs(self.offset_s):,.1f} ms {word} (± {1e3 * self.uncertainty_s:.1f} ms)"
        return f"{said}, moved by {1e3 * self.moved_s:,.1f} ms or more" if self.moved_s else said


#: Of two processes that read the same clock.
ONE_CLOCK = Skew()


def skew_of(exchanges: Sequence[Exchange]) -> Skew:
    """What some exchanges say together.

    Raises:
        ValueError: there were none.
    """
    if not exchanges:
        raise ValueError("without an exchange nothing is known of a clock")
    lows = [exchange.theirs - exchange.answered_at for exchange in exchanges]
    highs = [exchange.theirs - exchange.asked_at for exchange in exchanges]
    low, high = max(lows), min(highs)
    moved = max(0.0, low - high)
    if moved:  # no offset agrees with all of them, so that only the widest bounds are certain
        low, high = min(lows), max(highs)
    return Skew((low + high) / 2, (high - low) / 2, len(exchanges), moved)


async def measure_skew(
    ask: Callable[[], Awaitable[float]],
    *,
    exchanges: int = EXCHANGES,
    clock: Callable[[], float] = time.monotonic,
) -> Skew:
    """Ask for the other side's time so often, one question after the other."""
    found = []
    for _ in range(exchanges):
        asked_at = clock()
        theirs = await ask()
        found.append(Exchange(asked_at, theirs, clock()))
    return skew_of(found)


def machine_id() -> str:
    """Equal for two processes of this machine since it was started, and for no others."""
    try:
        return f"{_BOOT.read_text().strip()} {_TIME_NAMESPACE.readlink()}"
    except OSError:
        return f"{platform.node()} {uuid.getnode():x}"
