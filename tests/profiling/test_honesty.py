"""Faults that are put in on purpose are found, in their true size: the numbers can be quoted.

The faults are made by a network in front of the lab, so that everything else is real. Which messages they meet is drawn
beforehand, so that the truth is known exactly; of durations only what no slow machine can change is asserted.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time

import psutil
import pytest

from helpers.client import RealtimeClient
from helpers.lab.network import (
    PERFECT,
    Conditions,
    Ending,
    FrameRule,
    Network,
    Way,
    broadcasts,
    delay,
    drop,
    network,
    repeat,
)
from helpers.profiling import BroadcastStep, Histogram, Recording, profile_broadcast
from helpers.profiling.harness import HARNESS_LIMIT
from helpers.profiling.recording import NO_SAMPLES
from helpers.profiling.workloads import Constant, Route, Workload, Writer, measure
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.writer import SEQUENCE_SPAN, Planned
from helpers.target import Target
from helpers.wire.events import Event
from helpers.wire.frames import BinaryBroadcast, Message
from helpers.wire.join import JoinConfig

RATE_PER_S = 400.0
SECONDS = 2.5
MESSAGES = 1_000
#: The first message after a moment is due so much later at most, and a bucket of a histogram is as wide.
SLACK_S = 4 / RATE_PER_S
#: One in a hundred, of those that have enough behind them to be overtaken by.
CHOSEN = random.Random(4).sample(range(MESSAGES - 300), 3 * MESSAGES // 100)
LOST, DOUBLED, LATE = (frozenset(CHOSEN[begin::3]) for begin in range(3))


def number_of(message: Message) -> int | None:
    """The place of a broadcast of the profiler in its run."""
    if isinstance(message, BinaryBroadcast):
        return int(json.loads(message.payload)["seq"]) % SEQUENCE_SPAN
    if not (broadcasts(message) and isinstance(message.payload, dict)):
        return None
    return int(message.payload["payload"]["seq"]) % SEQUENCE_SPAN


def to_client(*rules: FrameRule, latency_ms: float = 0.0) -> Conditions:
    return Conditions(to_client=Way(latency_ms=latency_ms, frames=rules))


async def measured(
    target: Target, conditions: Conditions = PERFECT, *, rate_per_s: float = RATE_PER_S, seconds: float = SECONDS
) -> tuple[BroadcastStep, Recording]:
    """What the profiler says of a network."""
    async with network(target, conditions) as via:
        return recorded(await profile_broadcast(via.target, rates_per_s=[rate_per_s], seconds=seconds, body_bytes=50))


def recorded(profile: object) -> tuple[BroadcastStep, Recording]:
    (step,) = profile.steps  # type: ignore[attr-defined]
    assert step.recording is not None
    return step, step.recording


def interval(recording: Recording, metric: str) -> tuple[float, float]:
    frame = recording.to_frame().set_index("metric")
    return float(frame.loc[metric, "low"]), float(frame.loc[metric, "high"])


async def test_loss_doubling_and_reordering_are_found(target: Target) -> None:
    """One message in a hundred lost, one doubled, one overtaken: each is counted exactly, and lies in its interval."""
    rules = (
        drop(lambda message: number_of(message) in LOST),
        repeat(lambda message: number_of(message) in DOUBLED),
        delay(lambda message: number_of(message) in LATE, 400),
    )
    step, recording = await measured(target, to_client(*rules))
    assert recording.sent == recording.expected == MESSAGES
    assert (step.lost, step.duplicated, step.reordered) == (10, 10, 10)
    assert (recording.lost, recording.duplicated, recording.reordered) == (10, 10, 10)
    assert recording.received == MESSAGES
    assert recording.histogram.count == MESSAGES - 10
    for metric in ("lost_percent", "duplicated_percent", "reordered_percent"):
        low, high = interval(recording, metric)
        assert low < 1.0 < high < 2.0
    (stream,) = recording.streams
    assert (stream.received, stream.distinct) == (MESSAGES, MESSAGES - 10)
    assert recording.wire_bytes > recording.payload_bytes > 50 * MESSAGES


async def test_a_clean_network_has_no_faults(target: Target) -> None:
    """What is not there is not found."""
    step, recording = await measured(target, seconds=1)
    assert (step.sent, step.received, step.lost, step.duplicated, step.reordered) == (400, 400, 0, 0, 0)
    assert (recording.strays, recording.early) == (0, 0)


async def test_a_delay_is_found(target: Target) -> None:
    """100 ms more on the way are 100 ms more in every percentile."""
    _, plain = await measured(target, seconds=1)
    _, slow = await measured(target, to_client(latency_ms=100), seconds=1)
    assert slow.histogram.min_s >= 0.1
    low, high = interval(slow, "latency_p50_ms")
    assert 100 * (1 - 0.004) <= low <= high
    # Both medians hold what lab and harness take; what is left is the network.
    assert slow.latency_ms(50) - plain.latency_ms(50) == pytest.approx(100, rel=0.5)


class ClosedLoop:
    """The other kind of tool: it sends, waits for the answer, and only then sends the next; a pause pauses it too."""

    def __init__(self) -> None:
        self.latency = Histogram()
        self.under_way = asyncio.Event()

    async def run(self, target: Target, seconds: float) -> None:
        answered = asyncio.Event()

        def on_event(_: Event) -> None:
            answered.set()

        async with RealtimeClient(target) as client:
            channel = client.channel(f"closed:{secrets.token_hex(4)}", JoinConfig(broadcast_self=True))
            await channel.subscribe()
            channel.on_event(on_event)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                answered.clear()
                sent_at = time.monotonic()
                await channel.broadcast("ping", {"seq": -1})
                await answered.wait()
                self.latency.record(time.monotonic() - sent_at)
                if self.latency.count >= 20:
                    self.under_way.set()


async def messages_flow(via: Network) -> None:
    """Until more has come than the answers to joins are."""
    async with asyncio.timeout(30):
        while via.counters.bytes_to_client < 10_000:  # noqa: ASYNC110 - the bytes count themselves
            await asyncio.sleep(0.01)


async def stall(via: Network, under_way: asyncio.Event) -> float:
    """Hold up everything for half a second once both tools are at work; returns for how long it was."""
    await under_way.wait()
    await asyncio.sleep(0.3)
    began = time.monotonic()
    via.set(Conditions(to_client=Way(held=True), to_server=Way(held=True)))
    await asyncio.sleep(0.5)
    via.set(PERFECT)
    return time.monotonic() - began


async def test_a_stall_is_found_that_a_closed_loop_hides(target: Target) -> None:
    """Of 2.5 s half a second stands still: a fifth of what is due is late, and p99 says so; the closed loop, which sent
    nothing meanwhile, has one late message among hundreds and a p99 as if nothing had been."""
    closed = ClosedLoop()
    async with network(target) as via, asyncio.TaskGroup() as group:
        opened = group.create_task(
            profile_broadcast(via.target, rates_per_s=[RATE_PER_S], seconds=SECONDS, body_bytes=50)
        )
        await messages_flow(via)
        group.create_task(closed.run(via.target, SECONDS - 0.5))
        stalled = group.create_task(stall(via, closed.under_way))
    step, recording = recorded(opened.result())
    stalled_s, histogram = stalled.result(), recording.histogram
    assert step.lost == 0
    # Due during the stall: 400/s times its length; each late by what was left of it, up to all of it.
    assert histogram.max_s >= stalled_s - SLACK_S
    assert histogram.percentile_s(99) >= stalled_s - 0.01 * MESSAGES / RATE_PER_S - SLACK_S
    assert histogram.percentile_s(90) >= stalled_s - 0.1 * MESSAGES / RATE_PER_S - SLACK_S
    assert histogram.interval_s(99)[1] >= stalled_s - 0.05
    assert step.latency_ms is not None
    assert step.latency_ms.p99 == pytest.approx(recording.latency_ms(99), rel=0.1)
    # The same network at the same time, by the closed loop.
    assert closed.latency.count > 110  # so many that one late message is none of the slowest hundredth
    assert closed.latency.max_s >= stalled_s - 0.05
    assert closed.latency.percentile_s(99) < histogram.percentile_s(99) / 2


async def test_a_late_writer_is_told(target: Target) -> None:
    """A writer that the machine stops for half a second is the harness's doing, and the target is not blamed for it."""
    workload = Workload(route=Route.BROADCAST, rate=Constant(RATE_PER_S), seconds=1)

    class Stopped(Writer):
        async def carry_out(self, planned: Planned, at: float) -> Written:
            asyncio.get_running_loop().call_later(at - time.monotonic() + 0.3, self.pause)
            return await super().carry_out(planned, at)

        def pause(self) -> None:
            process = psutil.Process(self.pid)
            process.suspend()
            asyncio.get_running_loop().call_later(0.5, process.resume)

    async with Stopped(target) as writer:
        recording = await measure(target, workload, label="stopped", writer=writer)
    assert recording.harness is not None
    assert recording.harness.send_late_ms >= 400
    assert recording.histogram.max_s >= 0.4  # a message that was sent late is as late as that
    assert any(note.startswith(f"{HARNESS_LIMIT}: its") for note in recording.notes)
    assert not any("the target" in note for note in recording.notes)


async def test_a_late_reader_is_told(target: Target) -> None:
    """Whatever keeps the reading event loop from its work, the target is not blamed for it."""

    async def hog() -> None:
        while True:
            time.sleep(0.03)  # noqa: ASYNC251 - whatever else this event loop may have to do
            await asyncio.sleep(0)

    busy = asyncio.create_task(hog())
    try:
        step, recording = await measured(target, rate_per_s=200, seconds=0.5)
    finally:
        busy.cancel()
    assert recording.harness is not None
    assert recording.harness.loop_late_p99_ms >= 20
    assert f"{HARNESS_LIMIT}: its own event loop was late by" in step.note
    assert "the target" not in step.note


async def test_a_connection_that_breaks_is_told(target: Target) -> None:
    """What could not be received is lost, with the reason; what was never sent is not expected."""

    async def cut(via: Network) -> None:
        await messages_flow(via)
        via.cut(Ending.RESET)

    async with network(target) as via, asyncio.TaskGroup() as group:
        measuring = group.create_task(profile_broadcast(via.target, rates_per_s=[200], seconds=2))
        group.create_task(cut(via))
    step, recording = recorded(measuring.result())
    assert recording.sent < 400
    assert recording.expected == recording.sent
    assert recording.lost == recording.sent - recording.received
    assert "the connection" in step.note
    assert "1 channel ended before the last message" in step.note


async def test_no_sample_is_no_number(target: Target) -> None:
    """Where nothing arrives there is no latency, and a sentence instead of a zero."""
    step, recording = await measured(target, to_client(drop(broadcasts)), rate_per_s=50, seconds=0.4)
    assert (step.sent, step.received, step.lost, step.latency_ms) == (20, 0, 20, None)
    assert NO_SAMPLES in step.note
    assert "latency_p50_ms" not in set(recording.to_frame()["metric"])


async def test_a_clock_that_jumps_changes_nothing(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock on the wall is put back by an hour at every look: durations come from another one."""
    real, looks = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: real() - 3_600 * next(looks))
    _, recording = await measured(target, rate_per_s=100, seconds=0.5)
    assert (recording.received, recording.lost, recording.early) == (50, 0, 0)
    assert 0 < recording.histogram.min_s <= recording.histogram.max_s < 60
