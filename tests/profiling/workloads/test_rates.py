"""Rates become due times: the right number, in order, within bounds, and the same each time."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import SettingsError
from helpers.profiling.workloads.rates import (
    MAX_RATE_PER_S,
    MAX_SECONDS,
    Burst,
    Constant,
    Poisson,
    Ramp,
    Rate,
    Trace,
    due_times,
    peak_per_s,
)

EACH = (Constant(100), Ramp(0, 200), Ramp(300, 10), Burst(20, 0.5), Poisson(100, seed=3), Trace((0.0, 0.1, 0.1, 1.5)))


@pytest.mark.parametrize("rate", EACH, ids=lambda rate: type(rate).__name__)
def test_due_times_ascend_from_the_start(rate: Rate) -> None:
    """Whatever the rate: from 0 on, in order, within the duration, and equal for equal rates."""
    due = due_times(rate, 2)
    assert due[0] >= 0
    assert due[-1] < 2
    assert (np.diff(due) >= 0).all()
    assert (due == due_times(rate, 2)).all()
    assert due.size == pytest.approx(rate.messages(2), rel=0.25)


@pytest.mark.parametrize("rate", EACH, ids=lambda rate: type(rate).__name__)
def test_rates_are_data(rate: Rate) -> None:
    """A rate goes through JSON and comes back as what it was."""
    assert msgspec.json.decode(msgspec.json.encode(rate), type=Rate) == rate


def test_a_constant_rate_is_even() -> None:
    """Message i is due i / rate after the start."""
    assert due_times(Constant(4), 1.5).tolist() == [0, 0.25, 0.5, 0.75, 1, 1.25]


def test_a_ramp_grows() -> None:
    """Twice as many fall due in the second half of a ramp from 0 as its mean says, and its ends have their rates."""
    due = due_times(Ramp(0, 1_000), 2)
    assert due.size == 1_000
    assert np.count_nonzero(due < 1) == pytest.approx(250, abs=2)
    down = due_times(Ramp(1_000, 0), 2)
    assert np.count_nonzero(down < 1) == pytest.approx(750, abs=2)
    assert due_times(Ramp(50, 50), 2).tolist() == pytest.approx(due_times(Constant(50), 2).tolist())


def test_a_burst_comes_at_once() -> None:
    """Its messages are due at one moment, and the next ones after the pause."""
    assert due_times(Burst(3, 0.5), 1).tolist() == [0, 0, 0, 0.5, 0.5, 0.5]
    assert peak_per_s(due_times(Burst(3, 0.5), 10)) == 6


def test_poisson_is_random_and_repeatable() -> None:
    """Gaps vary as those of independent users do: their standard deviation is their mean; the seed decides all."""
    gaps = np.diff(due_times(Poisson(1_000, seed=1), 10))
    assert gaps.mean() == pytest.approx(0.001, rel=0.05)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)
    assert due_times(Poisson(100, seed=1), 1)[0] != due_times(Poisson(100, seed=2), 1)[0]


@given(st.lists(st.integers(0, 640), min_size=1, max_size=50))
def test_peak_is_the_fullest_second(moments: list[int]) -> None:
    """As counted by hand."""
    due = np.sort(np.array(moments) / 64)
    assert peak_per_s(due) == max(sum(begin <= time < begin + 1.0 for time in due) for begin in due)


def test_a_trace_is_read(tmp_path: Path) -> None:
    """Seconds or points in time, from the first one on."""
    plain = tmp_path / "plain.txt"
    plain.write_text("# of Monday\n10.5\n\n10.75\n10.75\n12\n")
    assert Trace.read(plain).times_s == (0, 0.25, 0.25, 1.5)
    stamps = tmp_path / "stamps.txt"
    stamps.write_text("2026-01-31T12:00:00.250Z\n2026-01-31T12:00:01.000Z\n")
    assert Trace.read(stamps).times_s == pytest.approx((0, 0.75))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"0.1\nsoon\n", "line 2 holds no time: 'soon'"),
        (b"1\n2\n1.5\n", "line 3 is before the line above it, as if the clock had gone back"),
        (b"0\nnan\n", "line 2 holds no time"),
        (b"\n# nothing\n", "it holds no moments"),
        (b"\xff\xfe\x00", "it is no text file"),
        (None, "No such file"),
    ],
)
def test_a_bad_trace_is_told(tmp_path: Path, content: bytes | None, says: str) -> None:
    """With the line at fault, and how it is written right."""
    path = tmp_path / "trace.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="reading the trace") as told:
        Trace.read(path)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        (Constant(MAX_RATE_PER_S + 1), 1),
        (Constant(0), 1),
        (Constant(float("nan")), 1),
        (Constant(1e300), 1),
        (Constant(100), MAX_SECONDS + 1),
        (Constant(100), -1),
        (Constant(MAX_RATE_PER_S), 20),
        (Ramp(0, 0), 1),
        (Ramp(-1, 10), 1),
        (Burst(0, 1), 1),
        (Burst(10, 0), 1),
        (Burst(40_000, 0.5), 1),
        (Poisson(1e-9), 1),
        (Trace(()), 1),
        (Trace((5.0,)), 1),
        (Trace((2.0, 1.0)), 5),
        (Trace((-1.0, 1.0)), 5),
        (Trace((float("nan"),)), 5),
    ],
)
def test_rates_are_bounded(rate: Rate, seconds: float) -> None:
    """Nothing can be planned that is faster, longer or larger than the bounds, that is empty, or that goes back."""
    with pytest.raises(SettingsError, match="planning the load"):
        due_times(rate, seconds)
