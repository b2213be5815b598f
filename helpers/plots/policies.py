"""Pictures of what policies cost."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from helpers.experiments.experiment import Estimate, Experiment
from helpers.experiments.policies import asked_at, counts_of, cpu_at
from helpers.experiments.policy_plans import BY_KEY, WHOLE, PolicyPlans
from helpers.plots.theme import PALETTE, caption, finish, one_axes, sentence
from helpers.profiling.results import Skipped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plans_plot", "policies_plot"]

#: Without grey, which says "not this one"; a policy beyond them is drawn dashed.
_COLOURS = PALETTE[:-1]
_MARKERS = "osD^v<>Ph"

#: Policies stand beside each other, so that their intervals can be told apart.
_APART = 1.04


def policies_plot(experiment: Experiment | Skipped) -> Figure:
    """Left: the lab's database for each change, by subscribers. Right: the checks alone, as the real server asks."""
    if isinstance(experiment, Skipped):
        return sentence(str(experiment))
    counts = counts_of(experiment)
    height = 1.8 + 0.42 * len(experiment.arms)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, height), width_ratios=(1.15, 1))
    styles = dict(zip(experiment.arms, zip(cycle(_COLOURS), cycle(_MARKERS), strict=False), strict=False))
    for number, (arm, (colour, marker)) in enumerate(styles.items()):
        found = [experiment.estimate(arm, cpu_at(count)) for count in counts]
        places = [count * _APART ** (number - len(styles) / 2) for count in counts]
        line = "-" if number < len(_COLOURS) else "--"
        left.plot(places, [one.mean for one in found], line, marker=marker, color=colour, label=arm, lw=1.5, ms=5)
        for place, one in zip(places, found, strict=True):
            _interval(left, (place, place), one, colour, upright=True)
    left.set(xscale="log", xlabel="subscribers", ylabel="database CPU of the lab (µs a change)")
    left.set_xticks(counts, [str(count) for count in counts], minor=False)
    left.set_xticks([], minor=True)
    left.set_ylim(bottom=0)
    _asked(right, experiment, max(counts), {arm: colour for arm, (colour, _) in styles.items()})
    left.legend(fontsize="small", loc="upper left")
    runs = max(len(experiment.values(arm, cpu_at(max(counts)))) for arm in experiment.arms)
    return finish(figure, f"{experiment.question}\n" + caption(experiment.target, experiment.taken_at, runs))


def plans_plot(plans: PolicyPlans | Skipped) -> Figure:
    """For each policy one row by its key, and the whole table: two dots and what lies between them."""
    if isinstance(plans, Skipped):
        return sentence(str(plans))
    experiment = plans.experiment
    figure, axes = one_axes(height=1.6 + 0.42 * len(experiment.arms))
    for place, arm in enumerate(experiment.arms):
        key, whole = experiment.estimate(arm, BY_KEY), experiment.estimate(arm, WHOLE)
        axes.plot([key.mean, whole.mean], [place, place], color=PALETTE[7], alpha=0.4, linewidth=1)
        for metric, one, colour in ((BY_KEY, key, PALETTE[0]), (WHOLE, whole, PALETTE[5])):
            _interval(axes, (place, place), one, colour, upright=False)
            axes.plot(one.mean, place, "o", color=colour, label=metric if place == 0 else None)
    axes.set_yticks(range(len(experiment.arms)), experiment.arms)
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="time of execution (µs)")
    axes.legend(fontsize="small", loc="lower right")
    runs = len(experiment.values(experiment.arms[0], BY_KEY))
    title = "One row by its key, as Realtime asks, and a list, as the application asks\n"
    return finish(figure, title + caption(experiment.target, experiment.taken_at, runs))


def _asked(axes: Axes, experiment: Experiment, count: int, colours: dict[str, str]) -> None:
    metric = asked_at(count)
    arms = [arm for arm in experiment.arms if experiment.values(arm, metric)]
    for place, arm in enumerate(arms):
        one = experiment.estimate(arm, metric)
        _interval(axes, (place, place), one, colours[arm], upright=False)
        axes.plot(one.mean, place, "o", color=colours[arm])
    axes.set_yticks(range(len(arms)), arms)
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel=f"{count} subscribers asked one by one (µs a change)")


def _interval(axes: Axes, at: tuple[float, float], one: Estimate, colour: str, *, upright: bool) -> None:
    if math.isnan(one.low):
        return
    ends = (one.low, one.high)
    axes.plot(*((at, ends) if upright else (ends, at)), color=colour, linewidth=2, alpha=0.5)
