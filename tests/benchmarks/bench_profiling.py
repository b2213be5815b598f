"""What the measuring itself costs: the writer's punctuality, the ledger, the statistics."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

import numpy as np

from helpers.lab import Lab
from helpers.profiling.ledger import Ledger
from helpers.profiling.load import Load
from helpers.profiling.recorder import Recorder
from helpers.profiling.statistics import summarize
from helpers.profiling.workload import Workload
from helpers.workspace import fill

RATES = (200, 1_000, 5_000)
BLOCK = 512
STREAMS = (1, 16, 1_000)
MESSAGES = 96 * BLOCK
ROUNDS = 5


def main() -> None:
    asyncio.run(_writer())
    _ledger()
    _statistics()


async def _writer() -> None:
    print("writer: rows as scheduled, each a transaction of its own, for 2 s")
    async with Lab() as lab:
        await fill(lab.target)
        async with Load(lab.target, "events") as load:
            for rate in RATES:
                written = await load.carry_out(load.plan(Workload(rate_per_s=rate, seconds=2)))
                late = f"late p99 {written.late_p99_ms:.2f} ms, max {written.late_max_ms:.2f} ms"
                print(f"  {rate:>6,}/s  {written.committed:>6,} committed, {late}")


def _ledger() -> None:
    def enter() -> None:
        recorder = Recorder(Workload(rate_per_s=5_000, seconds=10), 0.0, 0, 123)
        for index in range(MESSAGES):
            recorder.on_receipt(index, 1.0, 900)

    print(f"recorder, message by message: {_median_s(enter) / MESSAGES * 1e9:.0f} ns for each message")
    for streams in STREAMS:
        spent_s = _median_s(lambda streams=streams: _enter_blocks(streams))
        print(f"ledger, {streams:,} streams, blocks of {BLOCK}: {spent_s / MESSAGES * 1e9:.0f} ns for each message")


def _enter_blocks(streams: int) -> None:
    ledger, size = Ledger(streams, MESSAGES // streams + 1), np.full(BLOCK, 400)
    for begin in range(0, MESSAGES, BLOCK):
        index = np.arange(begin, begin + BLOCK)
        due = index * 1e-5
        ledger.record_many(index % streams, index // streams, due, due + 0.001, size)


def _statistics() -> None:
    print("summary with its bootstrap interval")
    for size in (100, 1_000, 30_000):
        sample = np.random.default_rng(0).exponential(size=size)
        print(f"  {size:>6,} values  {_median_s(lambda values=sample: summarize(values, block=10)) * 1e3:.0f} ms")


def _median_s(work: Callable[[], object]) -> float:
    """Median duration of some rounds."""
    durations = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)
