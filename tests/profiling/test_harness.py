"""Who was the limit, the harness or the target: told from how late the harness itself was."""

from __future__ import annotations

import asyncio
import time

import pytest

from helpers.profiling.harness import BUSY_PERCENT, TICK_S, Harness, LoopWatch, limits


def harness(*, loop_ms: float = 1, sent: float = 100, cpu: float = 10, waited: float = 0) -> Harness:
    return Harness(loop_ms, 2 * loop_ms, 100, sent, 0, cpu, waited)


async def test_a_loop_that_stands_still_is_late_for_all_that_was_due() -> None:
    """Half a second of standing still is a hundred late ticks and not one: what was due meanwhile was late as well."""
    async with LoopWatch() as watch:
        time.sleep(0.5)  # noqa: ASYNC251 - standing still is what is looked for
    assert watch.lateness.count >= 0.5 / TICK_S - 1
    assert watch.lateness.max_s >= 0.5 - 2 * TICK_S
    assert watch.lateness.percentile_s(50) > 0.2
    found = watch.harness(100, 100, 0)
    assert found.loop_late_p99_ms > 400
    assert "its own event loop was late" in limits(found, latency_p99_ms=500)[0]


async def test_a_clock_that_goes_back_makes_no_ticks() -> None:
    """Such a clock gives neither ticks nor negative lateness."""
    times = iter([10.0, 9.0, 9.0, 8.0, 8.0, 8.0])
    async with LoopWatch(clock=lambda: next(times, 8.0)) as watch:
        pass
    assert watch.lateness.count == 0
    assert watch.harness(1, 1, 0).loop_late_max_ms == 0


async def test_a_busy_thread_is_told_from_one_that_waits() -> None:
    """Computing, or waiting for a processor to compute, leaves no time; sleeping does."""
    async with LoopWatch() as busy:
        until = time.monotonic() + 0.3
        while time.monotonic() < until:  # noqa: ASYNC110 - computing is what is looked for
            await asyncio.sleep(0)
    async with LoopWatch() as idle:
        await asyncio.sleep(0.3)
    computing, sleeping = busy.harness(1, 1, 0), idle.harness(1, 1, 0)
    assert computing.cpu_percent > 2 * sleeping.cpu_percent
    assert sleeping.cpu_percent + sleeping.waited_percent < BUSY_PERCENT


@pytest.mark.parametrize(
    ("found", "p99_ms", "says"),
    [
        (harness(), 5.0, None),
        (harness(loop_ms=4), 5.0, None),
        (harness(loop_ms=30), 500.0, None),
        (
            harness(loop_ms=30),
            60.0,
            "harness was the limit: its own event loop was late by 30 ms (p99), beside a latency of 60 ms (p99)",
        ),
        (harness(loop_ms=30), None, "harness was the limit: its own event loop"),
        (harness(sent=50, cpu=97), 5.0, "harness was the limit: 100 messages/s were asked for and 50 were sent"),
        (harness(sent=50, cpu=50, waited=45), 5.0, "waited for a processor for 45 %"),
        (harness(sent=50, cpu=30), 5.0, "the target held up the sender"),
        (harness(sent=99, cpu=99), 5.0, None),
    ],
)
def test_sentences(found: Harness, p99_ms: float | None, says: str | None) -> None:
    """A limit is said where it decides the number, with the numbers it follows from, and not otherwise."""
    sentences = limits(found, p99_ms)
    assert len(sentences) == (says is not None)
    assert all(says in sentence for sentence in sentences if says)


def test_a_late_writer_is_the_harness_too() -> None:
    """A writer in a process of its own never waits for the target, so its lateness is never the target's."""
    (sentence,) = limits(harness(sent=10), 400, writer_late_p99_ms=350)
    assert sentence.startswith("the harness was the limit: its writer was late by 350 ms")
    assert limits(harness(sent=10), 400, writer_late_p99_ms=3) == ()
