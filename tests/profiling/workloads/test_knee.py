"""Step loads: where the target gives way, or that it did not, or that the harness did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.errors import SettingsError
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling.harness import HARNESS_LIMIT, Harness
from helpers.profiling.histogram import Histogram
from helpers.profiling.recording import Recording
from helpers.profiling.workloads import Constant, Route, StepLoad, Tolerance, Workload, find_knee
from helpers.profiling.workloads.knee import Step, _step
from helpers.target import Target, TargetKind

pytestmark = pytest.mark.usefixtures("impatient")

BROADCAST = Workload(route=Route.BROADCAST, seconds=0.5)


def recording(latency_s: float = 0.01, lost: int = 0, kept: float = 1.0, notes: tuple[str, ...] = ()) -> Recording:
    """A hundred messages."""
    histogram = Histogram()
    for _ in range(100 - lost):
        histogram.record(latency_s)
    harness = Harness(1, 2, 100, 100 * kept, 0, 10)
    return Recording(
        label="", run=0, seconds=1, sent=100, expected=100, received=100 - lost, lost=lost, duplicated=0, reordered=0,
        strays=0, early=0, payload_bytes=0, wire_bytes=0, latency=histogram.counts(), harness=harness, notes=notes,
    )  # fmt: skip


def steps(*found: Step) -> StepLoad:
    rates = tuple(step.rate_per_s for step in found)
    return StepLoad("lab", "", "sql", 1, Tolerance(50), rates, found)


async def test_a_target_that_gives_way() -> None:
    """A quota that closes the channel is a knee: with what was lost, measured twice, and no faster step is tried."""
    settings = RealtimeSettings(limits=Limits(events_per_s=150), rate_tick_s=0.1, rate_ticks=2)
    async with Lab(LabSettings(realtime=settings)) as lab:
        found = await find_knee(lab.target, BROADCAST, (20, 1_000, 2_000), tolerance=Tolerance(1_000))
    assert [step.rate_per_s for step in found.steps] == [20, 1_000]
    assert found.knee is found.steps[1]
    assert len(found.knee.recordings) == 2
    assert found.best is found.steps[0]
    assert "The knee is at 1,000/s: " in str(found)
    assert "good up to 20/s" in str(found)
    assert "Too many messages per second" in found.to_frame()["note"].iloc[1]


async def test_a_target_that_does_not(target: Target) -> None:
    """Where every step is good the answer says that the knee was not reached."""
    found = await find_knee(target, BROADCAST, (20, 40), tolerance=Tolerance(5_000))
    assert found.knee is None
    assert str(found) == "The knee was not reached: good up to 40/s, the fastest that was tried."
    assert list(found.to_frame()["measured"]) == [1, 1]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (recording(), ()),
        (recording(latency_s=0.08), ("p99 is 80 ms, over 50 ms",)),
        (recording(lost=2), ("2 % are lost, over 0 %",)),
        (recording(kept=0.5), ("50 % of the rate was sent, under 95 %",)),
        (recording(lost=100), ("nothing arrived", "100 % are lost, over 0 %")),
    ],
)
def test_what_leaves_the_tolerance(found: Recording, says: tuple[str, ...]) -> None:
    """Latency, loss and a rate that was not kept, each with its number."""
    assert Tolerance(50).left_by(found, 100) == says


def test_messages_that_were_not_accepted() -> None:
    """They leave the tolerance although none of the others is lost."""
    assert Tolerance(50).left_by(replace(recording(), sent=90), 100) == ("10 of 100 messages were not accepted",)


def test_the_harness_is_not_the_target() -> None:
    """Where the harness gave way first, that is no knee of the target."""
    note = f"{HARNESS_LIMIT}: its writer was late by 900 ms (p99)"
    load = steps(Step(10, (recording(),)), Step(20, (recording(notes=(note,)),), ("p99 is 900 ms",), by_harness=True))
    assert load.knee is None
    assert load.harness_limit is load.steps[1]
    assert "The knee was not reached: at 20/s the harness was the limit, not the target" in str(load)


@pytest.mark.parametrize(("lost", "by_harness"), [(0, True), (1, False)])
def test_who_gave_way(lost: int, by_harness: bool) -> None:
    """A late harness explains a latency and never a loss."""
    workload = Workload(rate=Constant(100.0), seconds=1)
    note = f"{HARNESS_LIMIT}: its own event loop was late by 60 ms (p99)"
    found = recording(latency_s=0.08, lost=lost, notes=(note,))
    assert _step(workload, [found], Tolerance(50)).by_harness is by_harness


def test_nothing_good() -> None:
    """A first step that is not good leaves no best one."""
    load = steps(Step(10, (recording(lost=5),), ("5 % are lost",)))
    assert load.best is None
    assert "not good at any rate that was tried" in str(load)


@pytest.mark.parametrize("rates", [(), (10, 10), (20, 10)])
async def test_rates_that_do_not_ascend(target: Target, rates: tuple[float, ...]) -> None:
    """Told before anything begins."""
    with pytest.raises(SettingsError, match="slowest first"):
        await find_knee(target, BROADCAST, rates)


async def test_the_fastest_step_must_fit_the_quota(target: Target) -> None:
    """The last step decides whether somebody has to be asked, before the first one begins."""
    with pytest.raises(SettingsError, match="above the quota"):
        await find_knee(replace(target, kind=TargetKind.HOSTED), BROADCAST, (10, 200))
