"""What the comparison of paths says, computed from its runs."""

from __future__ import annotations

from helpers.experiments.experiment import Estimate, Experiment
from helpers.experiments.pairs import gain_between
from helpers.experiments.paths.catalog import BY_NAME
from helpers.experiments.paths.decision import Verdict, decided
from helpers.experiments.paths.delivery import Load
from helpers.profiling.statistics import wilson

__all__ = ["paths_answer"]


def paths_answer(experiment: Experiment, *, target_ms: float, load: Load) -> str:
    """Who is in time, what that is worth against the first path, and what it costs the database."""
    measured = [arm for arm in experiment.arms if experiment.values(arm, "in time")]
    if not measured:
        return "Nothing was measured."
    told = (
        _in_time(experiment, measured, target_ms, load),
        _soonest(experiment, measured),
        _dearest(experiment, measured),
        _lost(experiment),
    )
    return " ".join(sentence for sentence in told if sentence)


def _in_time(experiment: Experiment, measured: list[str], target_ms: float, load: Load) -> str:
    """By the changes of all runs together."""
    found: dict[Verdict, list[str]] = {}
    for arm in measured:
        shares = experiment.values(arm, "in time")
        changes = load.changes * len(shares)
        in_time = round(sum(shares) / 100 * load.changes)
        low, high = (100 * end for end in wilson(in_time, changes))
        said = arm if low > 95 else f"{arm} ({100 * in_time / changes:.0f} % in time, {low:.0f} to {high:.0f})"
        found.setdefault(decided(in_time, changes), []).append(said)
    words = {Verdict.HOLDS: "holds by", Verdict.LATE: "does not by", Verdict.UNDECIDED: "is not decided for"}
    told = "; ".join(f"{word} {', '.join(found[verdict])}" for verdict, word in words.items() if verdict in found)
    return f"At {load} subscribers, a target of 95 % of the changes at all of them within {target_ms:g} ms {told}."


def _soonest(experiment: Experiment, measured: list[str]) -> str:
    medians = {arm: found.mean for arm in measured if (found := experiment.estimate(arm, "p50")).n}
    stored = {arm: median for arm, median in medians.items() if _is_row(arm)}
    if not stored:
        return ""
    best = min(stored, key=lambda arm: stored[arm])
    change = experiment.contrast("p50", best)
    gain = f" ({change.gain.verdict} than {experiment.arms[0]})" if change else ""
    said = f"The soonest that also stores the row is {best}, p50 {stored[best]:.1f} ms{gain}"
    others = [arm for arm in stored if arm != best and not _is_later(experiment, best, arm)]
    return f"{said}; {', '.join(others)}: no difference from it shown." if others else f"{said}."


def _is_later(experiment: Experiment, best: str, arm: str) -> bool:
    """Whether the pairs show it."""
    gain = gain_between(experiment, "p50", best, arm)
    return gain is not None and gain.shown


def _is_row(arm: str) -> bool:
    return arm not in BY_NAME or BY_NAME[arm].stores_row


def _dearest(experiment: Experiment, measured: list[str]) -> str:
    """Only arms whose intervals do not meet are called different."""
    costs = {arm: found for arm in measured if _is_row(arm) and (found := experiment.estimate(arm, "database CPU")).n}
    if len(costs) < 2:
        return ""
    least, most = (pick(costs, key=lambda arm: costs[arm].mean) for pick in (min, max))
    if not costs[least].high < costs[most].low:
        return "No difference is shown in what they cost the database."
    unit = "ms of CPU per 100 changes"
    return (
        f"Of those that store it, {most} costs the database most ({_told(costs[most])} {unit}) and {least} least "
        f"({_told(costs[least])})."
    )


def _told(found: Estimate) -> str:
    return f"{found.mean:.0f}, {found.low:.0f} to {found.high:.0f}"


def _lost(experiment: Experiment) -> str:
    losing = [arm for arm in experiment.arms if any(experiment.values(arm, "lost"))]
    return (
        f"Messages were lost by {', '.join(losing)}." if losing else "Nothing was lost by any path that was measured."
    )
