"""What a message weighs and costs in each form, over its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from helpers.experiments.experiment import Experiment
from helpers.plots.theme import PALETTE, caption, finish, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["encoding_plot"]

_PANELS = {
    "bytes on the wire": "wire bytes per byte of data",
    "receiver's CPU": "receiver's CPU (µs/message)",
    "server's CPU": "server's CPU (µs/message)",
}


def encoding_plot(experiments: Sequence[Experiment]) -> Figure:
    """One line for each form: weight as a multiple of the data, and CPU of both ends, from the smallest to the largest.

    Args:
        experiments: of one sweep, one for each size.
    """
    measured = [one for one in experiments if one.measures]
    if not measured:
        return sentence("Nothing was measured.")
    figure, panels = plt.subplots(1, len(_PANELS), figsize=(12.5, 4.2))
    for axes, (metric, label) in zip(panels, _PANELS.items(), strict=True):
        for place, arm in enumerate(measured[0].arms):
            _draw(axes, measured, arm, metric, PALETTE[place])
        axes.set(xscale="log", xlabel="bytes of data", ylabel=label)
        if not any(value > 0 for one in measured for arm in one.arms for value in one.values(arm, metric)):
            axes.text(0.5, 0.5, "not measured here", transform=axes.transAxes, ha="center")
        elif metric != "bytes on the wire":
            axes.set_yscale("log")
    panels[0].axhline(1, color=PALETTE[7], linestyle=":")
    panels[0].set_ylim(bottom=0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    first = measured[0]
    runs = max(len(first.values(arm, "bytes on the wire")) for arm in first.arms)
    title = "What a message weighs and costs in each form\n" + caption(first.target, first.taken_at, runs)
    return finish(figure, title, bottom=0.1)


def _draw(axes: Axes, experiments: Sequence[Experiment], arm: str, metric: str, colour: str) -> None:
    sizes, means = [], []
    for experiment in experiments:
        data = int(experiment.settings["body_bytes"])
        scale = 1 / data if metric == "bytes on the wire" else 1.0
        values = [scale * value for value in experiment.values(arm, metric)]
        axes.plot([data] * len(values), values, ".", color=colour, alpha=0.4)
        if values:
            sizes.append(data)
            means.append(sum(values) / len(values))
    axes.plot(sizes, means, "o-", color=colour, label=arm)
