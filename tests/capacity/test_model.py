"""Predictions, and how far a load can grow."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from helpers.capacity import TARGETS, Axis, Capacity, Ceiling, Flow, Load, ceilings, ceilings_frame
from helpers.capacity.model import pace_of, serve_load
from tests.capacity.synthetic import ENVELOPE_BYTES, IDLE, TRUE

LOAD = Load(Flow.BROADCAST, subscribers=100, rate_per_s=20, body_bytes=500)


def found(capacity: Capacity, load: Load, axis: Axis) -> dict[str, Ceiling]:
    return {one.goal: one for one in ceilings(capacity.model, load, axis)}


@pytest.fixture(scope="module")
def reach(capacity: Capacity) -> dict[Axis, dict[str, Ceiling]]:
    """How far that load can grow by each thing."""
    return {axis: found(capacity, LOAD, axis) for axis in Axis}


def test_more_of_anything_takes_more(capacity: Capacity) -> None:
    """Subscribers, messages, channels and bytes: cores and delay do not become less."""
    before = capacity.model.predict(LOAD)
    for change in ({"subscribers": 400}, {"rate_per_s": 80}, {"channels": 4}, {"body_bytes": 20_000}):
        after = capacity.model.predict(replace(LOAD, **change))  # type: ignore[arg-type]
        assert after.server_cores > before.server_cores
        assert after.delivery_p95_ms >= 0.9 * before.delivery_p95_ms


def test_beyond_the_knee_nothing_is_delivered_in_time(capacity: Capacity) -> None:
    """Where each message alone takes longer than the time to the next one."""
    pace = pace_of(LOAD, TRUE)
    assert serve_load(replace(LOAD, rate_per_s=0.9 / pace.each_s), TRUE) is not None
    beyond = replace(LOAD, rate_per_s=1.1 / pace.each_s)
    assert serve_load(beyond, TRUE) is None
    assert math.isinf(capacity.model.predict(beyond).delivery_p95_ms)
    assert capacity.model.predict(beyond).server_cores > 1


def test_an_idle_connection_takes_its_heartbeats_and_its_memory(capacity: Capacity) -> None:
    """10,000 of them, with next to no messages."""
    idle = capacity.model.predict(replace(LOAD, subscribers=1, channels=10_000, rate_per_s=1e-6))
    assert idle.server_cores == pytest.approx(10_000 * IDLE.heartbeat_s.mean / 25, abs=0.01)
    assert idle.server_bytes == pytest.approx(10_000 * IDLE.server_bytes.per_one)


def test_a_ceiling_keeps_to_its_target_and_a_bit_more_does_not(
    capacity: Capacity, reach: dict[Axis, dict[str, Ceiling]]
) -> None:
    """For each target and each thing that can grow, unless it is missed from the start or never."""
    goals = {goal.name: goal for goal in TARGETS}
    for axis, ceilings_by_goal in reach.items():
        for name, ceiling in ceilings_by_goal.items():
            value, low, high = ceiling.at
            assert low <= value <= high
            if 0 < value < math.inf:
                at, above = {axis.value: value}, {axis.value: math.ceil(1.2 * value)}
                assert goals[name].is_met(capacity.model.predict(replace(LOAD, **at)))  # type: ignore[arg-type]
                assert not goals[name].is_met(capacity.model.predict(replace(LOAD, **above)))  # type: ignore[arg-type]


def test_throughput_of_a_channel_ends_where_the_deliveries_of_a_message_take_a_millisecond(
    capacity: Capacity, reach: dict[Axis, dict[str, Ceiling]]
) -> None:
    """1,000 messages a second leave each of them 1 ms of the loop."""
    most = reach[Axis.SUBSCRIBERS]["throughput of a channel"].at.value
    times = capacity.times.best.broadcast_server
    expected = (1e-3 - times["message"]) / (times["delivery"] + times["kilobyte"] * 0.5)
    assert most == pytest.approx(expected, rel=0.06)


def test_changes_that_are_polled_miss_the_target_for_delivery_from_the_first_on(capacity: Capacity) -> None:
    """The server looks twice a second: half of the changes wait longer than 250 ms."""
    load = Load(Flow.CHANGES, subscribers=1, rate_per_s=1)
    assert capacity.model.predict(load).delivery_p50_ms == pytest.approx(255, rel=0.1)
    ceiling = found(capacity, load, Axis.SUBSCRIBERS)["delivery"]
    assert ceiling.at.value == 0 and "missed from the first one on" in str(ceiling)


def test_the_payload_fails_by_its_size_only(reach: dict[Axis, dict[str, Ceiling]]) -> None:
    """At 1,000 bytes with everything around the text."""
    assert math.isinf(reach[Axis.SUBSCRIBERS]["payload"].at.value)
    largest = reach[Axis.BODY]["payload"].at.value
    assert largest == pytest.approx(1_000 - ENVELOPE_BYTES, rel=0.06)


def test_policies_cost_more_than_none(capacity: Capacity) -> None:
    """Server and database are asked for each subscriber."""
    plain, secured = (capacity.model.predict(Load(flow, 200, 1, 5)) for flow in (Flow.CHANGES, Flow.SECURED))
    assert secured.database_cores > 1.1 * plain.database_cores


def test_what_fails_first_is_marked(capacity: Capacity) -> None:
    """Once in each column."""
    frame = ceilings_frame(capacity.model, LOAD)
    assert set(frame.index) == {goal.name for goal in TARGETS}
    assert [int(frame[column].str.contains("first").sum()) for column in frame] == [1] * len(Axis)
