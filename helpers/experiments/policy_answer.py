"""What the runs say about policies, in sentences."""

from __future__ import annotations

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
    said = (_whole(experiment, cpu, subscribers), _checks(experiment, asked, subscribers), _changes(experiment, asked))
    return " ".join(filter(None, said))


def _means(experiment: Experiment, metric: str) -> dict[str, float]:
    return {arm: experiment.estimate(arm, metric).mean for arm in experiment.arms if experiment.values(arm, metric)}


def _whole(experiment: Experiment, cpu: str, subscribers: int) -> str:
    """The lab's database, with everything that it does for a change."""
    means, first = _means(experiment, cpu), experiment.arms[0]
    if first not in means or len(means) < 2:
        return ""
    begin = f"With {subscribers} subscribers a change costs the lab's database {means[first]:.0f} µs with “{first}”"
    worst = max(means, key=means.__getitem__)
    contrast = experiment.contrast(cpu, worst)
    if contrast is None:
        return f"{begin}; no policy was dearer."
    return f"{begin}; dearest is “{worst}”, with {means[worst]:.0f} µs: {contrast.gain.verdict}."


def _checks(experiment: Experiment, asked: str, subscribers: int) -> str:
    """What the checks alone let one connection do, if it did nothing else."""
    means = _means(experiment, asked)
    if len(means) < 2:
        return ""
    cheap, dear = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    most, least = (f"{1e6 / means[arm]:,.0f} (“{arm}”)" for arm in (cheap, dear))
    return (
        f"Asked one by one, as the real server does, the checks alone let one connection get through at most {most} "
        f"to {least} changes a second for {subscribers} subscribers."
    )


def _changes(experiment: Experiment, asked: str) -> str:
    """What one gets of a change; what is shown comes first."""
    gains = [
        (f"“{after}” in place of “{before}”", gain)
        for before, after in CHANGES
        if before in experiment.arms and after in experiment.arms
        if (gain := gain_between(experiment, asked, before, after))
    ]
    gains.sort(key=lambda found: not found[1].shown)
    return f"Of these checks, {'; '.join(f'{change}: {gain.verdict}' for change, gain in gains)}." if gains else ""
