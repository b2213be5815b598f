"""A picture of who reduces a row: what arrives, how late, and whose processor it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from helpers.experiments.experiment import Experiment
from helpers.experiments.preprocessing import cpu_of
from helpers.experiments.way_run import BYTES, CPU_PARTS, LATENCY, LATENCY_P95, LOST
from helpers.plots.theme import PALETTE, caption, finish, sentence
from helpers.profiling.results import Skipped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["preprocessing_plot"]


def preprocessing_plot(experiment: Experiment | Skipped) -> Figure:
    """Three panels, an arm in each row: bytes, latency from the median to p95, CPU time by part; losses are written."""
    if isinstance(experiment, Skipped):
        return sentence(str(experiment))
    figure, (size, late, cpu) = plt.subplots(1, 3, figsize=(12, 1.8 + 0.45 * len(experiment.arms)), sharey=True)
    for place, arm in enumerate(experiment.arms):
        _draw_bytes(size, experiment, arm, place)
        _draw_latency(late, experiment, arm, place)
        _draw_cpu(cpu, experiment, arm, place)
    size.set_yticks(range(len(experiment.arms)), experiment.arms)
    size.invert_yaxis()
    size.set_xlabel("bytes received for a row")
    late.set(xscale="log", xlabel="milliseconds, median to p95")
    cpu.set_xlabel("µs of CPU time for a row")
    cpu.margins(x=0.25)
    cpu.legend(loc="upper right", fontsize="small")
    runs = max(len(experiment.values(arm, BYTES.name)) for arm in experiment.arms)
    return finish(figure, f"{experiment.question}\n" + caption(experiment.target, experiment.taken_at, runs))


def _draw_bytes(axes: Axes, experiment: Experiment, arm: str, place: int) -> None:
    found, lost = experiment.estimate(arm, BYTES.name), experiment.estimate(arm, LOST.name)
    if not found.n:
        return
    axes.barh(place, found.mean, color=PALETTE[0])
    if lost.n and lost.mean > 0:
        axes.text(found.mean, place, f"  {lost.mean:.0f} % lost", va="center", color=PALETTE[5])


def _draw_latency(axes: Axes, experiment: Experiment, arm: str, place: int) -> None:
    median, p95 = (experiment.estimate(arm, metric.name) for metric in (LATENCY, LATENCY_P95))
    if median.n:
        axes.plot([median.mean, p95.mean], [place, place], color=PALETTE[0], linewidth=2)
        axes.plot(median.mean, place, "o", color=PALETTE[0])


def _draw_cpu(axes: Axes, experiment: Experiment, arm: str, place: int) -> None:
    total, start = cpu_of(experiment, arm), 0.0
    if total is None:
        return
    for metric, colour in zip(CPU_PARTS, PALETTE, strict=False):
        part = experiment.estimate(arm, metric.name).mean
        label = metric.name.removesuffix("'s CPU") if place == 0 else None
        axes.barh(place, part, left=start, color=colour, label=label)
        start += part
    axes.annotate(f"{total:,.0f}", (total, place), (4, 0), textcoords="offset points", va="center", fontsize="small")
