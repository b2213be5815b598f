"""A workload before a fleet: whatever the route, all of it is in one recording, late from when it was due."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from helpers.errors import FailureError, SettingsError
from helpers.profiling.receiving import Processes, measure_with_fleet
from helpers.profiling.receiving.schedule import Schedule
from helpers.profiling.workloads import Action, Burst, Constant, Poisson, Rate, Route, Workload
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.writer import Planned, Writer
from helpers.target import Target, TargetKind


@pytest.mark.parametrize(
    ("route", "rate"), [(Route.BROADCAST, Constant(100)), (Route.DATABASE, Poisson(50)), (Route.SQL, Burst(20, 0.5))]
)
async def test_every_route_is_received_whole(tables: Target, route: Route, rate: Rate) -> None:
    """Messages that carry no time are late from when the schedule had them due: each of them, on every socket."""
    workload = Workload(route=route, rate=rate, seconds=1)
    run = await measure_with_fleet(tables, workload, sockets=4, label="all", run=2, on=Processes(2), keep_sample=True)
    recording, whole = run.recording, 4 * workload.messages
    assert (recording.label, recording.run, recording.sent) == ("all", 2, workload.messages)
    assert (recording.expected, recording.received, recording.lost, recording.duplicated) == (whole, whole, 0, 0)
    assert (recording.strays, recording.early, len(recording.streams)) == (0, 0, 4)
    assert recording.latency.count == whole and recording.histogram.min_s > 0
    assert recording.harness is not None and recording.harness.scheduled_per_s == workload.mean_per_s
    assert sum(part.latencies_s.size for part in run.gathered.parts) == whole
    longest = 5.0  # an idle poll waits half a second; a moment that is not on the sender's clock would be days away
    assert recording.histogram.max_s < longest
    assert recording.throughput_per_s <= 4 * workload.mean_per_s, "no more can arrive in a second than was sent"


class _Failing(Writer):
    """A writer that is lost before it begins."""

    async def carry_out(self, planned: Planned, at: float) -> Written:
        raise FailureError("writing", "the process is gone", "Try again")


async def test_a_writer_that_fails_leaves_nobody_listening(tables: Target) -> None:
    """The fleet's result is not waited for by a task of its own after the error."""
    workload = Workload(route=Route.BROADCAST, rate=Constant(10), seconds=0.5)
    async with _Failing(tables) as writer:
        with pytest.raises(FailureError, match="the process is gone"):
            await measure_with_fleet(tables, workload, sockets=1, label="x", on=Processes(1), writer=writer)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "results of a fleet"]


async def test_what_cannot_be_measured_so_is_refused(tables: Target) -> None:
    """Before anything is started: several channels, deletes, and more than a plan allows."""
    with pytest.raises(SettingsError, match="2 channels"):
        await measure_with_fleet(tables, Workload(route=Route.BROADCAST, channels=2), sockets=1, label="x")
    with pytest.raises(SettingsError, match="deleted row"):
        await measure_with_fleet(tables, Workload(actions=(Action.INSERT, Action.DELETE)), sockets=1, label="x")
    hosted = replace(tables, kind=TargetKind.HOSTED)
    with pytest.raises(SettingsError, match="above the quota"):
        await measure_with_fleet(hosted, Workload(route=Route.BROADCAST, rate=Constant(1_000)), sockets=100, label="x")


def test_schedule() -> None:
    """Numbers of another run have no due time, and before the start nobody has one."""
    schedule = Schedule(100, np.array([0.0, 0.5]))
    assert np.isnan(schedule.places(np.array([100]))[1]).all()
    schedule.start = 10.0
    index, due = schedule.places(np.array([99, 100, 101, 102, -1]))
    assert index.tolist() == [-1, 0, 1, 2, -101]
    assert due[1:3].tolist() == [10.0, 10.5] and np.isnan(due[[0, 3, 4]]).all()
