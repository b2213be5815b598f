"""The check on loads that were held out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.capacity import Capacity
from helpers.capacity.check import check
from helpers.capacity.design import design_of
from helpers.capacity.service import fit_service_times
from helpers.experiments import Size
from tests.capacity import synthetic

DESIGN = design_of(Size.SMALL, rounds=3)


def test_a_model_of_a_machine_that_is_as_the_model_says_holds(capacity: Capacity) -> None:
    """All held-out predictions are within 20 %, most of them much nearer."""
    found = capacity.check
    assert found.holds and found.verdict.startswith("The model holds: all ")
    assert found.median_error_percent < 10
    assert {row.point for row in found.held_out} == set(DESIGN.held_out)


def test_a_machine_that_does_otherwise_where_nobody_looked_is_told() -> None:
    """Held-out loads that take the server 1.5 times what the others let expect."""
    observations = synthetic.measured(DESIGN)
    times = fit_service_times([one for one in observations if one.point in DESIGN.fitted])
    dearer = [
        replace(one, server_cpu_s=1.5 * one.server_cpu_s) if one.point in DESIGN.held_out else one
        for one in observations
    ]
    found = check(times, dearer, DESIGN)
    assert not found.holds and "does not hold everywhere" in found.verdict and "server CPU" in found.verdict
    assert {row.what for row in found.held_out if not row.holds} == {"server CPU, ms a second"}


def test_held_out_loads_do_not_move_the_fit() -> None:
    """However wild they are."""
    observations = synthetic.measured(design_of(Size.SMALL, rounds=1))
    wild = [
        replace(one, server_cpu_s=9 * one.server_cpu_s) if one.point in DESIGN.held_out else one for one in observations
    ]
    fits = [fit_service_times([one for one in some if one.point in DESIGN.fitted]) for some in (observations, wild)]
    assert fits[0] == fits[1]


def test_the_table_says_which_predictions_hold(capacity: Capacity) -> None:
    """A row for each, with both numbers, the error, and whether it is within the tolerance."""
    frame = capacity.check.to_frame(held_out=True)
    assert list(frame["within 20 %"].unique()) == ["yes"]
    errors = 100 * (frame["predicted"] / frame["measured"] - 1)
    assert frame["error (%)"].tolist() == pytest.approx(errors.tolist())
