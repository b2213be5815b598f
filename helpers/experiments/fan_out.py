"""What a broadcast costs as its listeners become more, received by a fleet on Dask."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from helpers.errors import SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.profiling.receiving import Dask, FleetRun, measure_with_fleet
from helpers.profiling.receiving.crew import Crew
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Audience, Constant, Route, Workload, Writer, permit
from helpers.target import Target, TargetKind

__all__ = ["broadcasts", "compare_fan_out"]

QUESTION = "What do more listeners cost a broadcast?"

#: The lab has the real server's quota of 200 users, one of whom sends. Elsewhere sends and deliveries together stay
#: within the free plan's 100 a second.
LISTENERS = {Size.SMALL: (15, 150), Size.FULL: (10, 50, 150)}
GENTLE_LISTENERS = (2, 8)
RATE_PER_S, GENTLE_RATE_PER_S = 10.0, 4.0
SECONDS = {Size.SMALL: 0.5, Size.FULL: 5.0}
ROUNDS = {Size.SMALL: 3, Size.FULL: 8}
WORKERS = 3
MAX_LISTENERS = 10_000

METRICS = (
    Metric("latency p50", "ms"),
    Metric("latency p99", "ms"),
    Metric("lost", "messages"),
)


def broadcasts(target: Target, seconds: float, *, body_bytes: int = 400) -> Workload:
    """Broadcasts on one channel, at a rate that the target's smallest plan bears with a handful of listeners."""
    rate = RATE_PER_S if target.kind is TargetKind.LAB else GENTLE_RATE_PER_S
    return Workload(route=Route.BROADCAST, rate=Constant(rate), seconds=seconds, body_bytes=body_bytes)


async def compare_fan_out(
    target: Target,
    *,
    on: Crew | None = None,
    size: Size | str | None = None,
    listeners: Sequence[int] | None = None,
    body_bytes: int = 400,
    rounds: int | None = None,
) -> Experiment | Skipped:
    """Broadcast at a fixed rate to few listeners and to many, in turns.

    Args:
        on: the fleet's crew, such as an open `Dask`; by default three Dask workers of this machine, for this once.
        listeners: how many sockets, each number an arm; the first is what the others are compared with.
        body_bytes: text in each message.

    Raises:
        SettingsError: an unknown size, or numbers of listeners that make no comparison.
        FailureError: there can be no fleet, or nothing can be sent.
    """
    chosen = experiment_size(size)
    in_lab = target.kind is TargetKind.LAB
    counts = tuple(listeners or (LISTENERS[chosen] if in_lab else GENTLE_LISTENERS))
    if len(set(counts)) < 2 or not 1 <= min(counts) <= max(counts) <= MAX_LISTENERS:
        advice = f"Name at least two different numbers from 1 to {MAX_LISTENERS:,}"
        raise SettingsError("planning the listeners", f"{list(counts)} make no comparison", advice)
    workload = broadcasts(target, SECONDS[chosen], body_bytes=body_bytes)
    if not in_lab:
        try:
            permit(target, workload, Audience(subscribers=max(counts)))
        except SettingsError as above:
            return Skipped("what more listeners cost", above.happened)
    async with AsyncExitStack() as stack:
        crew: Crew = await stack.enter_async_context(Dask(WORKERS)) if on is None else on
        writer = await stack.enter_async_context(Writer(target))
        return await run_rounds(
            "fan-out",
            QUESTION,
            target,
            {f"{count:,} listeners": _arm(target, workload, count, crew, writer) for count in counts},
            metrics=METRICS,
            rounds=rounds or ROUNDS[chosen],
            size=chosen,
            answer=_answer,
            settings={"rate": workload.rate, "seconds": workload.seconds, "body_bytes": body_bytes},
        )


def _arm(target: Target, workload: Workload, listeners: int, crew: Crew, writer: Writer) -> Arm:
    async def run(number: int) -> Outcome:
        label = f"{listeners:,} listeners"
        found = await measure_with_fleet(
            target, workload, sockets=listeners, label=label, run=number, on=crew, writer=writer
        )
        return _outcome(found)

    return run


def _outcome(found: FleetRun) -> Outcome:
    recording = found.recording
    heard = recording.latency.buckets
    values = {
        "latency p50": recording.latency_ms(50) if heard else None,
        "latency p99": recording.latency_ms(99) if heard else None,
        "lost": float(recording.lost),
    }
    return Outcome(values, recording)


def _answer(experiment: Experiment) -> str:
    """Of the most listeners against the fewest."""
    most, fewest = experiment.arms[-1], experiment.arms[0]
    lost = sum(sum(experiment.values(arm, "lost")) for arm in experiment.arms)
    said = f"{lost:,.0f} messages were lost" if lost else "Nobody missed a message"
    for metric in ("latency p50", "latency p99"):
        contrast = experiment.contrast(metric, most)
        verdict = "cannot be compared" if contrast is None else contrast.gain.verdict
        said += f"; {metric} with {most} against {fewest}: {verdict}"
    return f"{said}."
