"""Numbers that will be quoted must be right, and honest about what they do not know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.profiling.statistics import (
    BOOTSTRAP_PAIRS,
    paired_gain,
    quantile_interval,
    slope,
    student_t975,
    summarize,
    wilson,
)


def test_summary_of_known_sample() -> None:
    """A summary holds size, mean, percentiles and maximum of its sample."""
    summary = summarize(range(1, 102))
    assert (summary.n, summary.mean, summary.p50, summary.max) == (101, 51, 51, 101)
    assert summary.p95 == 96
    assert summary.p99 == 100


def test_empty_sample_is_refused() -> None:
    """Nothing measured gives an error and not a zero."""
    with pytest.raises(ValueError, match="empty"):
        summarize([])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.integers(1, 60))
def test_summary_stays_inside_its_sample(values: list[float], block: int) -> None:
    """The interval holds the order low <= high and, as all percentiles, lies inside the sample."""
    summary = summarize(values, block=block)
    low, high = summary.ci95
    assert min(values) <= low <= high <= summary.max == max(values)
    assert min(values) <= summary.p50 <= summary.p95 <= summary.p99 <= summary.max


def test_same_sample_gives_same_summary() -> None:
    """The resampling is seeded: a report made again says the same."""
    values = np.random.default_rng(1).exponential(size=200)
    assert summarize(values) == summarize(values)


def _coverage(block: int, dependence: int) -> float:
    """How often the interval of the median holds the true median, for values that come in equal runs."""
    random = np.random.default_rng(7)
    hits = 0
    for trial in range(120):
        values = np.repeat(random.exponential(size=40), dependence)
        low, high = summarize(values, block=block, seed=trial).ci95
        hits += low <= math.log(2) <= high
    return hits / 120


def test_interval_covers_true_median() -> None:
    """For independent values the 95 % interval holds the true median about 95 times in 100."""
    assert _coverage(block=1, dependence=1) > 0.88


def test_blocks_keep_interval_honest() -> None:
    """Rows that waited together are no independent sample: without blocks the interval is too narrow by far."""
    assert _coverage(block=1, dependence=10) < 0.7
    assert _coverage(block=20, dependence=10) > 0.85


@pytest.mark.parametrize(("size", "block"), [(80, 1), (200, 1), (1_000, 1), (1_000, 10)])
def test_interval_of_a_high_quantile_covers_it(size: int, block: int) -> None:
    """Of samples that are large enough for one, and of neighbours that came together."""
    random = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        values = np.repeat(random.exponential(size=size // block), block)
        low, high = quantile_interval(values, 0.95, block=block)
        assert high is not None
        hits += low <= -math.log(0.05) <= high
    assert 0.91 < hits / 400 <= 1


@pytest.mark.parametrize(("size", "block"), [(20, 1), (72, 1), (150, 19)])
def test_small_sample_has_no_upper_end_of_a_high_quantile(size: int, block: int) -> None:
    """All 72 values of a sample lie below the 95th percentile in one of 40 samples: its maximum is no bound."""
    low, high = quantile_interval(range(size), 0.95, block=block)
    assert (high, 0 <= low < 0.95 * size) == (None, True)
    assert quantile_interval(range(73), 0.95)[1] is not None


def test_gain_of_constant_ratio() -> None:
    """A quarter of the bytes in every pair is a gain of 75 %, with an interval that says so."""
    gain = paired_gain("bytes", "B", [100, 200, 400], [25, 50, 100])
    assert gain is not None
    assert gain.change_percent == pytest.approx(-75)
    assert gain.shown
    assert str(gain) == "bytes: better by 75 % (75–75), n = 3 pairs"


def test_more_is_better_of_some_metrics() -> None:
    """What a change is worth depends on the metric: half of the throughput is worse, twice of it is better."""
    halved, doubled = ([100.0, 101.0], [50.0, 50.5]), ([50.0, 50.5], [100.0, 101.0])
    for (before, after), higher, says in (
        (halved, True, "worse by 50 % (50–50)"),
        (halved, False, "better by 50 % (50–50)"),
        (doubled, True, "better by 100 % (100–100)"),
        (doubled, False, "worse by 100 % (100–100)"),
    ):
        gain = paired_gain("x", "1/s", before, after, higher_is_better=higher)
        assert gain is not None
        assert gain.verdict == f"{says}, n = 2 pairs"


def test_pairs_without_samples_are_left_out_and_told() -> None:
    """A run that measured nothing is no zero."""
    gain = paired_gain("x", "ms", [10.0, 12.0, None, 11.0], [5.0, 6.0, 5.0, None])
    assert gain is not None
    assert (gain.n, gain.left_out, gain.before) == (2, 2, 11.0)
    assert gain.verdict.endswith("n = 2 pairs; 2 left out, without samples")
    assert paired_gain("x", "ms", [10.0, None], [5.0, 6.0]) is None


def test_noise_is_no_gain() -> None:
    """Two arms that differ by chance only show no difference, and say it in these words."""
    gain = paired_gain("latency", "ms", [250, 262, 241, 255], [252, 249, 258, 250])
    assert gain is not None
    assert not gain.shown
    assert "no difference shown" in str(gain)


@pytest.mark.parametrize("pairs", [5, BOOTSTRAP_PAIRS])
def test_gain_without_effect_is_rarely_shown(pairs: int) -> None:
    """With no effect at all, about one comparison in twenty claims one, by either kind of interval."""
    random = np.random.default_rng(3)
    shown = 0
    for _ in range(400):
        before, after = random.lognormal(5, 0.2, size=(2, pairs))
        gain = paired_gain("x", "ms", list(before), list(after))
        shown += bool(gain and gain.shown)
    assert 0.02 < shown / 400 < 0.09


@pytest.mark.parametrize(("before", "after"), [([1.0], [2.0]), ([0.0, 1.0], [1.0, 1.0])])
def test_ratio_that_means_nothing(before: list[float], after: list[float]) -> None:
    """One pair, or a zero, gives no gain rather than a wrong one."""
    assert paired_gain("x", "ms", before, after) is None


def test_unequal_arms_are_no_pairs() -> None:
    """Arms of different length cannot be compared pair by pair."""
    with pytest.raises(ValueError, match="no pairs"):
        paired_gain("x", "ms", [1, 2], [1])


def test_slope_of_line() -> None:
    """A straight line has its slope, and an interval of no width."""
    rise, low, high = slope([0, 10, 20, 30], [100, 150, 200, 250])
    assert rise == pytest.approx(5)
    assert low == pytest.approx(5)
    assert high == pytest.approx(5)


def test_slope_of_noise_holds_zero() -> None:
    """Points without a trend have a slope whose interval holds zero."""
    _, low, high = slope([0, 1, 2, 3, 4], [5.0, 5.2, 4.9, 5.1, 5.0])
    assert low < 0 < high


def test_slope_needs_points() -> None:
    """Two points make no interval."""
    with pytest.raises(ValueError, match="three points"):
        slope([0, 1], [0, 1])


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.706), (4, 2.776), (30, 2.042), (31, 2.0395), (120, 1.9799)])
def test_student(freedom: int, quantile: float) -> None:
    """The quantiles are those of the tables, also where they are computed."""
    assert student_t975(freedom) == pytest.approx(quantile, abs=0.001)


def test_shares_of_nothing_and_of_all_end_there() -> None:
    """0 of 75 is an interval from exactly 0, and 75 of 75 one up to exactly 1."""
    assert wilson(0, 75)[0] == 0
    assert wilson(75, 75)[1] == 1
    assert wilson(0, 75)[1] == pytest.approx(1 - wilson(75, 75)[0])


def test_the_mean_has_an_interval_of_its_own() -> None:
    """Of a skewed sample it lies beside that of the median, and covers the true mean about as often as it says."""
    random = np.random.default_rng(5)
    found = [summarize(random.exponential(1.0, size=60)).mean_ci95 for _ in range(200)]
    covered = sum(ends is not None and ends[0] <= 1 <= ends[1] for ends in found)
    assert 0.88 < covered / 200 < 0.99
    skewed = summarize([1.0] * 40 + [100.0] * 8)
    assert skewed.mean_ci95 is not None
    assert skewed.ci95[1] < skewed.mean_ci95[0] < skewed.mean < skewed.mean_ci95[1]
