"""Histograms of durations: as precise as they say, and equal to those of the pooled sample when merged."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.profiling.histogram import RELATIVE_ERROR, Counts, Histogram

#: Nanoseconds are cut off below one, so values of some of them are only right to one.
NANOSECOND = 1e-9


def filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    histogram.record_many(np.array(values, dtype=np.float64))
    return histogram


@given(st.lists(st.floats(0, 200_000), min_size=1, max_size=80), st.floats(0, 100))
def test_percentiles_are_as_precise_as_they_say(values: list[float], percent: float) -> None:
    """Every percentile is within the stated error of the value of that rank, and the ends are exact."""
    histogram = filled(values)
    rank = min(max(math.ceil(len(values) * percent / 100), 1), len(values))
    exact = sorted(values)[rank - 1]
    assert histogram.percentile_s(percent) == pytest.approx(exact, rel=RELATIVE_ERROR, abs=NANOSECOND)
    assert (histogram.count, histogram.min_s, histogram.max_s) == (len(values), min(values), max(values))
    assert histogram.percentile_s(100) == max(values)
    assert histogram.mean_s == pytest.approx(np.mean(values))


@given(st.lists(st.lists(st.floats(0, 1e5), max_size=30), max_size=5))
def test_merging_is_pooling(parts: list[list[float]]) -> None:
    """Merged histograms, over JSON or not, hold exactly the counts of one that entered everything."""
    pooled = filled([value for part in parts for value in part]).counts()
    travelled = [msgspec.json.decode(msgspec.json.encode(filled(part).counts()), type=Counts) for part in parts]
    added = Histogram()
    for part in parts:
        added.add(filled(part))
    for merged in (Histogram.merged(travelled).counts(), added.counts()):
        assert (merged.buckets, merged.min_s, merged.max_s) == (pooled.buckets, pooled.min_s, pooled.max_s)
        assert merged.total_s == pytest.approx(pooled.total_s)


def test_an_empty_histogram_has_no_numbers() -> None:
    """Nothing measured is NaN everywhere, and not zero."""
    histogram = Histogram()
    assert histogram.count == 0
    numbers = [
        histogram.mean_s,
        histogram.min_s,
        histogram.max_s,
        histogram.percentile_s(50),
        *histogram.interval_s(50),
    ]
    assert all(math.isnan(number) for number in numbers)


def test_extremes() -> None:
    """Less than nothing counts as nothing, more than three days as itself at the top, and NaN is refused."""
    histogram = filled([-1.0, 1e9])
    assert (histogram.min_s, histogram.max_s, histogram.count) == (0.0, 1e9, 2)
    with pytest.raises(ValueError, match="no duration"):
        histogram.record(math.nan)


@pytest.mark.parametrize("buckets", [((10**6, 1),), ((-1, 1),), ((5, -1),)])
def test_foreign_counts_are_refused(buckets: tuple[tuple[int, int], ...]) -> None:
    """Counts of another kind of histogram are not merged into nonsense."""
    with pytest.raises(ValueError, match="no counts"):
        Histogram.merged([Counts(buckets, 1.0, 1.0, 1.0)])


def test_intervals_hold_what_they_should() -> None:
    """The interval of a percentile holds the true one about 95 times in 100, and admits when it has no upper end."""
    random = np.random.default_rng(5)
    for percent in (50, 99):
        truth, hits = -math.log(1 - percent / 100), 0
        for _ in range(200):
            low, high = filled(list(random.exponential(size=1_000))).interval_s(percent)
            hits += low * (1 - RELATIVE_ERROR) <= truth <= high * (1 + RELATIVE_ERROR)
        assert hits / 200 > 0.9
    assert filled([1.0, 2.0]).interval_s(99)[1] == math.inf
