"""The row, or only what the clients need of it: sent as it is, reduced by a trigger, or by an Edge Function."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from helpers.deno import deno_executable, deno_version
from helpers.errors import SettingsError
from helpers.experiments.experiment import Estimate, Experiment
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.experiments.way_run import BYTES, COLD, CPU_PARTS, LATENCY, LOST, METRICS, WARM, WayRun
from helpers.experiments.ways import DOWN, FUNCTION, TRIGGER, own_ways
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Audience, Constant, Route, Workload, Writer, permit
from helpers.target import Target, TargetKind

__all__ = ["compare_preprocessing", "cpu_of"]

_RATES = {Size.SMALL: 250.0, Size.FULL: 200.0}
_SECONDS = {Size.SMALL: 0.3, Size.FULL: 5.0}
_ROUNDS = {Size.SMALL: 3, Size.FULL: 8}
#: On a target that is not ours: sent and delivered together stay below the free plan's 100 messages a second.
_POLITE_PER_S = 40.0
#: A row of a chat, an order or a document, with all that the screen does not show.
_BODY_BYTES = 2_000


async def compare_preprocessing(
    target: Target,
    *,
    size: Size = Size.SMALL,
    rounds: int | None = None,
    rate_per_s: float | None = None,
    seconds: float | None = None,
    body_bytes: int = _BODY_BYTES,
    above_quota: bool = False,
) -> Experiment | Skipped:
    """Write the same rows before a subscriber that hears of them in each of six ways.

    Every way has a table of its own, which is gone afterwards. The Edge Function runs on Deno on this machine, and what
    calls it is a stand-in for the extension pg_net (see `webhook`); both only beside a lab. In the last way the
    function is ended after the first third of the rows and comes back for the last one.

    Args:
        rate_per_s, seconds: of the rows. body_bytes: of the text that nobody needs.
        above_quota: whether more than a plan's quota may be asked of a target that is not the lab.

    Raises:
        SettingsError: a workload that cannot be, or is above the quota.
        FailureError: not one way could be measured.
    """
    if not (target.writes_allowed and target.database_url):
        because = "it writes rows and makes triggers: set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes, or take the lab"
        return Skipped("preprocessing", because)
    workload = _planned(target, size, rate_per_s, seconds, body_bytes)
    permit(target, msgspec.structs.replace(workload, route=Route.DATABASE), Audience(), above_quota=above_quota)
    async with own_ways(target) as (ways, why_not), Writer(target) as writer:
        arms = {
            name: WayRun(target, writer, workload, name, way, outage=name == DOWN, calls=name == FUNCTION)
            for name, way in ways.items()
        }
        found = await run_rounds(
            "preprocessing",
            "Who should reduce a row to what clients need?",
            target,
            arms,
            metrics=METRICS,
            rounds=rounds or _ROUNDS[size],
            size=size,
            answer=_say,
            settings={
                "rows": workload.messages,
                "seconds": workload.seconds,
                "body_bytes": body_bytes,
                "deno": "none" if why_not else await asyncio.to_thread(lambda: deno_version(deno_executable())),
            },
        )
    return replace(found, notes=((why_not,) if why_not else ()) + found.notes)


def _planned(target: Target, size: Size, rate_per_s: float | None, seconds: float | None, body_bytes: int) -> Workload:
    rate = rate_per_s or (_RATES[size] if target.kind is TargetKind.LAB else _POLITE_PER_S)
    workload = Workload(
        rate=Constant(rate),
        seconds=seconds or _SECONDS[size],
        body_bytes=body_bytes,
        columns={"status": ("open", "done")},
    )
    if workload.messages < 3:
        raise SettingsError("planning the rows", f"{workload.messages} rows have no third", "Write more of them")
    return workload


def _say(experiment: Experiment) -> str:
    said = [_bytes(experiment), *_latencies(experiment), _cpu(experiment), _loss(experiment), _cold(experiment)]
    return " ".join(sentence for sentence in said if sentence)


def _bytes(experiment: Experiment) -> str:
    contrast = experiment.contrast(BYTES.name, TRIGGER)
    return f"Bytes, the trigger's fields against the row: {contrast.gain.verdict}." if contrast else ""


def _latencies(experiment: Experiment) -> list[str]:
    contrasts = {arm: experiment.contrast(LATENCY.name, arm) for arm in (TRIGGER, FUNCTION)}
    return [
        f"Latency, {arm}, against the row: {contrast.gain.verdict}." for arm, contrast in contrasts.items() if contrast
    ]


def _cpu(experiment: Experiment) -> str:
    """Which way takes the least CPU time in all, and which the most."""
    totals = {arm: total for arm in experiment.arms if arm != DOWN and (total := cpu_of(experiment, arm)) is not None}
    if len(totals) < 2:
        return ""
    least, most = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
    runs = len(experiment.values(least, CPU_PARTS[0].name))
    return (
        f"CPU time of all parts, means of n = {runs}: {totals[least]:,.0f} µs a row ({least}) to {totals[most]:,.0f} "
        f"({most})."
    )


def cpu_of(experiment: Experiment, arm: str) -> float | None:
    """CPU time of a row, of all parts together, in microseconds; None where a part is not known."""
    parts = [experiment.estimate(arm, metric.name) for metric in CPU_PARTS]
    return sum(part.mean for part in parts) if all(part.n for part in parts) else None


def _loss(experiment: Experiment) -> str:
    lost = {arm: experiment.estimate(arm, LOST.name) for arm in experiment.arms}
    losers = [f"{arm} lost {_told(found, '%')}" for arm, found in lost.items() if found.n and found.mean > 0]
    return f"Of the rows, {'; '.join(losers)}, and nobody was told." if losers else "No way lost a row."


def _cold(experiment: Experiment) -> str:
    cold, warm = (experiment.estimate(FUNCTION, metric.name) for metric in (COLD, WARM))
    return f"The function's first call took {_told(cold, 'ms')}, a later one {_told(warm, 'ms')}." if cold.n else ""


def _told(found: Estimate, unit: str) -> str:
    """A mean with its interval, which one run alone does not have."""
    interval = "" if found.n < 2 else f"{found.low:.1f} to {found.high:.1f}, "
    return f"{found.mean:.1f} {unit} ({interval}n = {found.n})"
