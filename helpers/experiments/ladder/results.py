"""What watching the ladder leaves behind: each change with its wait and its processing, and every look."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers.experiments.experiment import Experiment
from helpers.profiling.histogram import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ladder", "Point", "Watched", "decomposed"]


@dataclass(frozen=True, slots=True)
class Point:
    """One change that arrived.

    Attributes:
        number: of the change; those of one number were due at the same moment in all settings.
        committed_s: when it was committed, in seconds after the traffic began.
        since_look_ms: from the look before it to its commit; NaN where the server does not look.
        wait_ms: from its commit to the next look; 0 where the server does not look, as it is told at once.
        latency_ms: from its commit until it arrived.
    """

    number: int
    committed_s: float
    since_look_ms: float
    wait_ms: float
    latency_ms: float

    @property
    def processing_ms(self) -> float:
        """Everything but the wait: reading the log, filters and policies, encoding, the way."""
        return self.latency_ms - self.wait_ms


@dataclass(frozen=True, slots=True)
class Watched:
    """One traffic in one setting.

    Attributes:
        setting, traffic: as the arm is called.
        seconds: how long the traffic lasted.
        points: in the order of commit. looks_s: when the server looked, in seconds after the traffic began.
        unseen: changes after which no look was seen before they came; they are not among the points.
        lost: changes that did not arrive.
        database_cpu: ms a second that its database used, part by part; empty where it was not metered, or is not known.
    """

    setting: str
    traffic: str
    seconds: float
    points: tuple[Point, ...]
    looks_s: tuple[float, ...]
    unseen: int = 0
    lost: int = 0
    database_cpu: tuple[float, ...] = ()

    def values(self, part: int, parts: int) -> dict[str, float | None]:
        """The figures that arms are compared in, of one of equally long parts."""
        length = self.seconds / parts
        begin, end = part * length, (part + 1) * length
        points = [point for point in self.points if begin <= point.committed_s < end]
        waits, rest, whole = (
            [getattr(point, name) for point in points] for name in ("wait_ms", "processing_ms", "latency_ms")
        )
        return {
            "poll wait p50": _percentile(waits, 50),
            "processing p50": _percentile(rest, 50),
            "latency p50": _percentile(whole, 50),
            "latency p95": _percentile(whole, 95),
            "looks": sum(begin <= look < end for look in self.looks_s) / length,
            "database CPU": self.database_cpu[part] if self.database_cpu else None,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Ladder:
    """The experiment, and what its pictures show."""

    experiment: Experiment
    watched: tuple[Watched, ...]

    def to_frame(self) -> pd.DataFrame:
        """Tidy: a row for each change."""
        import pandas as pd

        columns = [
            "setting",
            "traffic",
            "number",
            "committed_s",
            "since_look_ms",
            "wait_ms",
            "processing_ms",
            "latency_ms",
        ]
        return pd.DataFrame(self._rows(), columns=columns)

    def of(self, setting: str, traffic: str) -> Watched | None:
        """What was watched of one arm; None if it failed."""
        return next((one for one in self.watched if (one.setting, one.traffic) == (setting, traffic)), None)

    def __str__(self) -> str:
        return str(self.experiment)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.experiment._repr_html_()

    def _rows(self) -> Iterator[tuple[str, str, int, float, float, float, float, float]]:
        for one in self.watched:
            for point in one.points:
                times = (point.committed_s, point.since_look_ms, point.wait_ms, point.processing_ms, point.latency_ms)
                yield (one.setting, one.traffic, point.number, *times)


def decomposed(
    number: Ints, committed: Floats, received: Floats, looks: Floats, began: float, *, polls: bool
) -> tuple[Point, ...]:
    """Split the latency of each change at the next look; where none was seen before it came, it is left out.

    A look that is full (100 rows) may leave a change to a later one: that belongs to processing, nobody waits then.

    Args:
        number, committed, received: of each change, and `looks`: when looks began, ascending; one clock, in seconds.
        began: when the traffic did.
        polls: whether the server looks; else changes are told as they are committed, and there is no wait.
    """
    latency_ms, at = 1e3 * (received - committed), committed - began
    if not polls:
        since_ms, wait_ms, known = np.full_like(at, math.nan), np.zeros_like(at), np.ones(at.size, dtype=np.bool_)
    elif looks.size == 0:
        return ()
    else:
        after = np.searchsorted(looks, committed, side="left")
        next_look = looks[np.minimum(after, looks.size - 1)]
        known = (after > 0) & (after < looks.size) & (next_look <= received)
        since_ms, wait_ms = 1e3 * (committed - looks[np.maximum(after - 1, 0)]), 1e3 * (next_look - committed)
    columns = (number, at, since_ms, wait_ms, latency_ms)
    return tuple(Point(*row) for row in zip(*(column[known].tolist() for column in columns), strict=True))


def _percentile(values: list[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None
