"""Delivery paths: who holds the target at which load, and how late each is on the way to its knee."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.patches import Patch, Rectangle

from helpers.experiments.paths.decision import PathLimit, PathLimits, Verdict, verdict_of
from helpers.experiments.paths.delivery import Delivery, Load
from helpers.plots.theme import PALETTE, caption, finish, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["limits_plot"]

#: Green, orange, red and grey of the palette, with a word in each cell for who does not tell colours apart.
_COLOURS = {
    Verdict.HOLDS: PALETTE[2],
    Verdict.LATE: PALETTE[1],
    Verdict.LOSES: PALETTE[5],
    Verdict.BROKEN: PALETTE[5],
    Verdict.UNDECIDED: PALETTE[7],
}


def limits_plot(limits: PathLimits) -> Figure:
    """One row for each path, one column for each load; in the cell the verdict, the p95, and the share in time."""
    if not limits.loads:
        return sentence("There is no picture: no path could be measured.")
    figure, axes = plt.subplots(figsize=(3.2 + 1.9 * len(limits.loads), 1.4 + 0.55 * len(limits.paths)))
    for row, path in enumerate(limits.paths):
        for column, load in enumerate(limits.loads):
            limit = limits.of(path, load.subscribers)
            if limit is not None:
                _draw_cell(axes, row, column, limit, load)
    axes.set_xlim(0, len(limits.loads))
    axes.set_ylim(len(limits.paths), 0)
    axes.set_xticks([column + 0.5 for column in range(len(limits.loads))], [str(load) for load in limits.loads])
    axes.set_yticks([row + 0.5 for row in range(len(limits.paths))], limits.paths)
    axes.set_xlabel("changes a second to subscribers")
    axes.grid(visible=False)
    shown = [verdict for verdict in _COLOURS if verdict in _verdicts(limits)]
    axes.legend(
        handles=[Patch(color=_COLOURS[verdict], alpha=0.55, label=str(verdict)) for verdict in shown],
        loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small",
    )  # fmt: skip
    cells = sum(len(limit.deliveries) for limit in limits.limits)
    title = f"Which paths hold {limits.target_ms:g} ms for 95 % of the changes at every subscriber"
    return finish(figure, f"{title}\n" + caption(limits.target, limits.taken_at, cells))


def _draw_cell(axes: Axes, row: int, column: int, limit: PathLimit, load: Load) -> None:
    verdict = limit.verdict(load)
    if verdict is Verdict.UNTRIED:
        return
    axes.add_patch(Rectangle((column, row), 1, 1, color=_COLOURS[verdict], alpha=0.55, linewidth=0))
    delivery = next((one for one in limit.deliveries if one.load == load), None)
    axes.text(column + 0.5, row + 0.5, _said(verdict, delivery), ha="center", va="center", fontsize="x-small")


def _said(verdict: Verdict, delivery: Delivery | None) -> str:
    if delivery is None:
        return "broken before" if verdict is Verdict.BROKEN else f"{verdict}:\nharness was the limit before"
    if delivery.absent:
        return f"{verdict}: {delivery.absent:,} not in"
    share = 100 * delivery.in_time / delivery.changes
    if delivery.recording.latency.count == 0:
        return f"{verdict}\nnothing arrived"
    p95_ms = delivery.recording.latency_ms(95)
    return f"{verdict}\np95 {p95_ms:,.{int(p95_ms < 100)}f} ms, {share:.0f} % in time"


def _verdicts(limits: PathLimits) -> set[Verdict]:
    found = {verdict_of(one) for limit in limits.limits for one in limit.deliveries}
    return found | {limit.verdict(load) for load in limits.loads for limit in limits.limits}
