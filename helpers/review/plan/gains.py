"""What a comparison says of a change: whether it pays, by the one metric that was chosen for its kind beforehand.

A dozen metrics at 95 % would find a difference where there is none every other time. Each kind of change therefore
names the metric that it is for, and pays if that one is shown to be better; the others are told beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.experiments.experiment import Experiment
from helpers.plans import QUOTAS
from helpers.profiling.statistics import Gain
from helpers.review.plan.replay.comparing import BEFORE, MESSAGES
from helpers.review.plan.replay.subscriptions import SubscriptionSet
from helpers.review.plan.usage import Usage

__all__ = ["ChangeGain", "QuotaUse", "gain_of"]

#: Below this a difference changes no decision, however sure it is.
NOTABLE_PERCENT = 1.0


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """Messages a second that the application takes, at the usage that was stated.

    Attributes:
        messages_per_s: that are delivered. percent: of what the plan allows.
    """

    messages_per_s: float
    percent: float

    def __str__(self) -> str:
        return f"{self.messages_per_s:,.4g} messages a second, {self.percent:,.3g} % of the quota"


@dataclass(frozen=True, slots=True)
class ChangeGain:
    """What a change was measured to bring.

    Attributes:
        chosen: of the metric that its kind is for; None if that could not be compared.
        better, worse: other metrics in which a difference is shown.
        before, after: the use of the quota.
        provenance: where the numbers are from, and the notes of the runs.
    """

    chosen: Gain | None
    better: tuple[Gain, ...] = ()
    worse: tuple[Gain, ...] = ()
    before: QuotaUse | None = None
    after: QuotaUse | None = None
    provenance: str = ""
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> bool:
        """Whether it pays: the chosen metric is better, and its interval leaves out "no change"."""
        return self.chosen is not None and self.chosen.shown and _is_better(self.chosen)

    def __str__(self) -> str:
        told = [str(self.chosen) if self.chosen else "could not be compared"]
        told += [f"also {gain}" for gain in self.better] + [f"but {gain}" for gain in self.worse]
        return "; ".join(told)


def gain_of(
    experiment: Experiment, after: str, chosen: str, subscriptions: SubscriptionSet, usage: Usage
) -> ChangeGain:
    """What one arm brought against "before".

    Args:
        chosen: name of the metric that decides.
        subscriptions: those before, with as many users as the application has.
    """
    gains = {metric.name: _gain(experiment, metric.name, after) for metric in experiment.metrics}
    others = [gain for name, gain in gains.items() if name != chosen and gain is not None and _is_notable(gain)]
    return ChangeGain(
        chosen=gains[chosen],
        better=tuple(gain for gain in others if _is_better(gain)),
        worse=tuple(gain for gain in others if not _is_better(gain)),
        before=_quota(experiment, BEFORE, subscriptions, usage),
        after=_quota(experiment, after, subscriptions, usage),
        provenance=experiment.provenance,
        notes=experiment.notes,
    )


def _is_notable(gain: Gain) -> bool:
    """Whether a difference is shown that somebody could care about."""
    return gain.shown and abs(gain.change_percent) >= NOTABLE_PERCENT


def _is_better(gain: Gain) -> bool:
    return (gain.change_percent > 0) is gain.higher_is_better


def _gain(experiment: Experiment, metric: str, after: str) -> Gain | None:
    """Of a count that falls to nothing there is no ratio, and no doubt either: it is 100 % in every round."""
    found = experiment.contrast(metric, after)
    if found is not None:
        return found.gain
    first, second = experiment.values(BEFORE, metric), experiment.values(after, metric)
    if min(len(first), len(second)) < 2 or min(first) <= 0 or any(second):
        return None
    unit = next(one.unit for one in experiment.metrics if one.name == metric)
    mean = sum(first) / len(first)
    return Gain(metric, unit, mean, 0.0, -100.0, -100.0, -100.0, n=min(len(first), len(second)))


def _quota(experiment: Experiment, arm: str, subscriptions: SubscriptionSet, usage: Usage) -> QuotaUse | None:
    """Messages grow with the users and with the changes, both of which the usage tells."""
    found = experiment.estimate(arm, MESSAGES)
    if not found.n:
        return None
    users = subscriptions.users / float(experiment.settings["users in the lab"])
    changes_per_s = sum(usage.table(table).changes_per_s for table in subscriptions.tables)
    messages_per_s = found.mean * users * changes_per_s
    return QuotaUse(messages_per_s, 100 * messages_per_s / QUOTAS[usage.plan].messages_per_s)
