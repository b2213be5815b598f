"""The wait for a poll is told apart from the work, from the outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.lab.network import Conditions, Way, network
from helpers.profiling.histogram import Floats
from helpers.profiling.workloads import Audience, Constant, Route, Workload, measure
from helpers.profiling.workloads.audience import Hearing
from helpers.profiling.workloads.phases import ANSWER, POLL_WAIT, PROCESSING, poll_phases
from helpers.profiling.workloads.recorder import Recorder
from helpers.target import Target


def polled(due: Floats, first_look: float, every_s: float, takes_s: float, each_s: float) -> Floats:
    """When messages arrive that a server finds by looking every so often; it sends what it has found one by one."""
    look = first_look + every_s * np.ceil(np.maximum(due - first_look, 0) / every_s)
    place = np.array([np.count_nonzero((look == moment) & (due < own)) for moment, own in zip(look, due, strict=True)])
    return look + takes_s + each_s * place


def recorded(due: Floats, arrived: Floats) -> Recorder:
    workload = Workload(rate=Constant(due.size), seconds=1)
    recorder = Recorder(due, 0, Hearing.of(workload, Audience()))
    for number in np.argsort(arrived, kind="stable").tolist():
        recorder.enter(0, number, float(arrived[number]), 100)
    return recorder


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.15, 0.5), st.floats(0.002, 0.1))
def test_a_made_up_poll_is_found(seed: int, every_s: float, takes_s: float) -> None:
    """Whatever its rhythm and its work, both are found to within the bounds of a look."""
    due = np.sort(np.random.default_rng(seed).uniform(0, 3, 600))
    arrived = polled(due, first_look=0.1, every_s=every_s, takes_s=takes_s, each_s=1e-5)
    recorder = recorded(due, arrived)
    waited, worked = (phase.took for phase in poll_phases(recorder))
    assert waited.count == worked.count > 300
    assert worked.total_s / worked.count == pytest.approx(takes_s + 0.001, abs=0.013)
    assert waited.max_s < every_s + 0.013


def test_sparse_messages_tell_nothing() -> None:
    """Where nobody wrote around a look nobody can say when it was."""
    due = np.arange(20) / 4
    assert poll_phases(recorded(due, polled(due, 0.1, 0.5, 0.002, 0))) == ()


def test_nothing_tells_nothing() -> None:
    """No samples, no phases."""
    due = np.arange(20) / 4
    assert poll_phases(recorded(due, np.empty(0))) == ()


async def test_a_slow_way_is_not_taken_for_the_poll(tables: Target) -> None:
    """100 ms on the way home are 100 ms of the second part, while the first keeps the server's rhythm."""
    workload = Workload(rate=Constant(200.0), seconds=1.5)
    async with network(tables, Conditions(to_client=Way(latency_ms=100))) as via:
        recording = await measure(via.target, workload, label="slow way")
    waited, worked, answered = (recording.phase(name) for name in (POLL_WAIT, PROCESSING, ANSWER))
    assert waited is not None
    assert worked is not None
    assert answered is not None
    assert worked.percentile_s(50) >= 0.1 - 0.02
    assert waited.percentile_s(50) > 0.05
    assert answered.percentile_s(50) < 0.08  # the writer goes to the database, not through that network
    assert list(recording.phases_frame()["phase"]) == [POLL_WAIT, PROCESSING, ANSWER]


async def test_broadcasts_are_not_polled(tables: Target) -> None:
    """They have no such part."""
    recording = await measure(tables, Workload(route=Route.HTTP, rate=Constant(50.0), seconds=0.2), label="http")
    assert [phase.name for phase in recording.phases] == [ANSWER]


async def test_throughput_by_socket_and_by_channel(tables: Target) -> None:
    """The streams of a socket, or of a channel, are added up."""
    workload = Workload(route=Route.BROADCAST, channels=2, rate=Constant(200.0), seconds=0.2)
    recording = await measure(tables, workload, Audience(subscribers=4, sockets=2), label="both")
    for by in ("socket", "channel"):
        frame = recording.throughput_frame(by)
        assert len(frame) == 2
        assert frame["received"].tolist() == [40, 40]
        assert frame["messages_per_s"].sum() == pytest.approx(recording.throughput_per_s)
