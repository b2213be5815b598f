"""The whole way against a lab: measure, fit, check."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psutil
import pytest

from helpers.capacity import Design, Flow, Point, measure_capacity
from helpers.capacity.crowd import Crowd
from helpers.errors import FailureError, SettingsError
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import RealtimeSettings
from helpers.profiling.receiving import Listening
from helpers.target import Target

#: As many loads as the times need to be told apart, and three more; each as short as its flow allows.
_SHORT = Design(
    fitted=(
        *(Point(Flow.BROADCAST, *one, seconds=0.3) for one in ((1, 100, 200), (20, 400, 200), (100, 50, 200))),
        *(
            Point(Flow.BROADCAST, *one, seconds=0.3)
            for one in ((1, 3_000, 200, 30), (40, 50, 2_000), (40, 2_000, 200, 40))
        ),
        *(Point(Flow.CHANGES, *one, seconds=0.6) for one in ((1, 20, 200), (100, 40, 200, 4), (60, 150, 2_000, 30))),
        *(Point(Flow.SECURED, *one, seconds=0.6) for one in ((10, 10, 1_000), (80, 60, 200, 6), (30, 150, 200, 15))),
        *(Point(Flow.CHANGES, *one, seconds=0.6) for one in ((50, 8, 600), (100, 150, 200, 15))),
    ),
    held_out=(
        Point(Flow.BROADCAST, 50, 120, 800, seconds=0.3),
        Point(Flow.CHANGES, 80, 90, 400, 9, seconds=0.6),
        Point(Flow.SECURED, 60, 90, 400, 9, seconds=0.6),
    ),
    rounds=1,
    at_once=True,
    idle=(10, 20, 30),
)


async def test_the_model_is_right_about_loads_that_it_was_not_fitted_to() -> None:
    """Of a single quick round, on whatever this machine is doing, half of the held-out predictions are within 30 %.

    The benchmark asks for all of them and for 20 %, in several rounds. No process is left behind.
    """
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    capacity = await measure_capacity(design=_SHORT)
    assert capacity.check.median_error_percent < 30, str(capacity)
    assert {row.point for row in capacity.check.held_out} == set(_SHORT.held_out)
    assert len(capacity.check.held_out) == 2 + 4 + 3
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


@pytest.fixture(scope="module")
async def quick() -> AsyncIterator[Target]:
    """A lab that refuses a join at once."""
    async with Lab(LabSettings(realtime=RealtimeSettings(join_error_delay_s=0.05))) as lab:
        yield lab.target


async def test_a_receiving_process_that_dies_is_told(quick: Target) -> None:
    """Not waited for."""
    order = Listening(target=quick, channels=("capacity:gone",), sockets=1, messages=1, limit_s=1)
    async with Crowd(processes=1) as crowd:
        assert await crowd.join(order) == 1
        psutil.Process(crowd.pid).kill()
        with pytest.raises(FailureError, match="ended"):
            await crowd.join(order)


async def test_a_subscriber_that_is_refused_does_not_count(quick: Target) -> None:
    """A token that nobody signed."""
    order = Listening(target=quick, channels=("capacity:refused",), sockets=1, messages=1, limit_s=1, join_limit_s=9)
    async with Crowd(processes=1) as crowd:
        assert await crowd.join(order, tokens=["not.a.token"]) == 0
