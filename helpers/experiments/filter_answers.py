"""What the runs say about filters, columns and replica identity, in sentences."""

from __future__ import annotations

from helpers.experiments.experiment import Experiment
from helpers.experiments.pairs import gain_between
from helpers.profiling.statistics import Gain

__all__ = ["changed", "filter_answer", "identity_answer", "select_answer"]

#: What differs by less is the same for everybody who pays for it.
ALIKE_PERCENT = 1.0


def changed(experiment: Experiment, before: str, after: str, *metrics: str) -> str:
    """What `after` changed, metric by metric; those that could not be compared are left out."""
    found = [gain for metric in metrics if (gain := gain_between(experiment, metric, before, after)) is not None]
    alike = [f"the same {gain.metric}, within {ALIKE_PERCENT:g} %" for gain in found if _is_alike(gain)]
    shown = [str(gain) for gain in found if gain.shown and not _is_alike(gain)]
    hidden = [
        f"{gain.metric} ({gain.low_percent:+.0f} to {gain.high_percent:+.0f} %)"
        for gain in found
        if not gain.shown and not _is_alike(gain)
    ]
    said = [*shown, *alike, *([f"no difference shown in {', '.join(hidden)}"] if hidden else [])]
    return f"“{after}” in place of “{before}”: {'; '.join(said) or 'could not be compared'}."


def _is_alike(gain: Gain) -> bool:
    """Counts of bytes hardly vary, so that a difference of one digit in an id would be shown."""
    return max(abs(gain.low_percent), abs(gain.high_percent)) < ALIKE_PERCENT


def filter_answer(experiment: Experiment) -> str:
    """The filter, the index, and the longest list, which names as many rooms as there are."""
    work = ("server CPU", "database CPU", "latency p50")
    return " ".join(
        (
            changed(experiment, "full table", "one room", "bytes", "client CPU", *work),
            changed(experiment, "one room", "one room, index", "bytes", *work),
            changed(experiment, "full table", "in, 100 rooms", "bytes", *work),
        )
    )


def select_answer(experiment: Experiment) -> str:
    return changed(experiment, "all columns", "three columns", "bytes", "server CPU", "database CPU", "latency p50")


def identity_answer(experiment: Experiment) -> str:
    """What full costs first, then what it brings; shares that were 0 are told as they are."""
    costs = changed(
        experiment, "default", "full", "log of an UPDATE", "log of a DELETE", "UPDATE message", "DELETE message",
        "server CPU", "database CPU",
    )  # fmt: skip
    brought = [
        f"{metric}: {_all_arms(experiment, metric)}"
        for metric in ("DELETEs through a filter", "UPDATEs that bring the large column", "columns of a deleted row")
    ]
    return f"{costs} {'; '.join(brought)}."


def _all_arms(experiment: Experiment, metric: str) -> str:
    unit = next(each.unit for each in experiment.metrics if each.name == metric)
    shown = [
        f"{experiment.estimate(arm, metric).mean:.0f} with “{arm}”"
        for arm in experiment.arms
        if experiment.values(arm, metric)
    ]
    return f"{', '.join(shown)}{' (' + unit + ')' if shown else 'not measured'}"
