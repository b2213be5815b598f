"""Least squares of relative errors, without negative coefficients."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.capacity.least_squares import fit_relative, non_negative, redrawn

RANDOM = np.random.default_rng(7)
COLUMNS = RANDOM.uniform(1, 1_000, size=(60, 3))
TRUE = np.array([2.0, 0.5, 0.01])


def test_what_was_put_in_is_found() -> None:
    """Exactly, without noise."""
    fit = fit_relative(COLUMNS, COLUMNS @ TRUE)
    assert fit.coefficients == pytest.approx(TRUE, rel=1e-6) and fit.scatter < 1e-6


def test_a_column_that_has_no_part_costs_nothing() -> None:
    """Free regression would give it a negative coefficient about half of the time."""
    values = COLUMNS[:, :2] @ TRUE[:2] * np.exp(RANDOM.normal(0, 0.05, 60))
    assert fit_relative(COLUMNS, values).coefficients.min() >= 0
    assert list(non_negative(np.array([[1.0], [1.0]]), np.array([-1.0, -2.0]))) == [0.0]


def test_small_values_count_as_much_as_large_ones() -> None:
    """An error is a share of the value: ten small loads are fitted as well as one that is a thousand times theirs."""
    columns = np.array([[1.0, 0.0]] * 10 + [[0.0, 1_000.0]])
    values = np.array([3.0] * 10 + [5_000.0])
    assert fit_relative(columns, values).coefficients == pytest.approx([3.0, 5.0])


def test_a_reading_that_is_far_off_hardly_moves_the_fit() -> None:
    """A machine that did something else for a moment."""
    values = COLUMNS @ TRUE * np.exp(RANDOM.normal(0, 0.02, 60))
    values[:3] *= 3
    predicted = COLUMNS @ fit_relative(COLUMNS, values).coefficients
    assert np.abs(predicted[3:] / (COLUMNS @ TRUE)[3:] - 1).max() < 0.05


def test_the_draws_cover_the_truth() -> None:
    """The 95 % interval of each coefficient, in nearly all of 40 repetitions."""
    inside = 0
    for _ in range(40):
        values = COLUMNS @ TRUE * np.exp(RANDOM.normal(0, 0.1, 60))
        fit = fit_relative(COLUMNS, values)
        drawn = np.array(list(redrawn(COLUMNS, fit, 80, RANDOM)))
        low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
        inside += int(((low <= TRUE) & (high >= TRUE))[:2].sum())
    assert inside >= 0.85 * 80
