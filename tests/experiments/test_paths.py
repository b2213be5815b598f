"""Delivery paths: every path brings every row, what is measured of it, who holds a target, and what is promised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import psycopg
import pytest
import pytest_asyncio

from helpers.errors import FailureError, SettingsError
from helpers.experiments.experiment import Experiment, Measure
from helpers.experiments.paths import PathLimits, compare_paths, find_path_limits, try_promises
from helpers.experiments.paths.answer import paths_answer
from helpers.experiments.paths.catalog import BY_NAME, Kind, paths_of
from helpers.experiments.paths.compare import METRICS, values_of
from helpers.experiments.paths.decision import PathLimit, Verdict, decided, plan_for, verdict_of
from helpers.experiments.paths.delivery import Delivery, Load, deliver
from helpers.experiments.paths.promises import MISSED, Promises
from helpers.experiments.paths.readers import Plan, reader_of
from helpers.experiments.paths.stage import open_stage
from helpers.experiments.size import Size
from helpers.experiments.tables import PREFIX
from helpers.plans import Plan as HostedPlan
from helpers.plots import limits_plot
from helpers.profiling.harness import HARNESS_LIMIT, Harness
from helpers.profiling.histogram import Histogram
from helpers.profiling.meters import Usage
from helpers.profiling.recording import Recording
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Writer
from helpers.profiling.workloads.knee import Step, StepLoad, Tolerance
from helpers.target import Target, TargetKind

LOAD = Load(100, 0.3, 3)
BUSY = Harness(90.0, 120.0, 100.0, 100.0, 30.0, 95.0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writer(target: Target) -> AsyncIterator[Writer]:
    async with Writer(target) as writer:
        yield writer


def recording(changes: int, lost: int, latency_ms: float, harness: Harness | None, notes: Sequence[str]) -> Recording:
    histogram = Histogram()
    histogram.record_many(np.full(changes, latency_ms / 1e3))
    counts = (changes, changes, changes - lost, lost, 0, 0, 0, 0, 0, 0)
    return Recording("path", 0, 1.0, *counts, histogram.counts(), (), harness, tuple(notes))


def delivery(
    in_time: int,
    *,
    lost: int = 0,
    absent: int = 0,
    latency_ms: float = 5.0,
    notes: Sequence[str] = (),
    harness: Harness | None = None,
    load: Load = LOAD,
) -> Delivery:
    """What a run of 100 changes might have brought."""
    usage = Usage(1.0, 0.1, None, None, None, 0, None, None, None)
    found = recording(100, lost, latency_ms, harness, notes)
    return Delivery("path", load, found, 100, in_time, 50.0, 0.0, 0, 0, None, 0, 0, usage, absent)


def limit(found: Sequence[Delivery], name: str = "LISTEN/NOTIFY", failed: str = "") -> PathLimit:
    """Rates of 20/s and 100/s were planned."""
    steps = tuple(Step(one.load.rate_per_s, (one.recording,)) for one in found)
    load_of = StepLoad("lab", "2026-01-01", name, 3, Tolerance(50.0), (20.0, 100.0), steps)
    return PathLimit(BY_NAME[name], 3, load_of, tuple(found), failed)


@pytest.mark.parametrize("name", [path.name for path in paths_of(Size.SMALL)])
async def test_every_path_brings_every_row_to_every_subscriber(target: Target, writer: Writer, name: str) -> None:
    """Once each; a row that is stored has its transaction, a broadcast that is none has not; bytes are counted."""
    path = BY_NAME[name]
    async with open_stage(target, path) as stage:
        found = await deliver(stage, writer, LOAD)
    recording = found.recording
    assert (recording.expected, recording.lost, recording.duplicated, recording.strays) == (90, 0, 0, 0)
    assert 0 <= found.in_time <= found.changes == 30
    assert found.writes >= 30 if path.stores_row else found.writes < 10
    assert found.wal_bytes > 30 * 400 if path.stores_row else found.wal_bytes < 30 * 400
    assert found.wire_bytes is None or found.wire_bytes > 90 * 400
    assert found.connections == (3 if path.kind in (Kind.SQL, Kind.NOTIFY) else 0)
    most = 0.0 if path.interval_s is None else 3 / path.interval_s
    assert (found.queries_per_s > 0) == (path.interval_s is not None)
    assert found.queries_per_s <= 1.1 * most + 3 / 0.5, "three subscribers ask no more often than they are to"
    assert values_of(found).keys() == {metric.name for metric in METRICS}


async def test_nothing_is_left_behind(target: Target, writer: Writer) -> None:
    """No table, no function, no trigger's policy, also when what was done on the stage fails."""
    with pytest.raises(ZeroDivisionError):
        async with open_stage(target, BY_NAME["broadcast_changes"]):
            raise ZeroDivisionError
    async with open_stage(target, BY_NAME["broadcast_changes"]) as stage:
        await deliver(stage, writer, Load(50, 0.1, 1))
    assert target.database_url
    with psycopg.connect(target.database_url) as connection:
        left = connection.execute(
            "select count(*) from pg_policy where starts_with(polname, %(ours)s)"
            " union all select count(*) from pg_class where relname = any(%(names)s)"
            " union all select count(*) from pg_stat_activity where application_name = 'workbook_reader'",
            {"ours": PREFIX, "names": [stage.table.name]},
        ).fetchall()
    assert [count for (count,) in left] == [0, 0, 0]


async def test_who_cannot_connect_is_told_and_not_averaged_away(target: Target) -> None:
    """A subscriber whose database is not there does not come in, with the reason and without the password."""
    assert target.database_url
    nowhere = replace(target, database_url=target.database_url.rpartition("/")[0] + "/nowhere")
    plan = Plan(nowhere, BY_NAME["LISTEN/NOTIFY"], "t", "n", 0, 2)
    with pytest.raises(FailureError, match="nowhere") as caught:
        async with reader_of(plan):
            pytest.fail("nobody can come in")
    assert (
        ":" not in caught.value.happened or target.database_url.split(":")[2].split("@")[0] not in caught.value.happened
    )


async def test_a_path_that_waits_is_told_from_one_that_does_not(target: Target) -> None:
    """Broadcast of the database against a poll of 500 ms: in time against late, told by the runs."""
    compared = [BY_NAME[name] for name in ("REST poll 250 ms", "realtime.send", "SQL poll 25 ms")]
    found = await compare_paths(target, paths=compared, subscribers=2, rate_per_s=125, seconds=0.4, rounds=2)
    assert isinstance(found, Experiment)
    holds, late = found.answer.split("does not by")
    assert "realtime.send" in holds
    assert "REST poll 250 ms" in late
    assert (
        found.estimate("realtime.send", "transaction ids").mean
        > found.estimate("SQL poll 25 ms", "transaction ids").mean
    )
    assert found.estimate("SQL poll 25 ms", "queries").mean > found.estimate("REST poll 250 ms", "queries").mean


async def test_what_is_promised_is_tried(target: Target) -> None:
    """A poll catches up; NOTIFY's trigger takes a large row down; nothing else does."""
    promises = await try_promises(target)
    assert isinstance(promises, Promises)
    kept = {one.path.name: one for one in promises.kept}
    assert {name for name, one in kept.items() if one.caught_up == MISSED} == {"REST poll 250 ms", "SQL poll 25 ms"}
    assert {name for name, one in kept.items() if one.refused} == {"LISTEN/NOTIFY"}
    assert all(one.large for one in kept.values() if not one.refused)
    assert "LISTEN/NOTIFY the INSERT" in promises.answer


async def test_steps_end_where_a_path_breaks() -> None:
    """More listeners than the database has connections for: that breaks the path, and no rate after it is tried."""
    found = await find_path_limits(paths=[BY_NAME["LISTEN/NOTIFY"]], grid={260: (100, 200)})
    (broken,) = found.limits
    assert [one.load.rate_per_s for one in broken.deliveries] == [100]
    assert broken.deliveries[0].absent > 0
    assert "subscribers did not come in" in str(broken)
    assert [broken.verdict(Load(rate, 1, 260)) for rate in (100, 200, 300)] == [
        Verdict.BROKEN,
        Verdict.BROKEN,
        Verdict.UNTRIED,
    ]


def test_a_verdict_needs_its_interval() -> None:
    """All of 20 in time are too few to say 95 %."""
    assert decided(100, 100) is Verdict.HOLDS
    assert decided(20, 20) is Verdict.UNDECIDED
    assert decided(60, 100) is Verdict.LATE


def test_what_says_more_than_time_decides_before() -> None:
    """Who is absent, what is lost; and a harness that was the limit excuses what its lateness explains, and no more."""
    limited = f"{HARNESS_LIMIT}: its own event loop was late"
    assert verdict_of(delivery(100, absent=1)) is Verdict.BROKEN
    assert verdict_of(delivery(90, lost=10)) is Verdict.LOSES
    assert verdict_of(delivery(10, latency_ms=80, notes=[limited], harness=BUSY)) is Verdict.UNDECIDED
    assert verdict_of(delivery(10, latency_ms=400, notes=[limited], harness=BUSY)) is Verdict.LATE


def test_loads_are_decided_one_by_one() -> None:
    """For each load the paths that hold, those that do not, and in the table the plan that allows it."""
    slow, fast = Load(20, 5, 3), Load(100, 1, 3)
    runs = [delivery(100, load=slow), delivery(40, load=fast)]
    found = PathLimits("lab", "2026-01-01", "small", 1.0, 50.0, (limit(runs), limit(runs[:1], "realtime.send")))
    assert found.answer.splitlines() == [
        "20/s to 3 subscribers within 50 ms: these hold: LISTEN/NOTIFY, realtime.send.",
        "100/s to 3 subscribers within 50 ms: these do not: LISTEN/NOTIFY, realtime.send.",
    ]
    assert found.table().loc["least plan, as broadcast"].tolist() == [
        "free (80 of 100 messages/s)", "pro (400 of 500 messages/s)",
    ]  # fmt: skip
    assert len(limits_plot(found).axes[0].patches) == 4
    assert "broken" in str(limit([], failed="the door is shut"))


def test_a_path_that_holds_tells_what_it_lost_all_the_same() -> None:
    """A share in time that is large enough hides no loss."""
    load = Load(20, 5, 3)
    found = PathLimits("lab", "2026-01-01", "small", 1.0, 50.0, (limit([delivery(100, lost=2, load=load)]),))
    assert found.table().iloc[0, 0].startswith("holds") and found.table().iloc[0, 0].endswith(", 2 lost")


def test_a_harness_that_gave_way_breaks_no_path() -> None:
    """Faster loads than the one at which this machine was the limit are not decided; after a true knee they are."""
    slow, fast = Load(20, 5, 3), Load(100, 1, 3)
    for by_harness, verdict in ((True, Verdict.UNDECIDED), (False, Verdict.BROKEN)):
        found = limit([delivery(10, load=slow)])
        step = replace(found.steps.steps[0], reasons=("p99 is over",), by_harness=by_harness)
        assert replace(found, steps=replace(found.steps, steps=(step,))).verdict(fast) is verdict


def test_no_plan_allows_everything() -> None:
    """More messages than the largest, or more connections."""
    assert plan_for(Load(1, 1, 1), Kind.CHANGES).startswith(HostedPlan.FREE)
    assert plan_for(Load(1_000, 1, 20), Kind.BROADCAST).startswith("none")
    assert plan_for(Load(0.001, 1, 20_000), Kind.CHANGES).startswith("none")


def experiment_of(shares: dict[str, list[float]], cpu: dict[str, list[float]]) -> Experiment:
    measures = [
        Measure(arm, metric, "", run, value)
        for metric, values in (("in time", shares), ("database CPU", cpu), ("p50", cpu))
        for arm, runs in values.items()
        for run, value in enumerate(runs)
    ]
    return Experiment("paths", "?", "lab", "2026-01-01", "small", 1.0, tuple(shares), METRICS, tuple(measures))


def test_equal_costs_are_no_difference() -> None:
    """Intervals that meet name no dearest path; those that do not, do."""
    shares = {"one": [100.0, 100.0, 100.0], "other": [100.0, 100.0, 100.0]}
    equal = experiment_of(shares, {"one": [10.0, 12.0, 11.0], "other": [11.0, 10.0, 13.0]})
    assert "No difference is shown" in paths_answer(equal, target_ms=50, load=Load(100, 1, 1))
    unequal = experiment_of(shares, {"one": [10.0, 12.0, 11.0], "other": [110.0, 100.0, 130.0]})
    assert "other costs the database most" in paths_answer(unequal, target_ms=50, load=Load(100, 1, 1))


def test_the_soonest_is_named_with_those_that_may_be_as_soon() -> None:
    """A path whose pairs with the soonest show no difference is not called later."""
    shares = {name: [100.0] * 3 for name in ("one", "other", "third")}
    runs = {"one": [10.0, 12.0, 11.0], "other": [11.0, 10.0, 13.0], "third": [110.0, 100.0, 130.0]}
    answer = paths_answer(experiment_of(shares, runs), target_ms=50, load=Load(100, 1, 1))
    assert "The soonest that also stores the row is one" in answer
    assert "; other: no difference from it shown." in answer


async def test_bad_plans_are_refused(target: Target) -> None:
    """An unknown size, a rate beyond all bounds, a target that may not be written to, or whose quota is too small."""
    with pytest.raises(SettingsError, match="no size"):
        await compare_paths(target, size="huge")
    with pytest.raises(SettingsError, match="per_s"):
        await compare_paths(target, rate_per_s=1e9)
    for call in (compare_paths, try_promises):
        assert isinstance(await call(replace(target, writes_allowed=False)), Skipped)
    with pytest.raises(SettingsError, match="above the quota"):
        await compare_paths(replace(target, kind=TargetKind.HOSTED), subscribers=150, rounds=1)


def test_a_run_without_samples_has_no_latency() -> None:
    """Nothing arrived: latencies are unknown and not zero."""
    nothing = replace(delivery(0), recording=replace(delivery(0).recording, lost=100))
    values = values_of(nothing)
    assert values["p50"] is None
    assert values["wire"] is None
    assert values["lost"] == 100
    assert values["in time"] == 0
