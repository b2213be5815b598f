"""Least squares of relative errors, without negative coefficients: what something costs is never less than nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from helpers.profiling.histogram import Floats

__all__ = ["Fit", "fit_relative", "non_negative", "redrawn"]

#: Errors larger than so many typical ones count with their size, no more with its square (Huber, 1964).
_HUBER = 1.345

#: A normal distribution's standard deviation is so many median absolute deviations.
_MAD = 1.4826

_ITERATIONS = 10
_TOLERANCE = 1e-10


class Fit(NamedTuple):
    """Coefficients, and how far each value is from its fitted one, as a share of that.

    Attributes:
        scatter: standard deviation of the residuals, with the degrees of freedom that the fit used up.
        loss: what was minimised.
    """

    coefficients: Floats
    residuals: Floats
    scatter: float
    loss: float


def non_negative(columns: Floats, values: Floats) -> Floats:
    """The coefficients, none below zero, that come nearest to the values (Lawson and Hanson, 1974, ch. 23)."""
    size = columns.shape[1]
    found, passive = np.zeros(size), np.zeros(size, dtype=np.bool_)
    for _ in range(3 * size):
        gradient = columns.T @ (values - columns @ found)
        gradient[passive] = -np.inf
        if passive.all() or gradient.max() <= _TOLERANCE:
            break
        passive[int(gradient.argmax())] = True
        found = _inside(columns, values, found, passive)
    return found


def _inside(columns: Floats, values: Floats, found: Floats, passive: np.ndarray) -> Floats:
    """Solve for the passive coefficients; whichever would become negative is set to zero, and passive no more."""
    while True:
        trial = np.zeros_like(found)
        trial[passive] = np.linalg.lstsq(columns[:, passive], values, rcond=None)[0]
        negative = passive & (trial <= 0)
        if not negative.any():
            return trial
        step = float((found[negative] / (found[negative] - trial[negative])).min())
        found = found + step * (trial - found)
        passive &= found > _TOLERANCE
        found[~passive] = 0.0


def fit_relative(columns: Floats, values: Floats) -> Fit:
    """Fit ``values ≈ columns @ coefficients``, where an error counts by its share of the value.

    Few values that are far off, as a busy machine makes them, count less.

    Args:
        columns: one row for each value. values: above zero.
    """
    scale = np.abs(columns).max(axis=0)
    scale[scale == 0] = 1.0
    columns = columns / scale
    expected, weights = values.copy(), np.ones(values.size)
    for _ in range(_ITERATIONS):
        root = np.sqrt(weights) / expected
        coefficients = non_negative(columns * root[:, None], values * root)
        # What is expected, not what was read, says how large an error may be: else high readings would count for less.
        expected = np.maximum(columns @ coefficients, _TOLERANCE)
        residuals = values / expected - 1
        typical = max(_MAD * float(np.median(np.abs(residuals))), 1e-9)
        weights = np.minimum(1.0, _HUBER * typical / np.maximum(np.abs(residuals), 1e-12))
    free = max(1, values.size - int((coefficients > 0).sum()))
    loss = float((weights * residuals**2).sum())
    return Fit(coefficients / scale, residuals, float(np.sqrt(loss / free)), loss)


def redrawn(columns: Floats, fit: Fit, draws: int, random: np.random.Generator) -> Iterator[Floats]:
    """Coefficients that might have come out as well: of the fitted values with residuals that are drawn anew.

    (Bootstrap of residuals: Efron and Tibshirani, 1993, ch. 9.) They are widened by what the fit has taken from them.
    """
    fitted = columns @ fit.coefficients
    free = max(1, fitted.size - int((fit.coefficients > 0).sum()))
    residuals = np.clip((fit.residuals - np.median(fit.residuals)) * np.sqrt(fitted.size / free), -0.8, 3.0)
    rows = columns / np.maximum(fitted, _TOLERANCE)[:, None]
    for _ in range(draws):
        yield non_negative(rows, 1 + random.choice(residuals, size=fitted.size))
