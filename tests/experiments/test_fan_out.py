"""More listeners: the fleet finds an effect that was put in, and none where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from helpers.errors import SettingsError
from helpers.experiments import Experiment, compare_fan_out
from helpers.profiling import Skipped
from helpers.profiling.receiving import Processes
from helpers.profiling.receiving.crew import Member, Ready, Report, Start
from helpers.profiling.receiving.listener import Listening
from helpers.target import Target, TargetKind


class Sluggish:
    """Members that hear of the start late, by this machine's clock, where many listen: their latency is larger."""

    def __init__(self, many: int, late_s: float) -> None:
        self._crew, self._many, self._late_s = Processes(1), many, late_s

    @asynccontextmanager
    async def members(self, most: int) -> AsyncIterator[Sequence[Member]]:
        async with self._crew.members(most) as members:
            yield [_Late(member, self._late_s) for member in members] if most >= self._many else members


class _Late:
    def __init__(self, member: Member, late_s: float) -> None:
        self.name, self.notes, self.skew = member.name, member.notes, member.skew
        self._member, self._late_s = member, late_s

    async def ready(self, order: Listening, limit_s: float) -> Ready:
        return await self._member.ready(order, limit_s)

    async def report(self, start: Start, limit_s: float) -> Report:
        return await self._member.report(Start(start.at - self._late_s), limit_s)


async def found(target: Target, on: object, listeners: tuple[int, int]) -> Experiment:
    experiment = await compare_fan_out(target, on=on, listeners=listeners, rounds=3)  # type: ignore[arg-type]
    assert isinstance(experiment, Experiment)
    return experiment


async def test_an_effect_that_was_put_in_is_found(target: Target) -> None:
    """Half a second more for the many is told as worse, in the answer as well; nobody missed anything."""
    experiment = await found(target, Sluggish(8, 0.5), (4, 8))
    contrast = experiment.contrast("latency p50", "8 listeners")
    assert contrast is not None and contrast.gain.shown and contrast.gain.after > 500
    assert "latency p50 with 8 listeners against 4 listeners: worse by" in experiment.answer
    assert experiment.answer.startswith("Nobody missed a message")
    assert [recording.received for recording in experiment.recordings] != [] and len(experiment.recordings) == 6


async def test_nothing_is_lost_on_the_way_into_the_recordings(target: Target) -> None:
    """Four listeners against five: every message of every run is in the recordings."""
    experiment = await found(target, Processes(1), (4, 5))
    assert {sum(experiment.values(arm, "lost")) for arm in experiment.arms} == {0.0}
    assert {recording.received for recording in experiment.recordings} == {20, 25}


async def test_bad_questions_and_plans(target: Target) -> None:
    """One arm is no comparison; where a plan forbids it, it is skipped with the reason."""
    for listeners in ((5,), (5, 5), (0, 5)):
        with pytest.raises(SettingsError, match="no comparison"):
            await compare_fan_out(target, listeners=listeners)
    hosted = replace(target, kind=TargetKind.HOSTED)
    skipped = await compare_fan_out(hosted, listeners=(10, 2_000))
    assert isinstance(skipped, Skipped) and "quota" in skipped.because
