"""Numbers that may be quoted: summaries with an interval, and paired comparisons that can say "no difference shown".

No I/O, no clock: everything here is a function of its arguments, and equal arguments give equal answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "Gain",
    "Summary",
    "paired_gain",
    "quantile_interval",
    "slope",
    "student_t975",
    "summarize",
    "unpaired_gain",
    "wilson",
]

Floats = npt.NDArray[np.float64]

#: Resamples of a bootstrap: enough that the ends of a 95 % interval settle (Efron and Tibshirani, 1993, ch. 14).
RESAMPLES = 1_000

#: Bounds the memory of the resampling: 8 MB of values at a time.
CELLS_AT_ONCE = 1_000_000

#: From so many pairs on a bootstrap of their mean covers what it should (see its test).
BOOTSTRAP_PAIRS = 20

#: The 97.5 % point of the normal distribution.
Z975 = 1.959964

#: 97.5 % points of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, table 1.3.6.7.2).
_T975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """A sample in a line; all values in the unit of the sample.

    Attributes:
        n: size of the sample.
        ci95: 95 % interval of the median (bootstrap).
        p95_ci95: 95 % interval of `p95`; its upper end is None where the sample is too small to have one, and all of it
            in results of before there was one.
        mean_ci95: 95 % interval of the mean (bootstrap); None in results of before there was one.
    """

    n: int
    mean: float
    p50: float
    p95: float
    p99: float
    max: float
    ci95: tuple[float, float]
    p95_ci95: tuple[float, float | None] | None = None
    mean_ci95: tuple[float, float] | None = None

    def __str__(self) -> str:
        low, high = self.ci95
        return (
            f"p50 {self.p50:.3g} ({low:.3g} to {high:.3g}), p95 {self.p95:.3g}, p99 {self.p99:.3g}, "
            f"max {self.max:.3g}, n = {self.n:,}"
        )


@dataclass(frozen=True, slots=True)
class Gain:
    """What changed between two arms of an experiment that ran side by side, or between two samples that did not.

    Attributes:
        before, after: means over the pairs (or samples), in `unit`.
        change_percent: typical change of a pair (geometric mean of the ratios, minus 1).
        low_percent, high_percent: its 95 % interval.
        n: number of pairs; of runs before, where there are no pairs.
        higher_is_better: what the metric means; of most of them less is better.
        left_out: pairs (or runs) that could not be compared, as they had no samples.
        n_after: number of runs after, where they make no pairs with those before; else 0.
    """

    metric: str
    unit: str
    before: float
    after: float
    change_percent: float
    low_percent: float
    high_percent: float
    n: int
    higher_is_better: bool = False
    left_out: int = 0
    n_after: int = 0

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out "no change"."""
        return self.low_percent > 0 or self.high_percent < 0

    @property
    def verdict(self) -> str:
        """ "better by 38 % (31–45), n = 20 pairs", or "no difference shown" with its interval."""
        sample = f"n = {self.n} and {self.n_after} runs" if self.n_after else f"n = {self.n} pairs"
        if self.left_out:
            sample += f"; {self.left_out} left out, without samples"
        if not self.shown:
            return f"no difference shown ({self.low_percent:+.1f} to {self.high_percent:+.1f} %), {sample}"
        word = "better" if (self.change_percent > 0) is self.higher_is_better else "worse"
        ends = sorted((abs(self.low_percent), abs(self.high_percent)))
        change, low, high = (_percent(value) for value in (abs(self.change_percent), *ends))
        return f"{word} by {change} % ({low}–{high}), {sample}"

    def __str__(self) -> str:
        return f"{self.metric}: {self.verdict}"


def _percent(value: float) -> str:
    """One decimal below 10, none above."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def summarize(values: Sequence[float] | Floats, *, block: int = 1, seed: int = 0) -> Summary:
    """Describe a sample.

    Args:
        values: at least one value, in the order in which they arose.
        block: how many neighbours depend on each other; the interval resamples runs of that length. Changes that
            one poll of the server delivers waited together, so their latencies are no independent sample.
        seed: of the resampling.

    Raises:
        ValueError: the sample is empty.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0:
        raise ValueError("an empty sample has no summary")
    p50, p95, p99 = (float(value) for value in np.percentile(sample, (50, 95, 99)))
    ci95, mean_ci95 = _bootstrapped(sample, block, seed)
    p95_ci95 = quantile_interval(sample, 0.95, block=block)
    return Summary(sample.size, float(sample.mean()), p50, p95, p99, float(sample.max()), ci95, p95_ci95, mean_ci95)


def quantile_interval(values: Sequence[float] | Floats, share: float, *, block: int = 1) -> tuple[float, float | None]:
    """95 % interval of a quantile, by ranks alone (Conover, 1999, ch. 3.2): no shape is assumed.

    A bootstrap never leaves the sample, and so claims too much of a high quantile of few values; this says with None
    that they have no upper end.

    Args:
        values: at least one.
        share: which quantile, between 0 and 1.
        block: how many neighbours depend on each other; they count as one.
    """
    sample = np.asarray(values, dtype=np.float64)
    half = Z975 * math.sqrt(share * (1 - share) / max(1.0, sample.size / max(1, block)))
    low = float(np.quantile(sample, max(0.0, share - half)))
    return low, float(np.quantile(sample, share + half)) if share + half <= 1 else None


def _bootstrapped(sample: Floats, block: int, seed: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Percentile intervals of median and mean by the circular block bootstrap (Politis and Romano, 1992)."""
    random = np.random.default_rng(seed)
    length = max(1, min(block, sample.size))
    blocks = math.ceil(sample.size / length)
    at_once = max(1, CELLS_AT_ONCE // sample.size)
    medians, means = [], []
    for count in _portions(RESAMPLES, at_once):
        resamples = _resampled(sample, random.integers(sample.size, size=(count, blocks)), length)
        medians.append(np.median(resamples, axis=1))
        means.append(resamples.mean(axis=1))
    return _middle(np.concatenate(medians)), _middle(np.concatenate(means))


def _middle(values: Floats) -> tuple[float, float]:
    """The middle 95 % of them."""
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def _resampled(sample: Floats, starts: npt.NDArray[np.int64], length: int) -> Floats:
    """One row per resample: runs of `length` neighbours from the places `starts`, wrapped around the end."""
    places = (starts[:, :, None] + np.arange(length)).reshape(len(starts), -1)[:, : sample.size]
    resampled: Floats = sample[places % sample.size]
    return resampled


def _portions(total: int, most: int) -> list[int]:
    """`total` in portions of `most`, the rest last."""
    return [min(most, total - begun) for begun in range(0, total, most)]


def paired_gain(
    metric: str,
    unit: str,
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    higher_is_better: bool = False,
) -> Gain | None:
    """Compare two arms pair by pair; None where a ratio means nothing (fewer than two pairs, or a value of 0).

    A pair that holds a None, from a run without samples, is left out, and the answer says so.

    The interval is that of the mean of the logarithms of the ratios: by bootstrap from `BOOTSTRAP_PAIRS` on, below
    that Student's t: with a handful of pairs it is wider, and more honest, than a bootstrap over them.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} values before and {len(after)} after are no pairs")
    whole = [(one, other) for one, other in zip(before, after, strict=True) if one is not None and other is not None]
    if len(whole) < 2 or min(map(min, whole)) <= 0:
        return None
    pairs = np.array(whole, dtype=np.float64)
    ratios = np.log(pairs[:, 1] / pairs[:, 0])
    ends = _bootstrapped_mean(ratios) if len(ratios) >= BOOTSTRAP_PAIRS else _student_mean(ratios)
    change, low, high = (100 * math.expm1(value) for value in (float(ratios.mean()), *ends))
    first, second = pairs.mean(axis=0).tolist()
    left_out = len(before) - len(whole)
    return Gain(metric, unit, first, second, change, low, high, len(whole), higher_is_better, left_out)


def unpaired_gain(
    metric: str,
    unit: str,
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    higher_is_better: bool = False,
) -> Gain | None:
    """Compare runs that did not happen side by side; None where a ratio means nothing (fewer than two runs, or a 0).

    The interval is Welch's (1947), of the difference of the means of logarithms: the two need not scatter alike. It is
    wider than that of pairs, as what both met alike does not cancel out.
    """
    first, second = ([value for value in values if value is not None] for values in (before, after))
    if min(len(first), len(second)) < 2 or min(*first, *second) <= 0:
        return None
    ends = _welch(np.log(first), np.log(second))
    change = float(np.log(second).mean() - np.log(first).mean())
    change, low, high = (100 * math.expm1(value) for value in (change, *ends))
    return Gain(
        metric,
        unit,
        float(np.mean(first)),
        float(np.mean(second)),
        change,
        low,
        high,
        n=len(first),
        higher_is_better=higher_is_better,
        left_out=len(before) + len(after) - len(first) - len(second),
        n_after=len(second),
    )


def _welch(first: Floats, second: Floats) -> tuple[float, float]:
    """Interval of the difference of two means; degrees of freedom rounded down, to the safe side."""
    shares = [float(sample.var(ddof=1)) / sample.size for sample in (first, second)]
    difference, variance = float(second.mean() - first.mean()), sum(shares)
    if variance == 0:
        return difference, difference
    sizes = (first.size, second.size)
    freedom = variance**2 / sum(share**2 / (size - 1) for share, size in zip(shares, sizes, strict=True))
    half = student_t975(max(1, math.floor(freedom))) * math.sqrt(variance)
    return difference - half, difference + half


def _bootstrapped_mean(sample: Floats, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of the mean."""
    drawn = np.random.default_rng(seed).integers(sample.size, size=(RESAMPLES, sample.size))
    return _middle(sample[drawn].mean(axis=1))


def _student_mean(sample: Floats) -> tuple[float, float]:
    """Interval of the mean of a small sample."""
    half = student_t975(sample.size - 1) * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    return float(sample.mean()) - half, float(sample.mean()) + half


def slope(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Least-squares slope of y over x, and its 95 % interval.

    Raises:
        ValueError: fewer than three points, or all at one x.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    spread = float(((xs - xs.mean()) ** 2).sum())
    if xs.size < 3 or spread == 0:
        raise ValueError("a slope needs three points at different places")
    rise = float(((xs - xs.mean()) * (ys - ys.mean())).sum()) / spread
    residual = ys - ys.mean() - rise * (xs - xs.mean())
    error = math.sqrt(float((residual**2).sum()) / (xs.size - 2) / spread)
    half = student_t975(xs.size - 2) * error
    return rise, rise - half, rise + half


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927), honest also at 0 and 1 and for small samples.

    Raises:
        ValueError: there were no trials.
    """
    if trials < 1:
        raise ValueError("no trials, no share")
    share, square = successes / trials, Z975**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z975 / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    # At the ends the sum is 0 and 1, but for rounding.
    return (0.0 if successes == 0 else middle - half), (1.0 if successes == trials else middle + half)


def student_t975(freedom: int) -> float:
    """The 97.5 % point of Student's t; from 31 degrees of freedom on by Cornish and Fisher, right to 0.001."""
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z = Z975
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
