"""What the lab's processes hold, second by second, and whether it grew."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol, TypeVar

import numpy as np
import psutil

from helpers.lab import Lab
from tests.soak.leftovers import read_metrics

__all__ = ["Growth", "Sample", "Sampler", "Windows", "growth"]

_Z975 = 1.959964


class Timed(Protocol):
    """What was seen at a moment."""

    @property
    def at_s(self) -> float:
        """In seconds of a clock that all looks have in common."""


S = TypeVar("S", bound=Timed)


@dataclass(frozen=True, slots=True)
class Sample:
    """One look.

    Attributes:
        at_s: since the sampler began.
        lab_kib: resident memory of the lab process.
        blocks: of memory, of any size, that Python has given out in the lab process. Resident memory moves in steps of
            a mebibyte; these tell of every object.
        postgres_kib: what PostgreSQL's processes have each for itself, summed; its shared buffers, which fill up to
            their size in any case, are left out.
        node_kib: resident memory of Node.
        files: open descriptors of the lab process.
    """

    at_s: float
    lab_kib: float
    blocks: float
    postgres_kib: float
    node_kib: float
    files: int


class Sampler:
    """Looks once a second, and reads the lab's metrics, as monitoring would."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._process = psutil.Process(lab.pid)
        self._began = time.monotonic()
        self.samples: list[Sample] = []

    async def run(self, deadline: float) -> None:
        """Look until then."""
        while time.monotonic() < deadline:
            self.samples.append(await self.look())
            await asyncio.sleep(min(1.0, max(0.0, deadline - time.monotonic())))

    async def look(self) -> Sample:
        """One sample, now."""
        postgres_kib, node_kib = await asyncio.to_thread(self._services)
        metrics = await read_metrics(self._lab)
        return Sample(
            at_s=time.monotonic() - self._began,
            lab_kib=self._process.memory_info().rss / 1024,
            blocks=metrics["lab_memory_blocks"],
            postgres_kib=postgres_kib,
            node_kib=node_kib,
            files=self._process.num_fds(),
        )

    def _services(self) -> tuple[float, float]:
        """KiB of PostgreSQL and of Node. Blocking: private memory takes a millisecond for each process."""
        postgres = node = 0.0
        for child in self._process.children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
                program = Path(child.exe()).name
                if program == "postgres":
                    postgres += child.memory_full_info().uss
                elif program == "node":
                    node += child.memory_info().rss
        return postgres / 1024, node / 1024


@dataclass(frozen=True, slots=True)
class Growth:
    """A slope of one kind of memory over the run, in `unit` a minute, with its 95 % interval.

    Attributes:
        start: median of the first window after warming up; `end`, of the last.
        windows: how many the slope is from.
        tolerance: the most that the upper end may be for "flat".
    """

    what: str
    unit: str
    start: float
    end: float
    per_min: float
    low: float
    high: float
    windows: int
    tolerance: float

    @property
    def flat(self) -> bool:
        """Whether the memory surely grew by no more than the tolerance."""
        return self.high <= self.tolerance

    @property
    def grew(self) -> bool:
        """Whether it surely grew, and perhaps by more than the tolerance; neither flat nor grown is undecided."""
        return self.low > 0 and not self.flat

    def __str__(self) -> str:
        verdict = "flat" if self.flat else "GREW" if self.grew else "undecided"
        return (
            f"{self.what:<22}{self.start:>10,.0f}{self.end:>10,.0f} {self.unit:<7}{self.per_min:>+8.1f} "
            f"({self.low:+.1f} to {self.high:+.1f}) a minute, tolerance {self.tolerance:.0f}: {verdict}"
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """How samples are gathered before a line is drawn through them: neighbouring seconds are alike.

    Attributes:
        seconds: length of each.
        level: what a window counts as. The median passes over what is held for a moment, such as a slow reader's
            buffer; the lowest is what is left after a collection of garbage, if each window holds one.
    """

    seconds: float = 10.0
    level: Callable[[Sequence[float]], float] = median


def growth(
    what: str,
    samples: Sequence[S],
    value: Callable[[S], float],
    *,
    warm_up_s: float,
    tolerance: float,
    unit: str = "KiB",
    windows: Windows = Windows(),
) -> Growth:
    """The median slope between all pairs of windows (Theil, 1950), with the interval of Sen (1968).

    Raises:
        ValueError: fewer than four windows remain after warming up.
    """
    late = [sample for sample in samples if sample.at_s >= warm_up_s]
    times, levels = _gathered(late, value, windows)
    count = len(levels)
    if count < 4:
        raise ValueError(f"a slope needs four windows of {windows.seconds:g} s after warming up")
    first, second = np.triu_indices(count, 1)
    slopes = np.sort((levels[second] - levels[first]) / (times[second] - times[first]) * 60)
    half = _Z975 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(0, math.floor((slopes.size - half) / 2))]
    high = slopes[min(slopes.size - 1, math.ceil((slopes.size + half) / 2))]
    middle = float(np.median(slopes))
    return Growth(what, unit, float(levels[0]), float(levels[-1]), middle, float(low), float(high), count, tolerance)


def _gathered(samples: Sequence[S], value: Callable[[S], float], windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Middle and level of each window; what is left at the end and fills less than half of one is left out."""
    gathered: dict[int, list[float]] = {}
    for sample in samples:
        gathered.setdefault(int((sample.at_s - samples[0].at_s) / windows.seconds), []).append(value(sample))
    if gathered and samples[-1].at_s - samples[0].at_s - max(gathered) * windows.seconds < windows.seconds / 2:
        del gathered[max(gathered)]
    times = np.array([(number + 0.5) * windows.seconds for number in gathered])
    return times, np.array([windows.level(values) for values in gathered.values()])
