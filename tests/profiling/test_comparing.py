"""Two investigations that were kept: what changed is told with its interval, and so is what else was different."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.errors import SettingsError
from helpers.profiling import Investigation, compare_investigations, load_investigation, save_investigation
from helpers.profiling.statistics import unpaired_gain
from tests.profiling.test_investigation import TARGET, recording, silent

QUIET = {"load_average_1_min": "0.10"}


def taken(latency_s: float, seed: int = 0, runs: int = 6, label: str = "fleet") -> Investigation:
    """Some runs with that latency, give or take a twentieth."""
    noise = np.random.default_rng(seed).lognormal(0, 0.05, runs)
    found = [recording(label, run, float(latency_s * noise[run])) for run in range(runs)]
    investigation = Investigation.of("fan-out", TARGET, found, sockets=30)
    return replace(investigation, environment=investigation.environment | QUIET)


def test_a_change_that_is_there_is_found(tmp_path: Path) -> None:
    """Kept, reopened, compared: the latency that was halved is told with its interval and both numbers of runs."""
    paths = [
        save_investigation(taken(each, seed), tmp_path / f"{seed}.parquet") for seed, each in enumerate((0.1, 0.05))
    ]
    before, after = map(load_investigation, paths)
    change = compare_investigations(before, after)
    found = {one.metric: one for one in change.changes}
    gain = found["latency p50"].gain
    assert gain is not None and gain.low_percent < -50 < gain.high_percent < -40
    assert gain.verdict.startswith(("better by 5", "better by 4")) and gain.verdict.endswith("n = 6 and 6 runs")
    assert found["throughput"].gain is not None and not found["throughput"].gain.shown
    assert change.is_alike and "not taken side by side" in str(change)
    assert len(change.to_frame()) == len(change.changes) and "better by" in change._repr_html_()


def test_equal_ones_show_no_difference() -> None:
    """The same thing measured twice is not better than itself, nineteen times in twenty or more often."""
    shown = 0
    for seed in range(100):
        change = compare_investigations(taken(0.1, 2 * seed), taken(0.1, 2 * seed + 1), ["latency p50"])
        (only,) = change.changes
        assert only.gain is not None
        shown += only.gain.shown
    assert shown <= 12


def test_other_circumstances_are_told() -> None:
    """Another target, machine, version, setting or load stands before the verdict, each with both values."""
    before = taken(0.1)
    other = {"machine": "ffffffff", "processors": "64", "picows": "0.1", "load_average_1_min": "7.50"}
    after = replace(
        taken(0.05, 1),
        target="lab at http://127.0.0.1:1",
        environment=before.environment | other,
        settings={"sockets": "60"},
    )
    change = compare_investigations(before, after)
    targets, machines, versions, settings, load = change.differences
    assert not change.is_alike
    assert "https://abc.supabase.co" in targets and "http://127.0.0.1:1" in targets
    assert "then ffffffff" in machines and "then 64" in machines
    assert "picows" in versions and "then 0.1" in versions
    assert settings == "the settings differ: sockets 30, then 60"
    assert "then 7.5" in load
    assert all(sentence in str(change) for sentence in change.differences)


def test_arms_and_runs_that_cannot_be_compared_are_told() -> None:
    """An arm that only one has, runs without samples, single runs: nothing of it is dropped in silence."""
    before, after = taken(0.1, runs=3), taken(0.1, seed=1, runs=1)
    after = replace(after, recordings=(*after.recordings, silent("fleet", 1), recording("another")))
    change = compare_investigations(before, after, ["latency p50"])
    assert [one.gain for one in change.changes] == [None] and "cannot be compared" in str(change)
    assert "another is in" in change.missing[0] and "no samples" in str(change)


def test_bad_questions_are_refused() -> None:
    """A metric that there is not, and experiments that have nothing in common."""
    with pytest.raises(SettingsError, match="no metric 'speed'"):
        compare_investigations(taken(0.1), taken(0.1), ["speed"])
    with pytest.raises(SettingsError, match="no arm in common"):
        compare_investigations(taken(0.1), taken(0.1, label="other"))


def test_unpaired_intervals_cover_what_they_should() -> None:
    """Of two samples that scatter differently, 95 of 100 intervals hold the true change."""
    random, held = np.random.default_rng(5), 0
    for _ in range(400):
        first, second = random.lognormal(0, 0.3, 4), random.lognormal(np.log(1.5), 0.05, 8)
        gain = unpaired_gain("x", "ms", list(first), list(second))
        assert gain is not None
        held += gain.low_percent <= 50 <= gain.high_percent
    assert held >= 370
    assert unpaired_gain("x", "ms", [1.0], [1.0, 2.0]) is None
    assert unpaired_gain("x", "ms", [0.0, 1.0], [1.0, 2.0]) is None
    same = unpaired_gain("x", "B", [5.0, 5.0], [5.0, 5.0, None])
    assert same is not None and not same.shown and same.left_out == 1
