"""What the measuring itself costs: the books and the statistics (the writer has `bench_workloads`)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from helpers.profiling.ledger import Ledger
from helpers.profiling.statistics import summarize
from helpers.profiling.workloads import Audience, Constant, Workload
from helpers.profiling.workloads.audience import Hearing
from helpers.profiling.workloads.recorder import Recorder

BLOCK = 512
STREAMS = (1, 16, 1_000)
MESSAGES = 96 * BLOCK
ROUNDS = 5


def main() -> None:
    _ledger()
    _statistics()


def _ledger() -> None:
    workload = Workload(rate=Constant(5_000.0), seconds=10)

    def enter() -> None:
        recorder = Recorder(workload.due_s(), 0, Hearing.of(workload, Audience()))
        for number in range(MESSAGES):
            recorder.enter(0, number, 20.0, 900)

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
