"""The whole way against a lab: measure, fit, check."""

from __future__ import annotations

import psutil
import pytest

from helpers.capacity import Design, Flow, Point, measure_capacity
from helpers.capacity.crowd import Crowd
from helpers.errors import FailureError, SettingsError
from helpers.profiling.receiving import Listening
from helpers.target import Target


async def test_the_model_is_right_about_loads_that_it_was_not_fitted_to() -> None:
    """Of a single quick round, on whatever this machine is doing, half of the held-out predictions are within 20 %.

    The benchmark asks for all of them, in several rounds. No process is left behind.
    """
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    capacity = await measure_capacity()
    assert capacity.check.median_error_percent < 20, str(capacity)
    assert len(capacity.check.held_out) == 17
    assert sum(one.lost for one in capacity.observations) == 0, capacity.notes
    server = capacity.times.best.broadcast_server
    assert 0 < server["turn"] + server["write"] + server["message"] + server["delivery"] < 0.01
    assert capacity.idle.join_s.mean > 0 and capacity.idle.connect_ms > 0
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


async def test_too_small_a_design_is_told_before_anything_is_measured() -> None:
    """Two loads cannot tell six times."""
    few = tuple(Point(Flow.BROADCAST, subscribers, 50.0, 100, seconds=0.2) for subscribers in (1, 2))
    with pytest.raises(SettingsError, match="2 different loads by broadcast cannot tell 6 times of the server"):
        await measure_capacity(design=Design(few, (), rounds=1, idle=(2, 3, 4)))


async def test_a_receiving_process_that_dies_is_told(target: Target) -> None:
    """Not waited for."""
    order = Listening(target=target, channels=("capacity:gone",), sockets=1, messages=1, limit_s=1)
    async with Crowd(processes=1) as crowd:
        assert await crowd.join(order) == 1
        psutil.Process(crowd.pid).kill()
        with pytest.raises(FailureError, match="ended"):
            await crowd.join(order)


async def test_a_subscriber_that_is_refused_does_not_count(target: Target) -> None:
    """A token that nobody signed."""
    order = Listening(target=target, channels=("capacity:refused",), sockets=1, messages=1, limit_s=1, join_limit_s=9)
    async with Crowd(processes=1) as crowd:
        assert await crowd.join(order, tokens=["not.a.token"]) == 0
