"""What the lab's processes hold, second by second, and whether it grew."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from helpers.lab import Lab
from tests.soak.leftovers import read_metrics

__all__ = ["Growth", "Sample", "Sampler", "growth"]

_WINDOW_S = 10.0
_Z975 = 1.959964


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
        windows: how many medians the slope is from.
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

    def __str__(self) -> str:
        verdict = "flat" if self.flat else "NOT FLAT"
        return (
            f"{self.what:<22}{self.start:>10,.0f}{self.end:>10,.0f} {self.unit:<7}{self.per_min:>+8.1f} "
            f"({self.low:+.1f} to {self.high:+.1f}) a minute, tolerance {self.tolerance:.0f}: {verdict}"
        )


def growth(
    what: str,
    samples: Sequence[Sample],
    value: Callable[[Sample], float],
    *,
    warm_up_s: float,
    tolerance: float,
    unit: str = "KiB",
) -> Growth:
    """The median slope between all pairs of windows (Theil, 1950), with the interval of Sen (1968).

    Each window of 10 s counts as its median: neighbouring seconds are alike, and one slow reader's buffer is no growth.

    Raises:
        ValueError: fewer than four windows remain after warming up.
    """
    times, levels = _windows(samples, value, warm_up_s)
    count = len(levels)
    if count < 4:
        raise ValueError("a slope needs four windows of 10 s after warming up")
    first, second = np.triu_indices(count, 1)
    slopes = np.sort((levels[second] - levels[first]) / (times[second] - times[first]) * 60)
    half = _Z975 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(0, math.floor((slopes.size - half) / 2))]
    high = slopes[min(slopes.size - 1, math.ceil((slopes.size + half) / 2))]
    middle = float(np.median(slopes))
    return Growth(what, unit, float(levels[0]), float(levels[-1]), middle, float(low), float(high), count, tolerance)


def _windows(
    samples: Sequence[Sample], value: Callable[[Sample], float], warm_up_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Middle and median of each window after warming up."""
    windows: dict[int, list[float]] = {}
    for sample in samples:
        if sample.at_s >= warm_up_s:
            windows.setdefault(int((sample.at_s - warm_up_s) / _WINDOW_S), []).append(value(sample))
    times = np.array([(number + 0.5) * _WINDOW_S for number in windows])
    return times, np.array([np.median(values) for values in windows.values()])
