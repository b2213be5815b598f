"""Pictures of the capacity model: how right it is, where it bends, and how far plans reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from helpers.capacity import Axis, Capacity, CheckRow, Load, Model, Prediction, Projection
from helpers.capacity.check import TOLERANCE_PERCENT
from helpers.capacity.published import largest_published
from helpers.plans import QUOTAS, Plan
from helpers.plots.theme import PALETTE, caption, finish, one_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["capacity_check_plot", "knee_plot", "projection_plot"]

#: Loads along one axis, from a tenth of the largest to it.
_STEPS = 40

#: Characters in a line of a title.
_TITLE = 110

#: The specification's target for delivery.
_DELIVERY_MS = 50.0


def capacity_check_plot(capacity: Capacity) -> Figure:
    """Predicted against measured, a panel for CPU and one for delays; filled dots are of loads that were held out."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.6))
    rows = capacity.check.rows
    _draw_check(panels[0], [row for row in rows if "CPU" in row.what], "CPU (ms a second)")
    _draw_check(panels[1], [row for row in rows if "CPU" not in row.what], "delivery of a change (ms)")
    for axis in (panels[1].xaxis, panels[1].yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 4, 5, 6, 8)))
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_formatter(NullFormatter())
    title = f"{fill(capacity.check.verdict, _TITLE)}\n" + caption(
        capacity.target, capacity.taken_at, len(capacity.check.held_out)
    )
    return finish(figure, title)


def _draw_check(axes: Axes, rows: Sequence[CheckRow], label: str) -> None:
    values = [value for row in rows for value in (row.predicted, row.measured.mean)]
    ends = np.array([min(values) * 0.7, max(values) * 1.4])
    axes.plot(ends, ends, color=PALETTE[7], linewidth=1)
    share = TOLERANCE_PERCENT / 100
    within = f"within {TOLERANCE_PERCENT:.0f} %"
    axes.fill_between(ends, ends * (1 - share), ends * (1 + share), color=PALETTE[7], alpha=0.2, label=within)
    for number, what in enumerate(dict.fromkeys(row.what for row in rows)):
        for held_out in (False, True):
            mine = [row for row in rows if row.what == what and row.held_out is held_out]
            axes.plot(
                [row.measured.mean for row in mine],
                [row.predicted for row in mine],
                "o",
                color=PALETTE[number],
                fillstyle="full" if held_out else "none",
                label=what.split(",")[0] + (", held out" if held_out else ""),
            )
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel=f"measured: {label}", ylabel="predicted")
    axes.legend(fontsize="x-small")


def knee_plot(model: Model, load: Load, axis: Axis, most: float) -> Figure:
    """Cores and delivery along one axis, with what might have come out as well in grey; it ends where one loop ends."""
    values = np.geomspace(most / 1_000, most, _STEPS)
    if axis.is_counted:
        values = np.unique(np.maximum(1, np.floor(values)))
    grown: list[dict[str, Any]] = [{axis.value: float(value)} for value in values]
    figure, (cores, delivery) = plt.subplots(1, 2, figsize=(10, 4))
    for number, costs in reversed(list(enumerate(model.some_costs()))):
        found = [model.predict(replace(load, **one), costs) for one in grown]
        look = {"color": PALETTE[0]} if number == 0 else {"color": PALETTE[7], "alpha": 0.25, "linewidth": 1}
        cores.plot(values, [one.server_cores for one in found], **look)
        delivery.plot(values, [_shown_ms(one) for one in found], **look)
    cores.axhline(1, color=PALETTE[5], linestyle="--", label="all of one core")
    delivery.axhline(_DELIVERY_MS, color=PALETTE[5], linestyle="--", label="target: 50 ms")
    cores.set(xscale="log", ylim=(0, 1.3), xlabel=axis.label, ylabel="server, cores")
    delivery.set(xscale="log", yscale="log", xlabel=axis.label, ylabel="delivery p95 (ms)")
    for axes in (cores, delivery):
        axes.legend(fontsize="small")
    return finish(figure, f"What grows: {axis.label}. The rest: {load}")


def _shown_ms(prediction: Prediction) -> float:
    """Beyond the knee nothing is drawn."""
    return prediction.delivery_p95_ms if np.isfinite(prediction.delivery_p95_ms) else float("nan")


def projection_plot(rows: Sequence[Projection]) -> Figure:
    """Deliveries a second against clients, with what plans allow and what has been published."""
    figure, axes = one_axes(height=4.6)
    given = rows[0].given
    clients = [row.clients for row in rows]
    axes.plot(clients, [row.deliveries_per_s for row in rows], "o-", color=PALETTE[0], label="this projection")
    for number, plan in enumerate((Plan.FREE, Plan.PRO, Plan.TEAM)):
        quota = QUOTAS[plan]
        at = (quota.connections, quota.messages_per_s)
        axes.plot(*at, "s", color=PALETTE[number + 1], label=f"plan {plan.value}: connections and messages/s")
        axes.plot([1, at[0], at[0]], [at[1], at[1], 0.1], color=PALETTE[number + 1], linewidth=1)
    published = largest_published(given.flow)
    axes.plot(*published, "*", ms=12, color=PALETTE[5], label="the most that is published")
    axes.set(xscale="log", yscale="log", xlabel="clients at the same time", ylabel="deliveries/s")
    axes.set_xlim(50, 3 * max(clients))
    axes.set_ylim(10, 10 * max(row.deliveries_per_s for row in rows))
    axes.legend(fontsize="small", loc="upper left")
    return finish(
        figure, f"{given.sent_per_client_s:g} messages/s a client, channels of {given.subscribers}: {given.flow}"
    )
