"""How fast each route's writer goes before it no longer keeps its schedule, and how punctual it is before that."""

from __future__ import annotations

import asyncio
import statistics
import time

from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling.harness import RATE_KEPT
from helpers.profiling.histogram import Counts, Histogram
from helpers.profiling.workloads import Constant, Route, Workload, Writer
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.writer import LEAD_S
from helpers.workspace import fill

#: Each rate is twice the one before; the last is just below the bound of all rates.
LEAST_PER_S, STEPS = 190, 9
SECONDS = 1.0
#: Of so many runs the median counts.
RUNS = 3


def main() -> None:
    asyncio.run(_all_routes())


async def _all_routes() -> None:
    limits = Limits(joins_per_s=1e9, events_per_s=1e12, batch_messages=1_000_000)
    print(f"messages of 400 bytes, {SECONDS:g} s a step, median of {RUNS} runs; kept: at least {100 * RATE_KEPT:.0f} %")
    print(f"{'route':<10} {'kept (1/s)':>11} {'late p99 (ms)':>14} {'answer p50 (ms)':>16}   then")
    async with Lab(LabSettings(realtime=RealtimeSettings(limits=limits))) as lab:
        await fill(lab.target)
        for route in Route:
            async with Writer(lab.target) as writer:
                await _route(writer, route)


async def _route(writer: Writer, route: Route) -> None:
    """Faster and faster, until the schedule is not kept or messages are not taken."""
    best: tuple[float, list[Written]] | None = None
    for step in range(STEPS):
        rate = LEAST_PER_S * 2**step
        runs = [await _write(writer, route, rate) for _ in range(RUNS)]
        kept = statistics.median(run.harness.sent_per_s for run in runs)
        missing = sum(len(run.missing) for run in runs)
        if kept < RATE_KEPT * rate or missing:
            then = f"asked for {rate:,}/s: {kept:,.0f}/s sent" + (f", {missing:,} not taken" if missing else "")
            break
        best = rate, runs
    else:
        then = "the fastest that was tried"
    print(_line(route, best, then), flush=True)


async def _write(writer: Writer, route: Route, rate: float) -> Written:
    planned = await writer.prepare(Workload(route=route, rate=Constant(rate), seconds=SECONDS))
    return await writer.carry_out(planned, time.monotonic() + LEAD_S)


def _line(route: Route, best: tuple[float, list[Written]] | None, then: str) -> str:
    if best is None:
        return f"{route:<10} {'none':>11} {'':>14} {'':>16}   {then}"
    rate, runs = best
    late_ms = statistics.median(run.late_p99_ms for run in runs)
    answers = [run.answered for run in runs if run.answered.count]
    answer = f"{_median_ms(answers):.2f}" if answers else "no answers"
    return f"{route:<10} {rate:>11,} {late_ms:>14.2f} {answer:>16}   {then}"


def _median_ms(answers: list[Counts]) -> float:
    return 1e3 * statistics.median(Histogram.merged([part]).percentile_s(50) for part in answers)
