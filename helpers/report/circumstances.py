"""Under which circumstances each result was measured, and what repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from helpers.diagnosis.results import Diagnosis
from helpers.experiments.experiment import Experiment
from helpers.experiments.recovery import Recoveries
from helpers.monitoring.watched import Watched
from helpers.profiling.results import Profiling
from helpers.report.inputs import NOTEBOOKS, Inputs
from helpers.report.model import Source, number
from helpers.results import Saved
from helpers.review.reviewed import Reviewed
from helpers.sync.results import SyncComparison

__all__ = ["commands", "sources", "versions"]

#: By result, what in it is left to chance, and by which seed. (Arrivals are evenly spaced: nothing is drawn for them.)
_BOOTSTRAP = "resampling of medians and means: seed 0"
SEEDS = {
    "diagnosis": "no seed: each run begins at a random moment between two polls of the server",
    "profiling": _BOOTSTRAP,
    "sync": "nothing is drawn",
    "survival": "no seed: delays before reconnecting are jittered anew in each process, as clients' should be",
    "recovery": "no seed: delays before reconnecting are jittered anew in each process, as clients' should be",
    "monitoring": _BOOTSTRAP,
    "review": "writes of a replay: the number of the round, the same for both sides of a pair",
}
#: The variable that the command's own option says.
_TARGET = "WORKBOOK_TARGET"


def commands(inputs: Inputs) -> tuple[str, ...]:
    """What makes this report again, in a shell; for a project its `.env` must be there."""
    shaped = {name: value for saved in inputs.saved for name, value in saved.settings.items() if name != _TARGET}
    prefix = "".join(f"{name}={shlex.quote(value)} " for name, value in sorted(shaped.items()))
    which = "lab" if inputs.latest.target.startswith("lab") else "env"
    run = f"{prefix}uv run workbook run --target {which}"
    commit = inputs.latest.versions.get("commit", "").removesuffix("-dirty")
    return (*([f"git checkout {commit}"] if commit else []), "uv sync", run)


def versions(inputs: Inputs) -> dict[str, str]:
    """Of the latest result; PostgreSQL's as the diagnosis read it."""
    found = dict(inputs.latest.versions)
    postgres = inputs.diagnosis.result.postgres if inputs.diagnosis else ""
    return found | ({"PostgreSQL": postgres} if postgres else {})


def sources(inputs: Inputs) -> tuple[Source, ...]:
    """Each result with its settings and seeds, and the notebook that measures it."""
    return tuple(map(_source, inputs.saved))


def _source(saved: Saved[Any]) -> Source:
    return Source(
        name=saved.name,
        target=saved.target,
        taken_at=saved.taken_at,
        notebook=NOTEBOOKS[saved.name],
        settings={**_settings(saved.result), **saved.settings},
        seeds=SEEDS[saved.name],
    )


def _settings(result: object) -> Mapping[str, str]:
    match result:
        case Diagnosis():
            return {"runs from DNS to the first change": str(result.repeats)}
        case Profiling():
            return _of_profiling(result)
        case SyncComparison():
            return _of_sync(result)
        case Experiment():
            return {"size": result.size, **result.settings}
        case Recoveries():
            tried = ", ".join(f"{len(one.seconds)} × {one.fault}" for one in result.recoveries)
            return {"heartbeat": f"{number(result.heartbeat_s)} s", "faults": tried}
        case Reviewed():
            return {"code": result.code, "usage": result.plan.usage, "size of the replays": result.size}
        case Watched():
            return {
                f"channel {one.name}": f"{number(one.watched_s)} s, {one.due:,} messages due" for one in result.channels
            }
    return {}


def _of_profiling(result: Profiling) -> dict[str, str]:
    found: dict[str, str] = {}
    if result.connection is not None:
        found["connections"] = f"{result.connection.attempts}, one after another"
    if result.comparison is not None:
        full, pairs = result.comparison.full, len(result.comparison.pairs)
        load = f"{number(full.rate_per_s)} rows/s to {full.table}, {number(full.seconds)} s for each arm"
        found["full table against filter"] = f"{pairs} pairs, {load}; filter {result.comparison.filtered.filter}"
    if result.broadcast is not None:
        rates = ", ".join(number(step.rate_per_s) for step in result.broadcast.steps)
        found["broadcast"] = f"{rates} messages/s on one channel"
    if result.memory is not None:
        slope = result.memory.own_socket_kib
        found["memory"] = f"up to {slope.largest} subscriptions in {slope.n} steps"
    return found


def _of_sync(result: SyncComparison) -> dict[str, str]:
    changes = ", ".join(f"{run.strategy}: {run.events_expected:,} changes" for run in result.runs)
    return {"strategies": changes} if changes else {}
