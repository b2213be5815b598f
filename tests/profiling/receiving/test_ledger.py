"""The books and the histogram, without any server."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import SettingsError
from helpers.profiling.receiving import Histogram, Ledger
from helpers.profiling.recorder import Recorder
from helpers.profiling.workload import Workload

STREAMS, MESSAGES = 3, 12
arrivals = st.lists(st.tuples(st.integers(0, STREAMS - 1), st.integers(-2, MESSAGES + 1)), max_size=60)


def enter(ledger: Ledger, found: list[tuple[int, int]], late_s: float = 0.001) -> None:
    stream, seq = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    due = seq.astype(np.float64)
    ledger.record_many(stream, seq, due, due + late_s)


@given(arrivals, st.integers(1, 60))
def test_blocks_say_what_one_recorder_for_each_stream_says(found: list[tuple[int, int]], block: int) -> None:
    """In whatever blocks messages come: the same losses, repetitions and orders as message by message."""
    ledger = Ledger(STREAMS, MESSAGES)
    for begin in range(0, len(found), block):
        enter(ledger, found[begin : begin + block])
    recorders = [Recorder(Workload(rate_per_s=1, seconds=MESSAGES), 0.0, 0, None) for _ in range(STREAMS)]
    for stream, seq in found:
        recorders[stream].on_receipt(seq, seq + 0.001, 1)
    assert ledger.received == sum(recorder.received for recorder in recorders)
    assert ledger.distinct == sum(recorder.distinct for recorder in recorders)
    assert ledger.duplicated == sum(recorder.duplicated for recorder in recorders)
    assert ledger.reordered == sum(recorder.reordered for recorder in recorders)
    assert ledger.strays == sum(recorder.strays for recorder in recorders)
    assert ledger.lost == STREAMS * MESSAGES - ledger.distinct
    assert list(ledger.per_stream()) == [recorder.distinct for recorder in recorders]
    assert ledger.latency.count == ledger.distinct


def test_messages_before_their_time_are_told() -> None:
    """A receipt before the due time is a clock's fault, and counted as such."""
    ledger = Ledger(1, 4)
    enter(ledger, [(0, 0), (0, 1)], late_s=-0.5)
    enter(ledger, [(0, 2), (0, 3)])
    assert (ledger.early, ledger.latency.min_s) == (2, 0.0)
    assert ledger.is_complete


def test_messages_that_do_not_say_when_they_were_due_have_no_latency() -> None:
    """They count as received all the same."""
    ledger = Ledger(1, 2)
    nan = np.array([float("nan"), 1.0])
    ledger.record_many(np.zeros(2, dtype=np.int64), np.arange(2), nan, np.array([1.0, 1.5]))
    assert (ledger.received, ledger.latency.count, ledger.latency.max_s) == (2, 1, 0.5)


def test_nothing_and_too_much_are_refused() -> None:
    """Before any memory is taken."""
    for streams, messages in ((0, 1), (1, 0), (100_000, 100_000)):
        with pytest.raises(SettingsError):
            Ledger(streams, messages)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=300), st.floats(0.1, 100))
def test_percentiles_are_those_of_the_sample(sample: list[float], percent: float) -> None:
    """Within 0.8 %, or a microsecond where values are shorter than that of one."""
    histogram = Histogram()
    histogram.record_many(np.array(sample))
    exact = float(np.percentile(sample, percent, method="inverted_cdf"))
    assert histogram.percentile_s(percent) == pytest.approx(exact, rel=0.008, abs=1e-6)
    assert (histogram.count, histogram.max_s) == (len(sample), max(sample))


def test_merged_histograms_are_the_histogram_of_all() -> None:
    """Percentiles, mean and extremes of three parts together, as of the pooled sample; of empty parts too."""
    rng = random.Random(1)
    parts = [np.array([rng.expovariate(100) for _ in range(size)]) for size in (10, 5_000, 0)]
    histograms, pooled = [Histogram() for _ in parts], Histogram()
    for histogram, part in zip(histograms, parts, strict=True):
        histogram.record_many(part)
        pooled.record_many(part)
    merged = Histogram.merged([histogram.counts() for histogram in histograms])
    assert merged.count == pooled.count == 5_010
    assert [merged.percentile_s(p) for p in (1, 50, 99, 100)] == [pooled.percentile_s(p) for p in (1, 50, 99, 100)]
    assert (merged.min_s, merged.max_s) == (pooled.min_s, pooled.max_s)
    assert merged.mean_s == pytest.approx(np.concatenate(parts).mean())


def test_an_empty_histogram_has_no_percentiles() -> None:
    """Nothing was measured, so nothing is said."""
    assert np.isnan(Histogram().percentile_s(50)) and np.isnan(Histogram.merged([]).mean_s)
