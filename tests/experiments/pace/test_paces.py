"""Paces on a real stream: who loses what, who ends with wrong values, who falls behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.errors import SettingsError
from helpers.experiments import Experiment, Measure, Metric, Size
from helpers.experiments.pace import Cost, Pace, age_at, compare_paces, growth_at, knees, levels_of
from helpers.experiments.pace.verdict import verdict
from helpers.profiling.results import Skipped
from helpers.target import Target, TargetKind


async def test_an_overload_is_survived_by_leaving_out(target: Target) -> None:
    """At four times the capacity: taking everything falls behind by about the length of the stream, last value wins
    leaves out and ends right, and a throttle without keys ends wrong in all things but one."""
    found = await compare_paces(target, cost=Cost(0.004, 0.004), keys=5, levels=(0.5, 4.0), size=Size.SMALL, rounds=1)
    assert isinstance(found, Experiment)
    left_out = {arm: found.estimate(arm, "never shown").mean for arm in found.arms}
    behind = {arm: found.estimate(arm, "behind in the end").mean for arm in found.arms}
    wrong = {arm: found.estimate(arm, "wrong in the end").mean for arm in found.arms}
    assert left_out[Pace.EVERY] == left_out[Pace.BATCHES] == 0
    assert left_out[Pace.NEWEST] > 10
    assert behind[Pace.EVERY] > 350 > behind[Pace.NEWEST]
    starved = wrong.pop(Pace.THROTTLE)
    assert set(wrong.values()) == {0}
    assert 3 <= starved <= 4, "on a busy machine two turns may fall among the last values"
    assert f"“throttle: the newest, every 50 ms” ({starved:.3g} keys)" in found.answer
    assert knees(found)[Pace.THROTTLE] is None, "it starves keys, but what it shows is new"


def made_up(growth: dict[str, list[list[float]]]) -> Experiment:
    """An experiment with three runs of each arm, at the rates 0.5 and 2."""
    levels = (0.5, 2.0)
    metrics = tuple(Metric(name(level), "") for name in (age_at, growth_at) for level in levels)
    measures = tuple(
        Measure(arm, growth_at(level), "ms/s", run, value)
        for arm, by_level in growth.items()
        for level, values in zip(levels, by_level, strict=True)
        for run, value in enumerate(values)
    )
    return Experiment("x", "?", "lab", "2026-01-01", "small", 1.0, tuple(growth), metrics, measures)


def test_a_knee_is_where_delay_is_shown_to_grow() -> None:
    """Growth in every run is a knee; noise around nothing is none, nor is one bad run of three."""
    found = made_up(
        {
            "slow": [[-5, 3, 1], [980, 1_010, 1_000]],
            "slower": [[300, 310, 290], [900, 910, 905]],
            "steady": [[-5, 3, 1], [20, -30, 10]],
            "unlucky": [[0, 0, 0], [0, 2, 900]],
        }
    )
    assert levels_of(found) == (0.5, 2.0)
    assert knees(found) == {"slow": 2.0, "slower": 0.5, "steady": None, "unlucky": None}


def test_a_pace_whose_trend_is_not_known_is_not_said_to_keep_up() -> None:
    """Steps that are too short for a trend of its few turns are told as such."""
    told = verdict(made_up({"slow": [[-5, 3, 1], [980, 1_010, 1_000]], "in turns": [[], []]}))
    assert "“slow” from 2× on. Too few turns to tell of “in turns”." in told


@pytest.mark.parametrize(("levels", "keys"), [((0.0, 1.0), 1), ((-1.0,), 1), ((1.0,), 0), ((float("nan"),), 1)])
async def test_nothing_to_send_is_refused(target: Target, levels: tuple[float, ...], keys: int) -> None:
    """Rates and keys that make no stream."""
    with pytest.raises(SettingsError):
        await compare_paces(target, levels=levels, keys=keys)


async def test_a_project_is_not_flooded(target: Target) -> None:
    """It says what to do instead."""
    skipped = await compare_paces(replace(target, kind=TargetKind.HOSTED))
    assert isinstance(skipped, Skipped)
    assert "lab" in str(skipped)
