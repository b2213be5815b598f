"""The paths side by side at one load: how late, how much, and at what cost for the database."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial

from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.paths.answer import paths_answer
from helpers.experiments.paths.catalog import Path, paths_of
from helpers.experiments.paths.delivery import TARGET_MS, Delivery, Load, deliver, permit_load
from helpers.experiments.paths.stage import Stage, open_stage
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Writer
from helpers.target import Target, TargetKind

__all__ = ["METRICS", "compare_paths"]

METRICS = (
    Metric("p50", "ms"),
    Metric("p95", "ms"),
    Metric("p99", "ms"),
    Metric("in time", "% of changes", higher_is_better=True, most=100.0),
    Metric("lost", "%", most=100.0),
    Metric("wire", "bytes a delivery"),
    Metric("client CPU", "ms per 1,000 deliveries"),
    Metric("server CPU", "ms per 100 changes"),
    Metric("database CPU", "ms per 100 changes"),
    Metric("log", "bytes a change"),
    Metric("transaction ids", "a change"),
    Metric("queries", "1/s"),
    Metric("connections", "to the database"),
)

#: Of the lab, and of everything else, where twice the free plan's quota of a second must not be reached.
_RATE_PER_S, _GENTLE_RATE_PER_S = {Size.SMALL: 150.0, Size.FULL: 100.0}, 10.0
_SUBSCRIBERS, _GENTLE_SUBSCRIBERS = 20, 5
_SECONDS = {Size.SMALL: 0.2, Size.FULL: 3.0}
_GENTLE_SECONDS = 3.0
_ROUNDS = {Size.SMALL: 3, Size.FULL: 5}

QUESTION = "By which path does a new row reach an application soonest, and what does each path cost?"


async def compare_paths(
    target: Target,
    *,
    size: Size | str | None = None,
    paths: Sequence[Path] = (),
    subscribers: int | None = None,
    rate_per_s: float | None = None,
    seconds: float | None = None,
    rounds: int | None = None,
    target_ms: float = TARGET_MS,
) -> Experiment | Skipped:
    """Deliver the same rows by `postgres_changes`, by broadcasts of every origin, by polling and by LISTEN/NOTIFY.

    Rows are numbered and due at fixed times; every subscriber should have every one of them. The database's share holds
    the INSERT itself. A broadcast by a client or by HTTP is no row: whoever sends it must store the row as well.

    Args:
        paths: by default those of the size; the first is what the others are compared with. subscribers: of each.
        rate_per_s, seconds: of each run; by default what fits a free plan if it is no lab.
        target_ms: "in time" is what every subscriber had so soon.

    Raises:
        SettingsError: there is no such size, or it would go above the quota of a target unasked.
        FailureError: no path could be measured.
    """
    if not (target.writes_allowed and target.database_url):
        return Skipped("delivery paths", "it writes rows: set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes")
    chosen, in_lab = experiment_size(size), target.kind is TargetKind.LAB
    load = Load(
        rate_per_s or (_RATE_PER_S[chosen] if in_lab else _GENTLE_RATE_PER_S),
        seconds or (_SECONDS[chosen] if in_lab else _GENTLE_SECONDS),
        subscribers or (_SUBSCRIBERS if in_lab else _GENTLE_SUBSCRIBERS),
    )
    compared = paths or paths_of(chosen)
    for path in compared:
        permit_load(target, path, load)
    async with contextlib.AsyncExitStack() as stack:
        writer = await stack.enter_async_context(Writer(target))
        stages = [await stack.enter_async_context(open_stage(target, path)) for path in compared]
        return await run_rounds(
            "delivery paths",
            QUESTION,
            target,
            {stage.path.name: _arm(stage, writer, load, target_ms) for stage in stages},
            metrics=METRICS,
            rounds=rounds or _ROUNDS[chosen],
            size=chosen,
            answer=partial(paths_answer, target_ms=target_ms, load=load),
            settings={"load": load, "seconds of a run": load.seconds, "target": f"{target_ms:g} ms"},
        )


def _arm(stage: Stage, writer: Writer, load: Load, target_ms: float) -> Arm:
    async def arm(number: int) -> Outcome:
        delivery = await deliver(stage, writer, load, run=number, target_ms=target_ms)
        return Outcome(values_of(delivery), delivery.recording)

    return arm


def values_of(delivery: Delivery) -> dict[str, float | None]:
    """The figures of one run."""
    recording, usage, deliveries = delivery.recording, delivery.usage, delivery.deliveries
    latencies = {f"p{percent}": recording.latency_ms(percent) if deliveries else None for percent in (50, 95, 99)}
    server_s = None if usage.server_cpu_s is None else usage.server_cpu_s + (usage.rest_cpu_s or 0.0)
    return {
        **latencies,
        "in time": 100 * delivery.in_time / delivery.changes,
        "lost": 100 * recording.lost / recording.expected if recording.expected else None,
        "wire": delivery.wire_bytes / deliveries if delivery.wire_bytes is not None and deliveries else None,
        "client CPU": 1e6 * usage.client_cpu_s / deliveries if deliveries else None,
        "server CPU": _per_100(server_s, delivery),
        "database CPU": _per_100(usage.database_cpu_s, delivery),
        "log": delivery.wal_bytes / delivery.changes,
        "transaction ids": delivery.writes / delivery.changes,
        "queries": delivery.queries_per_s,
        "connections": float(delivery.connections),
    }


def _per_100(cpu_s: float | None, delivery: Delivery) -> float | None:
    """Milliseconds of CPU for a hundred changes."""
    return None if cpu_s is None else 1e5 * cpu_s / delivery.changes
