"""Section "Performance Projections": computed from the comparisons of this run, never assumed."""

from __future__ import annotations

from dataclasses import replace

from helpers.experiments.survival import LOST, NAIVE
from helpers.report.code_changes import of_gain, together
from helpers.report.inputs import Inputs, missing
from helpers.report.model import Measure, number

__all__ = ["projections"]

#: Percent lost beyond which a rise of the rest says nothing: from 99 % on it is a hundredfold and more.
MOST_LOST = 99.0

#: What the synchronisation experiment calls one Prisma call per event, and one transaction for many.
ONE_BY_ONE, BATCHED = "create per event", "batched"


def projections(inputs: Inputs) -> tuple[Measure, ...]:
    """What changes if the plan is followed, in percent of what it is now."""
    return (
        _from_gain(inputs, "Latency", "latency p50", "filter instead of full table"),
        _throughput(inputs),
        _stability(inputs),
        _from_gain(inputs, "Messages for each client", "messages", "filter instead of full table"),
        _from_gain(inputs, "Bytes received by each client", "bytes received", "filter instead of full table"),
        _from_gain(inputs, "Resource efficiency: client CPU", "client CPU", "filter instead of full table"),
        _memory(inputs),
        _code(inputs),
    )


def _from_gain(inputs: Inputs, name: str, metric: str, what: str) -> Measure:
    gain = inputs.comparison.gain(metric) if inputs.comparison else None
    if gain is None:
        return missing(name, inputs.why_not("profiling"))
    return of_gain(gain, name, f"profiling.json: comparison.gains, {metric}", _assumed(inputs, what))


def _assumed(inputs: Inputs, what: str) -> str:
    """What is compared, and for which share of wanted rows it holds."""
    if inputs.comparison is None or not inputs.comparison.full.received:
        return what
    full = inputs.comparison.full
    return f"{what}; holds where {100 * (1 - full.wasted / full.received):.0f} % of all rows are wanted, as here"


def _code(inputs: Inputs) -> Measure:
    """All changes of the review that pay, at once."""
    name = "Messages, with all changes of the code that pay"
    if inputs.review is None:
        return missing(name, inputs.why_not("review"))
    found = together(inputs.review.result.plan)
    if found is None:
        return missing(
            name, "the review measured its changes one by one; `workbook review --plan` measures all at once"
        )
    return replace(found, name=name, note=f"{inputs.review.result.code}, replayed in a lab; {found.note}")


def _stability(inputs: Inputs) -> Measure:
    """Of the changes that were committed while connections broke: how many more arrive."""
    name, experiment = "Stability (changes that arrive although connections break)", None
    if inputs.survival is not None:
        experiment = inputs.survival.result
    if experiment is None:
        return missing(name, inputs.why_not("survival"))
    lost = experiment.estimate(NAIVE, LOST.name)
    surviving = [arm for arm in experiment.arms if arm != NAIVE]
    rest = max(experiment.estimate(arm, LOST.name).mean for arm in surviving)
    bounded = lost.n > 1 and lost.high < MOST_LOST  # of what loses everything there is no multiple
    return Measure(
        name,
        "%",
        _rise(lost.mean, rest),
        _rise(lost.low, rest) if bounded else None,
        _rise(lost.high, rest) if bounded else None,
        n=lost.n,
        counted=f"rounds{'' if bounded else ', too few for an interval'}",
        source=f"survival.json: measures, {LOST.name}",
        note=f"a subscription that reads up what it missed lost {number(rest)} %, one that only reconnects "
        f"{number(lost.mean)} %, cut for 1 s of every 2",
    )


def _rise(lost_percent: float, rest_percent: float) -> float:
    """By how many percent more arrives."""
    return 100 * ((100 - rest_percent) / max(100 - lost_percent, 1e-9) - 1)


def _throughput(inputs: Inputs) -> Measure:
    name = "Throughput of writing through Prisma"
    runs = {run.strategy: run for run in inputs.synced.runs} if inputs.synced else {}
    if ONE_BY_ONE not in runs or BATCHED not in runs or not runs[ONE_BY_ONE].rows_per_s:
        return missing(name, inputs.why_not("sync"))
    before, after = runs[ONE_BY_ONE], runs[BATCHED]
    rates = f"{before.rows_per_s:,.0f} to {after.rows_per_s:,.0f} rows/s"
    return Measure(
        name,
        "%",
        100 * (after.rows_per_s / before.rows_per_s - 1),
        n=before.rows_expected,
        counted="rows, one run each, so without an interval",
        source="sync.json: runs",
        note=f"“{after.strategy}” instead of “{before.strategy}”: {rates}",
    )


def _memory(inputs: Inputs) -> Measure:
    """One socket for all channels; the interval takes the least favourable ends of both slopes."""
    name, memory = "Resource efficiency: client memory", inputs.memory
    if memory is None:
        return missing(name, inputs.why_not("profiling"))
    own, shared = memory.own_socket_kib, memory.shared_socket_kib
    if min(own.low, shared.low) <= 0:
        return missing(name, "a subscription takes too little memory to tell")
    return Measure(
        name,
        "%",
        100 * (shared.per_subscription / own.per_subscription - 1),
        100 * (shared.low / own.high - 1),
        100 * (shared.high / own.low - 1),
        n=own.n,
        counted="points of each line",
        source="profiling.json: memory",
        note="channels on one shared socket instead of a socket each",
    )
