"""Pictures of a tab: what subscriptions cost it, what components leave in it, and what it does when hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from helpers.experiments.browser.hiding_results import Pulse, PulseStudy
from helpers.experiments.browser.mounting_results import MountCase, MountHabit, MountStudy
from helpers.experiments.browser.subscribing import HEAP, THREAD_CPU
from helpers.experiments.marginal_results import MarginalCosts
from helpers.plots.theme import PALETTE, caption, finish, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["mounts_plot", "pulses_plot", "tab_costs_plot"]

_MARKERS = ("o", "s", "^")
_UNITS = {HEAP: "KiB of heap gained", THREAD_CPU: "% of a core, page's thread"}
_HABITS = dict(zip(MountHabit, (PALETTE[2], PALETTE[5], PALETTE[0], PALETTE[3]), strict=True))


def tab_costs_plot(found: MarginalCosts) -> Figure:
    """Memory and processor time over the number of subscriptions, each with the line through it."""
    if not found.costs:
        return sentence(found.answer)
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.6))
    for axes, cost in zip(panels, _UNITS, strict=True):
        for number, way in enumerate(found.ways):
            _draw_cost(axes, found, way, cost, number)
        axes.set(xlabel="subscriptions in the tab", ylabel=_UNITS[cost], xlim=(0, None))
    panels[0].set_title("memory that stays")
    panels[1].set_title("processor time, while messages arrive")
    panels[1].set_ylim(0, None)
    points = max(cost.line.n for cost in found.costs if cost.line)
    title = f"{_most(found)}\n{caption(found.target, found.taken_at, points)} (n: points of a line)"
    return _with_legend(finish(figure, title, bottom=0.2), panels[0])


def _with_legend(figure: Figure, panel: Axes) -> Figure:
    """Below, a line for each, as their numbers are what is to be compared."""
    figure.legend(*panel.get_legend_handles_labels(), loc="lower left", ncol=1, fontsize="small", frameon=False)
    return figure


def _draw_cost(axes: Axes, found: MarginalCosts, way: str, cost: str, number: int) -> None:
    one = found.cost(way, cost)
    if one is None or one.line is None:
        return
    points = np.array([(point.x, point.y) for point in found.points if (point.way, point.cost) == (way, cost)])
    base = one.line.start if cost == HEAP else 0.0
    load = found.cost(way, THREAD_CPU)
    label = f"{way}: {one.line} KiB and {load.line if load else 'unknown'} % of a core for one more"
    axes.plot(points[:, 0], points[:, 1] - base, _MARKERS[number], color=PALETTE[number], ms=5, label=label)
    ends = np.array([0.0, points[:, 0].max()])
    style = "-" if one.line.fits else ":"
    axes.plot(ends, one.line.start - base + one.line.per_one * ends, style, color=PALETTE[number], linewidth=1.2)


def _most(found: MarginalCosts) -> str:
    """The finding: the costliest way against the cheapest."""
    lines = {way: cost.line for way in found.ways if (cost := found.cost(way, HEAP)) and cost.line}
    dear, cheap = (pick(lines, key=lambda way: lines[way].per_one) for pick in (max, min))
    if lines[dear].low <= lines[cheap].high:
        return "No difference in memory between the ways to subscribe is shown"
    ratio = lines[dear].per_one / lines[cheap].per_one
    return f"“{dear}” keeps {ratio:.1f} times the memory of “{cheap}” for one more subscription"


def mounts_plot(study: MountStudy) -> Figure:
    """What each habit leaves alive in the tab, over the cycles of mounting and unmounting."""
    if not study.cases:
        return sentence(study.answer)
    figure, axes = plt.subplots(figsize=(9.5, 4.8))
    for case in study.cases:
        _draw_growth(axes, case)
    axes.set(xlabel="times that the component came and went", ylabel="KiB gained", xlim=(0, None))
    looks = study.cases[0].line.n
    title = f"{_leaking(study)}\n{caption(study.target, study.taken_at, looks)} (n: looks of a line)"
    return _with_legend(finish(figure, title, bottom=0.22), axes)


def _draw_growth(axes: Axes, case: MountCase) -> None:
    looks = np.array([(look.cycles, look.alive) for look in case.looks[1:]], dtype=float)
    style = ":" if case.injected_bytes else "-"
    label = f"{case.name}: {case.verdict}"
    cycles, kib = looks[:, 0] - looks[0, 0], (looks[:, 1] - looks[0, 1]) / 1024
    axes.plot(cycles, kib, style, marker="o", ms=3, color=_HABITS[case.habit], label=label)


def _leaking(study: MountStudy) -> str:
    leaking = [case for case in study.cases if case.leaks and not case.injected_bytes]
    if not leaking:
        return "No habit is shown to leak"
    worst = max(leaking, key=lambda case: case.line.per_one)
    return f"A component that {worst.name} leaves {worst.line.per_one / 1024:.1f} KiB in the tab each time"


def pulses_plot(study: PulseStudy) -> Figure:
    """A row for each tab: when it was connected, its heartbeats, and a plain timer of the same length below them."""
    if not study.pulses:
        return sentence(study.answer)
    figure, axes = plt.subplots(figsize=(10, 1.6 + 0.52 * len(study.pulses)))
    for row, pulse in enumerate(study.pulses):
        _draw_pulse(axes, row, pulse, f"heartbeat, due every {study.heartbeat_s:g} s")
    axes.set_yticks(range(len(study.pulses)), [pulse.kind.name for pulse in study.pulses])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    longest = max(pulse.watched_s for pulse in study.pulses)
    axes.set(xlabel="seconds since the tabs were put away", xlim=(0, 1.01 * longest))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, fontsize="small", frameon=False)
    beats = sum(len(pulse.beats) for pulse in study.pulses)
    title = f"{_silence(study)}\n{caption('a lab of their own', study.taken_at, beats)} (n: heartbeats)"
    return finish(figure, title)


def _draw_pulse(axes: Axes, row: int, pulse: Pulse, heartbeat: str) -> None:
    first = row == 0
    for number, (begin, end) in enumerate(pulse.open):
        label = "connected" if first and number == 0 else None
        axes.barh(row, end - begin, left=begin, height=0.62, color=PALETTE[4], alpha=0.35, linewidth=0, label=label)
    label = heartbeat if first else None
    axes.plot(pulse.beats, [row - 0.1] * len(pulse.beats), "o", ms=4.5, color=PALETTE[0], label=label)
    label = "a plain timer of the page" if first else None
    axes.plot(pulse.ticks, [row + 0.2] * len(pulse.ticks), "|", ms=5, color=PALETTE[5], label=label)


def _silence(study: PulseStudy) -> str:
    """The finding: how late hidden tabs are, and that frozen ones are silent."""
    hidden, frozen = study.pulse(hidden=True), study.pulse(hidden=True, frozen=True)
    late = hidden.silence_s - study.heartbeat_s
    lost = "stays connected" if hidden.lost_s is None else f"is cut off after {hidden.lost_s:.0f} s"
    gone = "stays connected" if frozen.lost_s is None else f"is cut off after {frozen.lost_s:.0f} s"
    return f"A hidden tab's heartbeat is {max(late, 0):.1f} s late at most, and it {lost}; a frozen one {gone}"
