"""Pictures of heartbeats: how late a dead link is noticed, and what an interval costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from helpers.experiments.experiment import Experiment
from helpers.experiments.heartbeat_cost import RATE, SERVER, HeartbeatCost
from helpers.experiments.keepalive import (
    LATEST,
    NOTICED,
    RECOVERY_GOAL_S,
    VENDOR_INTERVAL_S,
    expected_detection_s,
    interval_of,
    latest_known_s,
    worst_detection_s,
)
from helpers.experiments.official import HALF_OPEN, HALF_OPEN_MOST, PATIENCE_S, SILENT, scale_of
from helpers.plots.theme import PALETTE, caption, finish, one_axes, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["clients_plot", "detection_plot", "heartbeat_cost_plot"]

_MODEL, _MEASURED, _WORST = PALETTE[0], PALETTE[0], PALETTE[5]
_INTERVALS_S = (5.0, 10.0, 14.0, 20.0, 25.0, 40.0)


def detection_plot(experiment: Experiment) -> Figure:
    """The model as lines, mean and worst case, and every run as two points beside them."""
    timeout_s = float(experiment.settings["timeout_s"])
    intervals = [interval_of(arm) for arm in experiment.arms]
    figure, axes = one_axes()
    grid = (0.0, 1.1 * max(intervals))
    mean = [expected_detection_s(one, timeout_s) for one in grid]
    worst = [worst_detection_s(one, timeout_s) for one in grid]
    axes.fill_between(grid, [timeout_s] * 2, worst, color=PALETTE[4], alpha=0.2, label="all that can be")
    axes.plot(grid, worst, color=_WORST, linewidth=1.5, label="model: interval + timeout")
    axes.plot(grid, mean, color=_MODEL, linewidth=1.5, label="model: interval / 2 + timeout")
    for metric, colour, label in ((LATEST, _WORST, "latest link of a run"), (NOTICED, _MEASURED, "mean of a run")):
        points = [(interval_of(one.arm), one.value) for one in experiment.measures if one.metric == metric.name]
        axes.plot(*zip(*points, strict=True), "o", color=colour, alpha=0.6, label=label)
    axes.set(xlabel="seconds between heartbeats", ylabel="seconds until noticed", xlim=grid, ylim=(0, None))
    axes.legend(loc="upper left", fontsize="small")
    links = int(experiment.settings["links a run"]) * sum(one.metric == NOTICED.name for one in experiment.measures)
    title = f"How long a dead link goes unnoticed; a heartbeat's answer may take {timeout_s:g} s\n"
    return finish(figure, title + caption(experiment.target, experiment.taken_at, links))


def heartbeat_cost_plot(cost: HeartbeatCost, *, clients: int = 10_000, timeout_s: float | None = None) -> Figure:
    """What heartbeats cost the server as measured, and what that makes of each interval; open points are extrapolated.

    Args:
        clients: connected to the server.
        timeout_s: for a heartbeat's answer; None for a client that waits as long as its interval.
    """
    if cost.server is None:
        return sentence("What heartbeats cost the server is not known: its processes are not on this machine.")
    figure, (line, plan) = plt.subplots(1, 2, figsize=(10.5, 4.0))
    _draw_rates(line, cost)
    _draw_plan(plan, cost, clients, timeout_s)
    experiment = cost.experiment
    n = sum(len(experiment.values(arm, SERVER.name)) for arm in experiment.arms)
    return finish(figure, "What heartbeats cost\n" + caption(experiment.target, experiment.taken_at, n))


def _draw_rates(axes: Axes, cost: HeartbeatCost) -> None:
    experiment = cost.experiment
    found = {(one.arm, one.run, one.metric): one.value for one in experiment.measures}
    runs = sorted({(arm, run) for arm, run, _ in found})
    rates = [found[arm, run, RATE.name] for arm, run in runs]
    means = [experiment.estimate(arm, RATE.name).mean for arm in experiment.arms]
    used = [cost.server_percent(rate) for rate in means]
    axes.plot(means, [one.mean for one in used if one], color=_MODEL, label="mean of a rate")
    axes.plot(
        rates, [found[arm, run, SERVER.name] for arm, run in runs], "o", color=_MEASURED, alpha=0.6, label="a run"
    )
    axes.set(xlabel="heartbeats a second", ylabel="server's CPU (% of a core)", xlim=(0, None), ylim=(0, None))
    axes.set_title("measured")
    axes.legend(loc="lower right", fontsize="small")


def _draw_plan(axes: Axes, cost: HeartbeatCost, clients: int, timeout_s: float | None) -> None:
    worst = [worst_detection_s(one, timeout_s or one) for one in _INTERVALS_S]
    used = [one for interval in _INTERVALS_S if (one := cost.server_percent(clients / interval))]
    axes.fill_between(worst, [one.low for one in used], [one.high for one in used], color=PALETTE[4], alpha=0.3)
    axes.plot(worst, [one.mean for one in used], color=_MODEL)
    for interval, late, one in zip(_INTERVALS_S, worst, used, strict=True):
        is_default, is_measured = interval == VENDOR_INTERVAL_S, clients / interval <= cost.most_per_s
        colour = PALETTE[1] if is_default else _MODEL
        axes.plot(late, one.mean, "o", color=colour, fillstyle="full" if is_measured else "none")
        label = f"{interval:g} s" + (" (the vendor's)" if is_default else "")
        axes.annotate(label, (late, one.mean), (5, 5), textcoords="offset points", fontsize="small")
    _draw_goal(axes)
    axes.set(xlabel="a dead link is noticed after (s), at most", ylabel="server's CPU (% of a core)", ylim=(0, None))
    limit = "as long again" if timeout_s is None else f"{timeout_s:g} s"
    axes.set_title(f"{clients:,} clients that wait {limit}")
    axes.legend(loc="upper right", fontsize="small")


def _draw_goal(axes: Axes) -> None:
    label = f"in time to be back within {RECOVERY_GOAL_S:g} s"
    axes.axvline(latest_known_s(), color=PALETTE[7], linestyle="--", label=label)


def clients_plot(experiment: Experiment) -> Figure:
    """How late each client notices each death, at its own defaults; a cross is a death that it did not notice."""
    scale, most = scale_of(experiment), 1.06 * PATIENCE_S
    figure, axes = one_axes(height=2.4 + 0.5 * len(experiment.arms))
    for place, arm in enumerate(experiment.arms):
        half_open = [scale * experiment.estimate(arm, metric.name).mean for metric in (HALF_OPEN, HALF_OPEN_MOST)]
        label = "half-open link, mean to latest" if place == 0 else None
        axes.plot(half_open, [place - 0.12] * 2, color=_MODEL, linewidth=2)
        axes.plot(half_open[0], place - 0.12, "o", color=_MODEL, label=label)
        silent = experiment.estimate(arm, SILENT.name)
        if silent.n:
            label = "answers stop, mean" if place == 0 else None
            axes.plot(scale * silent.mean, place + 0.12, "D", color=PALETTE[1], label=label)
        else:
            axes.plot(PATIENCE_S, place + 0.12, "X", color=_WORST, ms=9)
            axes.annotate("not noticed", (PATIENCE_S, place + 0.12), (-8, -4), textcoords="offset points", ha="right")
    _draw_goal(axes)
    axes.set_yticks(range(len(experiment.arms)), experiment.arms)
    axes.invert_yaxis()
    measured = "as measured" if scale == 1 else f"measured: these divided by {scale:g}"
    axes.set(xlabel=f"seconds until the application is told ({measured})", xlim=(0, most))
    axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=3, fontsize="small", frameon=False)
    runs = len(experiment.values(experiment.arms[0], HALF_OPEN.name))
    title = "When clients notice that nobody answers\n"
    return finish(figure, title + caption(experiment.target, experiment.taken_at, runs))
