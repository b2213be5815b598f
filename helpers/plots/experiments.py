"""What the arms of any experiment measured, with intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from helpers.experiments.experiment import Experiment, Metric
from helpers.plots.theme import PALETTE, caption, finish, sentence
from helpers.profiling.results import Skipped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["experiment_plot"]

#: An interval of two runs that differ may reach far beyond both. It leaves the picture rather than flatten the rest.
_FARTHEST = 3.0

#: From this ratio of the largest to the smallest mean on, a logarithmic axis shows both.
_WIDE = 30.0


def experiment_plot(experiment: Experiment | Skipped, *metrics: str) -> Figure:
    """A panel for each metric (all by default), in it each arm: every run faint, the mean with its 95 % interval.

    Raises:
        KeyError: the experiment has no such metric.
    """
    if isinstance(experiment, Skipped):
        return sentence(str(experiment))
    known = {metric.name: metric for metric in experiment.metrics}
    chosen = [known[name] for name in metrics or known]
    height = 1.4 + 0.38 * len(experiment.arms)
    figure, panels = plt.subplots(1, len(chosen), figsize=(3.2 + 3.0 * len(chosen), height), sharey=True, squeeze=False)
    for axes, metric in zip(panels[0], chosen, strict=True):
        _draw(axes, experiment, metric)
    panels[0][0].set_yticks(range(len(experiment.arms)), experiment.arms)
    panels[0][0].set_ylim(len(experiment.arms) - 0.5, -0.5)  # the first above, none on the frame
    runs = max((len(experiment.values(arm, metric.name)) for arm in experiment.arms for metric in chosen), default=0)
    return finish(figure, f"{experiment.question}\n" + caption(experiment.target, experiment.taken_at, runs))


def _draw(axes: Axes, experiment: Experiment, metric: Metric) -> None:
    for place, arm in enumerate(experiment.arms):
        values, found = experiment.values(arm, metric.name), experiment.estimate(arm, metric.name)
        axes.plot(values, [place] * len(values), "o", color=PALETTE[7], alpha=0.35, ms=4)
        if not math.isnan(found.low):
            axes.plot([found.low, found.high], [place, place], color=PALETTE[0], linewidth=2)
        axes.plot(found.mean, place, "o", color=PALETTE[0])
    means = [found.mean for arm in experiment.arms if (found := experiment.estimate(arm, metric.name)).n]
    if means and min(means) > 0 and max(means) / min(means) >= _WIDE:
        axes.set_xscale("log")
    elif means and min(means) >= 0:
        axes.set_xlim(left=0)
    most = _FARTHEST * max((one for arm in experiment.arms for one in experiment.values(arm, metric.name)), default=0.0)
    if 0 < most < axes.get_xlim()[1]:
        axes.set_xlim(right=most)
    axes.set_xlabel(f"{metric.name} ({metric.unit})" if metric.unit else metric.name)
