"""The check on loads that were held out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.capacity import Capacity
from helpers.capacity.check import Check, CheckRow, agreed, check
from helpers.capacity.design import Role, design_of
from helpers.capacity.service import fit_service_times
from helpers.experiments import Size, estimate
from tests.capacity import synthetic

DESIGN = design_of(Size.SMALL, rounds=3)


def test_a_model_of_a_machine_that_is_as_the_model_says_holds(capacity: Capacity) -> None:
    """All held-out predictions are within 20 %, most of them much nearer."""
    found = capacity.check
    assert found.holds and found.verdict.startswith("The model holds: all ")
    assert found.median_error_percent < 10
    assert {row.point for row in found.held_out} == set(DESIGN.held_out)


def test_a_machine_that_does_otherwise_where_nobody_looked_is_told(capacity: Capacity) -> None:
    """Held-out loads that take the server 1.5 times what the others let expect."""
    dearer = [
        replace(one, server_cpu_s=1.5 * one.server_cpu_s) if one.point in DESIGN.held_out else one
        for one in capacity.observations
    ]
    found = check(capacity.times, dearer, DESIGN)
    assert not found.holds and "does not hold everywhere" in found.verdict and "server CPU" in found.verdict
    assert {row.what for row in found.held_out if not row.holds} == {"server CPU, ms a second"}


def test_held_out_loads_do_not_move_the_fit() -> None:
    """However wild they are; and the same observations give the same times, as draws come from a seed."""
    observations = synthetic.measured(design_of(Size.SMALL, rounds=1))
    wild = [
        replace(one, server_cpu_s=9 * one.server_cpu_s) if one.point in DESIGN.held_out else one for one in observations
    ]
    fits = [fit_service_times([one for one in some if one.point in DESIGN.fitted]) for some in (observations, wild)]
    assert fits[0] == fits[1]


@pytest.mark.parametrize(
    ("runs", "holds", "is_sure"),
    [
        ((100.0, 101.0, 102.0, 99.0), True, True),
        ((85.0, 86.0, 84.5, 85.5), True, True),
        ((82.0, 92.0, 75.0, 88.0), True, False),
        ((70.0, 95.0, 62.0, 90.0), False, False),
        ((60.0, 61.0, 62.0, 59.0), False, True),
        ((140.0, 141.0, 142.0, 139.0), False, True),
        ((100.0,), True, False),
        ((50.0,), False, False),
    ],
)
def test_a_measurement_that_is_too_noisy_is_told(runs: tuple[float, ...], holds: bool, is_sure: bool) -> None:
    """A prediction of 100 is surely right or wrong only if it is so for every mean that these runs may stand for."""
    point = DESIGN.held_out[0]
    row = CheckRow(point, "CPU", 100.0, 90.0, 110.0, estimate(runs), Role.HELD_OUT)
    assert (row.holds, row.is_sure) == (holds, is_sure)


def test_a_round_that_was_disturbed_counts_for_less() -> None:
    """As it does for the times that are fitted; and it is not left out: the interval is wider."""
    calm, disturbed = (agreed([10.0, 10.4, 9.7, 10.1, 9.9, 10.2, last]) for last in (9.8, 40.0))
    assert calm.mean == pytest.approx(10.0, rel=0.02) and disturbed.mean == pytest.approx(10.0, rel=0.05)
    assert disturbed.n == calm.n == 7 and disturbed.high - disturbed.low > calm.high - calm.low
    assert agreed([10.0, 20.0, 10.0, 20.0]).mean == pytest.approx(15.0, rel=0.1)


def test_the_verdict_counts_what_is_too_noisy(capacity: Capacity) -> None:
    """None where readings are off by 3 %; and a single round says that it cannot tell."""
    few = [replace(row, measured=estimate([row.measured.mean])) for row in capacity.check.rows]
    assert "A single round cannot tell" in Check(tuple(few)).verdict
    rows = list(capacity.check.held_out)
    noisy = replace(rows[0], measured=estimate([rows[0].predicted * share for share in (0.5, 1.0, 1.5)]))
    sure = [replace(row, measured=estimate([0.99 * row.predicted, 1.01 * row.predicted])) for row in rows[1:]]
    assert Check(tuple(sure)).verdict.endswith("All surely.")
    assert f"Of 1 of these {len(rows)} the measurement is too noisy" in Check((noisy, *sure)).verdict


def test_the_table_says_which_predictions_hold(capacity: Capacity) -> None:
    """A row for each, with both numbers, the error, and whether it is within the tolerance."""
    frame = capacity.check.to_frame(held_out=True)
    assert list(frame["within 20 %"].unique()) == ["yes"]
    assert set(frame["surely"]) <= {"yes", "too noisy to tell"}
    errors = 100 * (frame["predicted"] / frame["measured"] - 1)
    assert frame["error (%)"].tolist() == pytest.approx(errors.tolist())
