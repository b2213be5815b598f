"""What a subscription loses while its connection is cut."""

from __future__ import annotations

import psycopg
import pytest

from helpers.experiments import Experiment, compare_survival, measure_recovery
from helpers.experiments.survival import BY_LOG, BY_VERSION, LOST, NAIVE
from helpers.lab import Lab


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
