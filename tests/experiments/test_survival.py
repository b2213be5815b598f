"""What a subscription loses while its connection is cut."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from helpers.errors import SettingsError
from helpers.experiments import Experiment, compare_survival, measure_recovery
from helpers.experiments.survival import BY_LOG, BY_VERSION, LOST, NAIVE, PAUSE_S, SILENCE, _Heard
from helpers.lab import Lab
from helpers.target import TargetKind


async def test_who_only_reconnects_loses_and_who_reads_does_not(lab: Lab) -> None:
    """And nothing of it is left in the database."""
    found = await compare_survival(lab.target, seconds=2.5, rounds=1)
    assert isinstance(found, Experiment)
    assert found.estimate(NAIVE, LOST.name).mean > 5
    assert [found.values(arm, LOST.name) for arm in (BY_VERSION, BY_LOG)] == [[0.0], [0.0]]
    assert f"“{NAIVE}” lost" in found.answer
    assert lab.target.database_url is not None
    async with await psycopg.AsyncConnection.connect(lab.target.database_url) as connection:
        left = await connection.execute(
            "select relname from pg_class where relname like 'workbook_%' and relkind = 'r'"
        )
        assert await left.fetchall() == []


async def test_recovery_is_told_for_each_fault() -> None:
    """With how it was noticed, if it was."""
    found = await measure_recovery(faults=("reset", "slot lost"), repeats=1)
    assert [one.fault for one in found.recoveries] == ["reset", "slot lost"]
    assert all(0 < one.seconds[0] < 30 for one in found.recoveries)
    assert found.recoveries[0].told_in_s[0] < 5
    assert "the 30 s that are asked for" in found.answer
    with pytest.raises(KeyError):
        await measure_recovery(faults=("earthquake",))


async def test_silence_lasts_until_the_end_for_who_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts from the first row on, and what was heard to warm up is none of it."""
    heard, now = _Heard(), 100.0
    monkeypatch.setattr("helpers.experiments.survival.time.monotonic", lambda: now)
    heard.enter(-1)
    now = 110.0
    heard.begin()
    for now in (110.1, 110.2):
        heard.enter(round(10 * (now - 110.1)))
    now = 115.2
    heard.end(written=2)
    assert heard.values(2)[SILENCE.name] == pytest.approx(0.1), "who has all of them is not silent but done"
    heard.end(written=3)
    assert heard.values(3)[SILENCE.name] == pytest.approx(5.0)


async def test_more_than_a_plan_allows_is_refused_beforehand(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three subscribers at the lab's pace get 150 messages a second; at the gentle one that is not asked for."""
    hosted = replace(lab.target, kind=TargetKind.HOSTED)
    monkeypatch.setattr("helpers.experiments.survival.GENTLE_PAUSE_S", PAUSE_S)
    with pytest.raises(SettingsError, match="above the quota"):
        await compare_survival(hosted, seconds=2.5, rounds=1)
