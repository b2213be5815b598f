"""What the runs say about policies, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.experiments.experiment import Experiment
from helpers.experiments.pairs import gain_between

__all__ = ["policy_answer"]

#: What somebody would change in a policy: from, to.
CHANGES = (
    ("exists, no index", "exists, index"),
    ("plpgsql of the row", "function of the row"),
    ("function of the row", "exists, index"),
    ("auth.uid()", "(select auth.uid())"),
    ("(select auth.uid())", "policy and filter"),
)


def policy_answer(experiment: Experiment, *, cpu: str, asked: str, subscribers: int) -> str:
    """Which policy costs most, and what each change of a policy is worth.

    Args:
        cpu: the metric of the whole database. asked: that of the checks alone.
        subscribers: of both.
    """
    return " ".join([*_range(experiment, cpu, subscribers), *_changes(experiment, asked)])


def _range(experiment: Experiment, cpu: str, subscribers: int) -> Iterator[str]:
    means = {arm: experiment.estimate(arm, cpu).mean for arm in experiment.arms if experiment.values(arm, cpu)}
    first = experiment.arms[0]
    if first not in means or len(means) < 2:
        return
    worst = max(means, key=means.__getitem__)
    contrast = experiment.contrast(cpu, worst)
    yield f"With {subscribers} subscribers a change costs the lab's database {means[first]:.0f} µs with “{first}”;"
    if contrast is None or worst == first:
        yield "no policy was dearer."
        return
    yield f"dearest is “{worst}”, with {means[worst]:.0f} µs: {contrast.gain.verdict}."


def _changes(experiment: Experiment, asked: str) -> Iterator[str]:
    """Of the checks, as the real server makes them."""
    found = [
        f"“{after}” in place of “{before}”: {gain.verdict}"
        for before, after in CHANGES
        if before in experiment.arms and after in experiment.arms
        if (gain := gain_between(experiment, asked, before, after))
    ]
    if found:
        yield f"Asked one subscriber after the other, as the real server does: {'; '.join(found)}."
