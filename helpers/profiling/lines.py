"""A straight line through measurements: what one more costs, and whether a line is what they lie on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.profiling.statistics import slope, student_t975

__all__ = ["Line", "fit_line"]

#: A bend below this share of the rise changes no decision, however sure it is.
NOTABLE_BEND = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """y over x by least squares.

    Attributes:
        per_one: what one more costs. low, high: its 95 % interval (Student's t).
        start: where the line meets x = 0: what it costs to have none.
        n: number of points. largest: the largest x.
        bend: how far the points' own curve passes from the straight line between its ends, as a share of the line's
            rise; above 0 where one more costs more and more. None where that cannot be told from nothing, or
            nothing rises.
    """

    per_one: float
    low: float
    high: float
    start: float
    n: int
    largest: float
    bend: float | None = None

    @property
    def grows(self) -> bool:
        """Whether it rises at all, as far as the points can tell."""
        return self.low > 0

    @property
    def fits(self) -> bool:
        """Whether a straight line says it all."""
        return self.bend is None or abs(self.bend) < NOTABLE_BEND

    def __str__(self) -> str:
        return f"{_number(self.per_one)} ({_number(self.low)} to {_number(self.high)})"


def fit_line(x: Sequence[float], y: Sequence[float]) -> Line:
    """Fit the line, and a parabola beside it to see whether it bends.

    Raises:
        ValueError: fewer than three points, or all at one x.
    """
    per_one, low, high = slope(x, y)
    start = float(np.mean(y)) - per_one * float(np.mean(x))
    bend = _bend(x, y, per_one) if low > 0 else None
    return Line(per_one, low, high, start, n=len(x), largest=float(max(x)), bend=bend)


def _bend(x: Sequence[float], y: Sequence[float], per_one: float) -> float | None:
    """None if the square term's interval has zero in it, or there are too few points for one."""
    middle, half = (max(x) + min(x)) / 2, (max(x) - min(x)) / 2
    at = (np.asarray(x, dtype=np.float64) - middle) / half  # from -1 to 1, so that the sums are well conditioned
    freedom = at.size - 3
    if freedom < 1:
        return None
    terms = np.stack((np.ones_like(at), at, at**2), axis=1)
    found, *_ = np.linalg.lstsq(terms, np.asarray(y, dtype=np.float64), rcond=None)
    rest = np.asarray(y, dtype=np.float64) - terms @ found
    variance = float(rest @ rest) / freedom * float(np.linalg.inv(terms.T @ terms)[2, 2])
    square = float(found[2])
    if abs(square) <= student_t975(freedom) * math.sqrt(variance):
        return None
    return square / (2 * half * per_one)


def _number(value: float) -> str:
    """Three significant digits, without an exponent; none behind the point of what rounds to a whole number."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
