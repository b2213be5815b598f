"""Lines through measurements."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.profiling.lines import fit_line

X = [1, 10, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]


def noise(seed: int, size: int = len(X)) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 50, size)


def test_the_slope_that_was_put_in_is_found() -> None:
    """Over many noisy samples the interval holds the true slope as often as it says, and rarely sees a bend."""
    lines = [fit_line(X, 7_000 + 3 * np.array(X) + noise(seed)) for seed in range(200)]
    assert sum(line.low <= 3 <= line.high for line in lines) >= 180
    assert all(line.grows for line in lines)
    assert sum(not line.fits for line in lines) <= 10
    assert lines[0].start == pytest.approx(7_000, abs=100)


def test_what_does_not_grow_is_not_said_to_grow() -> None:
    """Noise alone shows no growth, but for the share of samples that a 95 % interval allows."""
    lines = [fit_line(X, 7_000 + noise(seed)) for seed in range(200)]
    assert sum(line.grows for line in lines) <= 12


@pytest.mark.parametrize(("sign", "more"), [(1, True), (-1, False)])
def test_a_bend_is_told(sign: int, more: bool) -> None:
    """Costs that rise more and more, or less and less, are no line, and the sign tells which."""
    x = np.array(X)
    line = fit_line(X, 60 * x + sign * 0.05 * x**2 + noise(1))
    assert not line.fits
    assert line.bend is not None and (line.bend > 0) is more


def test_the_bend_is_a_share_of_the_rise() -> None:
    """Of a parabola without noise the curve is a quarter of the rise below the straight line in the middle."""
    line = fit_line([0, 1, 2, 3, 4], [0, 1, 4, 9, 16])
    assert line.bend == pytest.approx(0.25)


def test_too_few_points_make_no_line() -> None:
    """Two points are always on a line, which says nothing; of three a bend cannot be told."""
    with pytest.raises(ValueError, match="three points"):
        fit_line([1, 2], [1, 2])
    assert fit_line([1, 2, 3], [1, 4, 9]).bend is None
