"""That a leak is told from the noise of a process's memory."""

from __future__ import annotations

import random

import pytest

from tests.soak.memory import Growth, Sample, Windows, growth


def grown(per_min: float, *, step_at_s: float | None = None, seconds: int = 480) -> Growth:
    """Of a process that grows so, with noise of some hundred KiB, buffers of a moment, and perhaps a lasting step."""
    chance = random.Random(7)
    samples = [
        Sample(
            at_s=float(second),
            lab_kib=50_000
            + per_min * second / 60
            + chance.gauss(0, 200)
            + (2_000 if chance.random() < 0.05 else 0)
            + (1_024 if step_at_s is not None and second > step_at_s else 0),
            blocks=0,
            postgres_kib=0,
            node_kib=0,
            files=0,
        )
        for second in range(seconds)
    ]
    return growth("lab", samples, lambda sample: sample.lab_kib, warm_up_s=60, tolerance=40)


def test_a_leak_is_found_and_measured() -> None:
    """Its slope lies in the interval."""
    leak = grown(200)
    assert leak.grew
    assert not leak.flat
    assert leak.low < 200 < leak.high


def test_noise_is_flat() -> None:
    """Also when buffers of a moment come on top."""
    assert grown(0).flat
    assert not grown(0).grew


def test_a_step_while_warming_up_is_no_growth() -> None:
    """What happens before the first window does not count."""
    assert grown(0, step_at_s=30).flat


@pytest.mark.parametrize(("kept_per_min", "flat"), [(0, True), (500, False)])
def test_garbage_that_waits_for_its_collection_is_no_growth(kept_per_min: float, flat: bool) -> None:
    """The lowest of windows that each hold a collection shows only what is kept."""
    samples = [
        Sample(
            at_s=float(second),
            lab_kib=0,
            blocks=240_000 + kept_per_min * second / 60 + 300 * (second % 47),
            postgres_kib=0,
            node_kib=0,
            files=0,
        )
        for second in range(480)
    ]
    windows = Windows(seconds=60.0, level=min)
    kept = growth("blocks", samples, lambda one: one.blocks, warm_up_s=0, tolerance=450, windows=windows)
    assert kept.flat is flat
    assert kept.low <= kept_per_min <= kept.high


def test_a_short_run_has_no_slope() -> None:
    """It is an error rather than a number."""
    with pytest.raises(ValueError, match="four windows"):
        grown(0, seconds=90)
