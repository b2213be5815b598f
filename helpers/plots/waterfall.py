"""The way from DNS to the first delivered change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from helpers.diagnosis.results import Diagnosis, Layer, Status
from helpers.plots.theme import PALETTE, caption, finish, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["waterfall_plot"]


def waterfall_plot(diagnosis: Diagnosis) -> Figure:
    """The way from DNS to the first delivered change: when each layer ran, and how long it took in all runs."""
    layers = [layer for layer in diagnosis.layers if layer.status is not Status.SKIPPED]
    if not layers:
        return sentence(f"Nothing was measured: {diagnosis.headline}")
    height = 1.6 + 0.3 * len(layers)
    figure, (first, all_runs) = plt.subplots(1, 2, figsize=(9, height), sharey=True, width_ratios=(3, 2))
    _draw_first_run(first, layers)
    _draw_durations(all_runs, layers)
    figure.suptitle(
        "From DNS to the first change\n" + caption(diagnosis.target, diagnosis.taken_at, diagnosis.repeats),
        x=0.01,
        ha="left",
        fontsize="medium",
    )
    return finish(figure)


def _draw_first_run(axes: Axes, layers: Sequence[Layer]) -> None:
    """Bars on one clock; a failed layer is hatched and says so. The gap before the change is a deliberate pause."""
    for place, layer in enumerate(layers):
        failed = layer.status is Status.FAILURE
        fill, hatch = ("none", "///") if failed else (PALETTE[0], None)
        # The edge keeps a bar of a tenth of a millisecond visible.
        axes.barh(place, layer.took_ms, left=layer.started_ms, facecolor=fill, edgecolor=PALETTE[0], hatch=hatch)
    names = [f"{layer.name} (failed)" if layer.status is Status.FAILURE else layer.name for layer in layers]
    axes.set_yticks(range(len(layers)), names)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds since the start, first run")


def _draw_durations(axes: Axes, layers: Sequence[Layer]) -> None:
    """Median and range of each layer on a logarithmic axis, so that a millisecond is seen beside half a second."""
    for place, layer in enumerate(layers):
        samples = layer.samples_ms or (layer.took_ms,)
        axes.plot([min(samples), max(samples)], [place, place], color=PALETTE[0], linewidth=2)
        axes.plot(layer.median_ms, place, "o", color=PALETTE[0])
        axes.annotate(f"{layer.median_ms:.1f}", (max(samples), place), (6, 0), textcoords="offset points", va="center")
    axes.set_xscale("log")
    axes.margins(x=0.1)
    axes.set_xlim(right=8 * max(max(layer.samples_ms or (layer.took_ms,)) for layer in layers))
    axes.set_xlabel("milliseconds, median and range")
