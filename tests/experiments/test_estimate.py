"""Means of an arm's runs, and how far their intervals may reach."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.experiments import Experiment, Measure, Metric, estimate


def test_times_are_never_below_nothing() -> None:
    """Runs that scatter widely have a wide interval, with both of its ends above 0."""
    found = estimate([2.0, 40.0, 90.0])
    assert found.mean == pytest.approx(44)
    assert 0 < found.low < found.mean < found.high


def test_close_runs_have_the_usual_interval() -> None:
    """Where runs lie close together, the interval is Student's."""
    found = estimate([99.0, 100.0, 101.0])
    assert (found.low, found.high) == pytest.approx((100 - 2.484, 100 + 2.484), abs=0.05)


def test_what_can_shrink_keeps_both_signs() -> None:
    """A slope above 0 in three runs is not shown to be above 0 by that alone."""
    assert estimate([0.1, 5.0, 3.0], signed=True).low < 0
    assert estimate([-0.5, 1.0, 3.0]).low < 0, "a value below 0 says so itself"


def test_counts_of_nothing_stay_at_nothing() -> None:
    """An interval of losses, of which some runs had none, begins at 0."""
    assert estimate([0.0, 0.0, 3.0]).low == 0
    assert estimate([0.0, 0.0]) == estimate([0.0, 0.0], most=100.0)


def test_shares_end_at_all() -> None:
    """No more than everything is lost, nor is more in time."""
    metrics = (Metric("lost", "%", most=100.0), Metric("grows", "ms/s", signed=True))
    values = {"lost": (60.0, 99.0), "grows": (1.0, 30.0)}
    measures = tuple(Measure("a", name, "", run, value) for name in values for run, value in enumerate(values[name]))
    found = Experiment("x", "?", "lab", "2026-01-01", "small", 1.0, ("a",), metrics, measures)
    assert found.estimate("a", "lost").high == 100
    assert found.estimate("a", "grows").low < 0


def test_one_run_has_no_interval() -> None:
    """Nor has none."""
    assert math.isnan(estimate([3.0]).low)
    assert estimate([]).n == 0


@pytest.mark.parametrize("runs", [3, 4, 8])
def test_the_interval_covers_what_it_says(runs: int) -> None:
    """Of samples that scatter upwards, as times do, nearly 95 % have the true mean in their interval; Student's has it
    less often."""
    random = np.random.default_rng(5)
    samples = random.lognormal(0.0, 0.5, (2_000, runs)).tolist()
    true = math.exp(0.125)

    def covered(signed: bool) -> float:
        found = [estimate(sample, signed=signed) for sample in samples]
        return sum(one.low <= true <= one.high for one in found) / len(found)

    assert covered(signed=False) > 0.92
    assert covered(signed=False) > covered(signed=True)
