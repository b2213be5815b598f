"""Many processes with one start and one result."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psutil
import pytest

from helpers.client import RealtimeClient
from helpers.errors import SettingsError
from helpers.profiling.histogram import Histogram
from helpers.profiling.receiving import Attended, Fleet, Listening, Processes, gathered, listen
from helpers.target import Target

MESSAGES = 50


async def send(target: Target, topic: str, at: float) -> None:
    async with RealtimeClient(target) as client:
        channel = client.channel(topic)
        await channel.subscribe()
        await asyncio.sleep(at - time.monotonic())
        for number in range(MESSAGES):
            await channel.broadcast("m", {"seq": number, "due": time.monotonic()})


def order(target: Target, topic: str, limit_s: float = 10) -> Listening:
    return Listening(target=target, channels=(topic,), sockets=30, messages=MESSAGES, limit_s=limit_s)


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_a_fleet_receives_everything_from_one_start_on(wide: Target) -> None:
    """All sockets of all processes, in one histogram; afterwards no process is left."""
    async with Fleet(order(wide, "fleet"), on=Processes(3)) as fleet:
        pids = fleet.pids
        at, result = fleet.start()
        await send(wide, "fleet", at)
        found = await result
    assert fleet.joined == found.joined == found.streams == 30
    assert (found.distinct, found.lost, found.duplicated, found.gone) == (30 * MESSAGES, 0, 0, ())
    assert found.latency.count == 30 * MESSAGES and len(found.parts) == 3
    assert found.latency.max_s == max(Histogram.merged([part.latency]).max_s for part in found.parts)
    assert min(part.first_at for part in found.parts) >= at
    assert not any(map(is_running, pids))


async def test_a_process_that_dies_is_told_and_what_it_missed_is_lost(wide: Target) -> None:
    """The others' results stand."""
    async with Fleet(order(wide, "dying"), on=Processes(3)) as fleet:
        os.kill(fleet.pids[1], signal.SIGKILL)
        at, result = fleet.start()
        await send(wide, "dying", at)
        found = await result
    assert len(found.gone) == 1 and "process 2 of 3" in found.gone[0]
    assert (found.streams, found.joined, found.lost) == (30, 20, 10 * MESSAGES)
    assert found.distinct == 20 * MESSAGES


async def test_leaving_early_leaves_no_process(wide: Target) -> None:
    """An interruption between start and result ends all of them."""
    with pytest.raises(KeyboardInterrupt):
        async with Fleet(order(wide, "interrupted"), on=Processes(2)) as fleet:
            pids = fleet.pids
            fleet.start()
            raise KeyboardInterrupt
    assert len(pids) == 2 and not any(map(is_running, pids))


async def test_a_fleet_of_nobody_is_refused(wide: Target) -> None:
    """Before a process is started."""
    with pytest.raises(SettingsError):
        Fleet(order(wide, "nobody"), on=Processes(0))


async def test_gathered_percentiles_are_those_of_the_pooled_samples(wide: Target) -> None:
    """Results of plain functions, wherever they ran, come together as those of a fleet do."""
    topic, parts = "gathered", []
    orders = [order(wide, topic, limit_s=5) for _ in range(3)]
    results = [asyncio.create_task(listen(each)) for each in orders]
    await asyncio.sleep(0.5)
    await send(wide, topic, time.monotonic())
    parts = [await result for result in results]
    found = gathered([Attended("here", part.streams, MESSAGES, part) for part in parts])
    pooled = Histogram.merged([part.latency for part in parts])
    assert found.received == found.latency.count == pooled.count == 90 * MESSAGES
    assert [found.latency.percentile_s(p) for p in (50, 99)] == [pooled.percentile_s(p) for p in (50, 99)]
