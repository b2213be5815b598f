"""What the ladder's runs say, in sentences computed from them."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.experiments.experiment import Estimate, Experiment, estimate
from helpers.experiments.ladder.results import Watched
from helpers.experiments.ladder.settings import IDLE, POLL_100, REAL, SETTINGS, STREAMING
from helpers.profiling.statistics import paired_gain

__all__ = ["ladder_answer"]

#: Of a setting whose isolated changes spend this share of their time waiting, the wait is the latency.
_MOSTLY = 0.5


def ladder_answer(experiment: Experiment, watched: Sequence[Watched], rarest: str) -> str:
    """One sentence for each setting, what a setting changes, and what the looks cost.

    Args:
        rarest: the traffic of isolated changes.
    """
    isolated = {one.setting: one for one in watched if one.traffic == rarest}
    told = [
        *(_waiting(setting, isolated.get(setting)) for setting in SETTINGS),
        *(_change(isolated, setting) for setting in (POLL_100, STREAMING)),
        _costs(experiment),
    ]
    return " ".join(sentence for sentence in told if sentence)


def _waiting(setting: str, watched: Watched | None) -> str:
    points = watched.points if watched else ()
    if not points:
        return f"{setting}: no isolated change was measured."
    whole = estimate([point.latency_ms for point in points])
    wait = estimate([point.wait_ms for point in points])
    if wait.mean == 0:
        return f"{setting}: nothing waits for a look; an isolated change takes {_told(whole, 'ms')}."
    share = wait.mean / whole.mean
    verdict = "mostly waiting" if share >= _MOSTLY else "mostly processing"
    return (
        f"{setting}: an isolated change waits {_told(wait, 'ms')} for the next look (at most "
        f"{max(point.wait_ms for point in points):.0f}) and is processed in {whole.mean - wait.mean:.1f} ms: "
        f"{100 * share:.0f} % of its latency is the wait, so it is {verdict}."
    )


def _change(isolated: dict[str, Watched], setting: str) -> str:
    """By pairs of changes that were due at one moment."""
    if not {REAL, setting} <= isolated.keys():
        return ""
    before, after = ({point.number: point.latency_ms for point in isolated[one].points} for one in (REAL, setting))
    numbers = sorted(before.keys() & after.keys())
    gain = paired_gain("latency", "ms", [before[one] for one in numbers], [after[one] for one in numbers])
    return f"{setting} against {REAL}, change by change: {gain}." if gain else ""


def _costs(experiment: Experiment) -> str:
    told = "; ".join(_cost(experiment, setting) for setting in SETTINGS)
    return f"At idle, one project with one subscriber costs its database: {told}."


def _cost(experiment: Experiment, setting: str) -> str:
    arm = f"{setting}, {IDLE}"
    looks, cpu = (experiment.estimate(arm, metric) for metric in ("looks", "database CPU"))
    return f"{setting} {_told(looks, 'queries/s')}" + (f" and {_told(cpu, 'ms of CPU a second')}" if cpu.n else "")


def _told(found: Estimate, unit: str) -> str:
    """With the interval of the mean."""
    if found.n < 2:
        return f"{found.mean:.1f} {unit} (n = {found.n})"
    if found.low == found.high:
        return f"{found.mean:.1f} {unit} (each time, n = {found.n})"
    return f"{found.mean:.1f} {unit} ({found.low:.1f} to {found.high:.1f}, n = {found.n})"
