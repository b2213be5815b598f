"""Freshness against effort, and what waits where when a client is too slow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from helpers.experiments.experiment import Experiment
from helpers.experiments.pace import SlowRun, age_at, levels_of
from helpers.plots.theme import PALETTE, caption, finish, one_axes, sentence
from helpers.profiling.results import Skipped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["pace_plot", "slow_reader_plot"]


#: Ages at which a logarithmic axis is marked, in ms.
_ROUND = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)


def pace_plot(experiment: Experiment | Skipped) -> Figure:
    """Left: how old what is shown gets as the rate rises. Right: what each pace hands over and burns for it."""
    if isinstance(experiment, Skipped):
        return sentence(str(experiment))
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.4), width_ratios=(3, 2))
    for place, arm in enumerate(experiment.arms):
        _draw_ages(left, experiment, arm, PALETTE[place])
        _draw_effort(right, experiment, arm, PALETTE[place])
    left.axvline(1, color=PALETTE[7], linestyle=":")
    left.set(xscale="log", yscale="log", xlabel="rate, in multiples of what the handler follows one by one")
    left.set_ylabel("age of what is shown (ms)")
    levels = levels_of(experiment)
    left.set_xticks(levels, [f"{level:g}×" for level in levels])
    left.minorticks_off()
    left.set_yticks(_ROUND, [str(age) for age in _ROUND])
    right.set(xlabel="CPU of the handler (% of a core)", ylabel="updates handed over (/s)", xlim=(0, 105))
    right.set_ylim(bottom=0)
    ages = [age for arm in experiment.arms for level in levels for age in experiment.values(arm, age_at(level))]
    left.set_ylim(0.8 * min(ages), 1.2 * max(ages))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    runs = len(experiment.values(experiment.arms[0], age_at(levels[0])))
    title = f"{experiment.question}\n" + caption(experiment.target, experiment.taken_at, runs)
    return finish(figure, title, bottom=0.14)


def _draw_ages(axes: Axes, experiment: Experiment, arm: str, colour: str) -> None:
    levels = levels_of(experiment)
    found = [experiment.estimate(arm, age_at(level)) for level in levels]
    axes.plot(levels, [one.mean for one in found], "o-", color=colour, label=arm)
    for level in levels:
        values = experiment.values(arm, age_at(level))
        axes.plot([level] * len(values), values, ".", color=colour, alpha=0.4)


def _draw_effort(axes: Axes, experiment: Experiment, arm: str, colour: str) -> None:
    for cpu, values in zip(
        experiment.values(arm, "handler's CPU"), experiment.values(arm, "handed over"), strict=False
    ):
        axes.plot(cpu, values, ".", color=colour, alpha=0.4)
    cpu, values = (experiment.estimate(arm, name).mean for name in ("handler's CPU", "handed over"))
    if not math.isnan(cpu):
        axes.plot(cpu, values, "o", color=colour, markersize=9)


def slow_reader_plot(run: SlowRun | Skipped) -> Figure:
    """Where the bytes are that were sent and not handled yet, moment by moment, one area on another."""
    if isinstance(run, Skipped):
        return sentence(str(run))
    figure, axes = one_axes(height=4.4)
    at = [moment.at_s for moment in run.moments]
    areas = {
        "in the application": [moment.in_application for moment in run.moments],
        "in the client's kernel": [moment.unread for moment in run.moments],
        "in the server's kernel": [moment.unsent for moment in run.moments],
        "in the server's memory": run.on_server,
        "thrown away by the server": run.thrown_away,
    }
    colours = (*PALETTE[:2], PALETTE[4], PALETTE[3], PALETTE[7])
    axes.stackplot(
        at, *(np.array(area) / 1e6 for area in areas.values()), labels=list(areas), colors=colours, alpha=0.9
    )
    end = max(at[-1], run.told_s or 0.0)
    for moment, text in ((run.closed_s, "the server gives up"), (run.told_s, "the client hears of it")):
        if moment is not None:
            axes.axvline(moment, color=PALETTE[5])
            side = "right" if moment > end / 2 else "left"
            axes.annotate(f" {text} ", (moment, axes.get_ylim()[1]), va="top", ha=side, color=PALETTE[5])
    axes.set(xlabel="seconds from the first message", ylabel="megabytes sent and not handled", xlim=(0, 1.02 * end))
    axes.legend(loc="center right", frameon=True)
    title = f"A client that {run.reading}, at {run.flood.rate_per_s:g} messages/s of {run.flood.body_bytes:,} bytes"
    return finish(figure, f"{title}\n" + caption(run.target, run.taken_at, run.sent.messages))
