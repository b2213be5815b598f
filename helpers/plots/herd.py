"""A herd that comes back to its server: attempts to join, second by second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from helpers.experiments.herd import Herds, Return
from helpers.plots.theme import PALETTE, caption, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["herd_plot"]

_BIN_S = 1.0


def herd_plot(herds: Herds) -> Figure:
    """A panel for each way, of its highest peak: attempts a second as the server counted them, and all live again."""
    shown = herds.highest
    count = len(shown)
    figure, panels = plt.subplots(count, 1, figsize=(7.5, 1.2 + 1.9 * count), sharex=True, sharey=True, squeeze=False)
    for axes, one in zip(panels[:, 0], shown, strict=True):
        _draw(axes, one, herds.joins_per_s)
    panels[-1, 0].set_ylim(0, 2 * max(herds.joins_per_s, *(one.peak for one in shown)))
    panels[-1, 0].set_xlabel("seconds after the server let the first one in")
    experiment = herds.experiment
    title = "Attempts to join after a restart, by how clients come back\n"
    return finish(figure, title + caption(experiment.target, experiment.taken_at, shown[0].clients))


def _draw(axes: Axes, one: Return, limit: float) -> None:
    times = [0.0, *(look.at_s for look in one.looks)]
    edges = np.arange(0.0, max(times[-1], 1.0) + _BIN_S, _BIN_S)
    for what, colour, label in (
        ("admitted", PALETTE[0], "let in"),
        ("refused", PALETTE[5], "refused"),
    ):
        counts = np.interp(edges, times, [0.0, *(getattr(look, what) for look in one.looks)])
        rates = np.diff(counts, prepend=0.0) / _BIN_S
        axes.step(edges, rates, where="pre", color=colour, label=label)
    axes.axhline(limit, color=PALETTE[7], linestyle="--", linewidth=1, label=f"limit: {limit:g} a second")
    if len(one.live_s) == one.clients:
        axes.axvline(one.live_s[-1], color=PALETTE[2], linestyle=":", label=f"all live: {one.live_s[-1]:.1f} s")
    axes.set_yscale("symlog", linthresh=10)
    axes.set(title=f"{one.way}: {one.peak:.0f} in the busiest second", ylabel="attempts / s")
    axes.legend(loc="upper right", fontsize="small")
