"""Pictures of what subscriptions cost: lines of marginal cost, and memory that grows with a habit or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from helpers.experiments.leaks import Client, Habit, LeakCase, LeakStudy
from helpers.experiments.marginal import UNITS
from helpers.experiments.marginal_results import MarginalCosts
from helpers.plots.theme import PALETTE, caption, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["leaks_plot", "marginal_plot"]

#: What is drawn by default: memory on both sides, and the processor time of messages.
_COSTS = ("client memory, traced", "server memory", "client CPU", "server CPU")
_CLIENTS = {Client.WORKBOOK: PALETTE[0], Client.PYTHON: PALETTE[1], Client.JAVASCRIPT: PALETTE[2]}
_MARKERS = ("o", "s", "^", "D")


def marginal_plot(found: MarginalCosts, *costs: str) -> Figure:
    """A panel for each kind of cost: what was metered, and the line through it, above what it costs to have none.

    Raises:
        KeyError: there is no such cost.
    """
    chosen = [cost for cost in costs or _COSTS if UNITS[cost] and any(point.cost == cost for point in found.points)]
    rows = -(-len(chosen) // 2)
    figure, panels = plt.subplots(rows, min(2, len(chosen)), figsize=(9.5, 3.1 * rows), squeeze=False)
    for axes, cost in zip(panels.flat, chosen, strict=False):
        _draw_cost(axes, found, cost)
    points = max((cost.line.n for cost in found.costs if cost.line), default=0)
    title = f"{found.question}\n{caption(found.target, found.taken_at, points)} (n: points of a line)"
    return _with_legend(finish(figure, title), panels.flat[0], columns=2, bottom=0.2)


def _draw_cost(axes: Axes, found: MarginalCosts, cost: str) -> None:
    unit, _, of = UNITS[cost].partition(" a")
    for number, way in enumerate(found.ways):
        one = found.cost(way, cost)
        if one is None or one.line is None:
            continue
        x = np.array([point.x for point in found.points if (point.way, point.cost) == (way, cost)])
        y = np.array([point.y for point in found.points if (point.way, point.cost) == (way, cost)])
        scale = 1_000 if unit == "µs" else 1
        axes.plot(x, (y - one.line.start) / scale, _MARKERS[number], color=PALETTE[number], ms=5, label=way)
        ends = np.array([0, x.max()])
        style = "-" if one.line.fits else ":"
        axes.plot(ends, one.line.per_one * ends / scale, style, color=PALETTE[number], linewidth=1.2)
    axes.set_title(cost)
    axes.set_xlabel("messages delivered" if of.strip().startswith("message") else "subscriptions")
    axes.set_ylabel("ms" if unit == "µs" else unit if of.strip() == "subscription" else "ms in an hour")


def leaks_plot(study: LeakStudy) -> Figure:
    """A panel for each habit: what each client holds more than at its first look, over the cycles."""
    habits = [habit for habit in Habit if any(case.habit is habit for case in study.cases)]
    figure, panels = plt.subplots(1, len(habits), figsize=(2.6 * len(habits) + 0.6, 3.3), squeeze=False)
    for axes, habit in zip(panels[0], habits, strict=True):
        for case in study.cases:
            if case.habit is habit:
                _draw_growth(axes, case)
        axes.set_title(habit, fontsize="small")
        axes.set_xlabel("cycles")
        if axes.get_ylim()[1] < 1:  # bytes of noise shall not fill the panel
            axes.set_ylim(-1, 10)
    panels[0][0].set_ylabel("KiB gained")
    looks = study.cases[0].line.n
    title = f"{study.question}\n{caption(study.target, study.taken_at, looks)} (n: looks of a line)"
    return _with_legend(finish(figure, title), panels[0][0], columns=len(study.cases), bottom=0.27)


def _with_legend(figure: Figure, panel: Axes, *, columns: int, bottom: float) -> Figure:
    """Below all panels, which have the same names."""
    figure.legend(*panel.get_legend_handles_labels(), loc="lower center", ncol=columns, fontsize="small", frameon=False)
    figure.subplots_adjust(bottom=bottom)
    return figure


def _draw_growth(axes: Axes, case: LeakCase) -> None:
    cycles, settled = (np.array(values[1:], dtype=float) for values in (case.growth.cycles, case.growth.settled))
    label = f"{case.client}, {case.injected_bytes:,} bytes held on purpose" if case.injected_bytes else str(case.client)
    style = ":" if case.injected_bytes else "-"
    kib = (settled - settled[0]) / 1024
    axes.plot(cycles - cycles[0], kib, style, marker="o", ms=3, color=_CLIENTS[case.client], label=label)
