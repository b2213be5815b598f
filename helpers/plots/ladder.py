"""The poll ladder: when changes were committed, when the server looked, and how long each waited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from helpers.experiments.ladder import Ladder, Watched
from helpers.plots.theme import PALETTE, caption, finish, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ladder_plot", "sawtooth_plot"]

#: A server that looks more often than this each second does not wait between most of its looks.
_BUSY_PER_S = 20.0

_WAIT, _REST, _LOOK = PALETTE[1], PALETTE[0], PALETTE[7]


def sawtooth_plot(ladder: Ladder, seconds: float = 2.0) -> Figure:
    """The first seconds of each traffic in each setting: a dot for each change at the moment of its commit.

    Orange is the wait for the next look, blue what is added by processing; grey lines are the server's looks.
    """
    settings, traffics = _axes_of(ladder)
    if not settings:
        return sentence("There is no picture: no change arrived whose look was seen.")
    figure, panels = plt.subplots(
        len(traffics), len(settings), figsize=(4.0 * len(settings), 2.3 * len(traffics)), sharey=True, squeeze=False
    )
    for row, traffic in enumerate(traffics):
        for column, setting in enumerate(settings):
            axes, watched = panels[row][column], ladder.of(setting, traffic)
            if watched is not None:
                _draw_time(axes, watched, seconds)
            axes.set_title(f"{setting}: {traffic}", fontsize="small")
    for axes in panels[-1]:
        axes.set_xlabel("committed at (s)")
    for axes in panels[:, 0]:
        axes.set_ylabel("latency (ms)")
    panels[0][-1].legend(loc="upper right", fontsize="x-small", frameon=True)
    panels[0][0].set_ylim(0, 1.1 * max(point.latency_ms for one in ladder.watched for point in one.points))
    return finish(figure, _title(ladder, "Latency of each change by the moment of its commit"))


def ladder_plot(ladder: Ladder) -> Figure:
    """All changes of the settings that poll, by the moment of their commit within the server's cycle.

    Streams that are so fast that the server looks without a pause have no cycle, and are left out.
    """
    settings, traffics = _axes_of(ladder)
    traffics = [traffic for traffic in traffics if not _is_busy(ladder, settings[0], traffic)]
    polled = [setting for setting in settings if _has_looks(ladder, setting, traffics)]
    if not polled:
        return sentence("There is no picture: no look of the server was seen.")
    figure, panels = plt.subplots(1, len(polled), figsize=(5.0 * len(polled), 4.2), squeeze=False)
    for axes, setting in zip(panels[0], polled, strict=True):
        _draw_cycle(axes, [found for traffic in traffics if (found := ladder.of(setting, traffic))])
        axes.set_title(setting, fontsize="small")
        axes.set_xlabel("committed so long after a look (ms)")
    panels[0][0].set_ylabel("latency (ms)")
    panels[0][0].legend(loc="upper right", fontsize="x-small", frameon=True)
    return finish(figure, _title(ladder, "Latency of each change by its place in the server's poll cycle"))


def _draw_time(axes: Axes, watched: Watched, seconds: float) -> None:
    for look in watched.looks_s:
        if 0 <= look <= seconds:
            axes.axvline(look, color=_LOOK, linewidth=0.8, alpha=0.7, zorder=0)
    points = [point for point in watched.points if point.committed_s <= seconds]
    at = [point.committed_s for point in points]
    waits, whole = [point.wait_ms for point in points], [point.latency_ms for point in points]
    axes.vlines(at, 0, waits, color=_WAIT, linewidth=1.4, label="wait for the next look")
    axes.vlines(at, waits, whole, color=_REST, linewidth=1.4, label="processing")
    axes.plot(at, whole, ".", color=_REST, ms=5)
    axes.plot([], color=_LOOK, linewidth=0.8, label="the server looks")
    axes.set_xlim(0, seconds)
    axes.grid(visible=False, axis="x")


def _draw_cycle(axes: Axes, watched: Sequence[Watched]) -> None:
    for colour, one in zip(PALETTE, watched, strict=False):
        since, whole = ([getattr(point, name) for point in one.points] for name in ("since_look_ms", "latency_ms"))
        axes.plot(since, whole, "o", color=colour, ms=4, alpha=0.6, label=one.traffic)
    longest = max((point.since_look_ms + point.wait_ms for one in watched for point in one.points), default=1.0)
    across = np.array([0.0, longest])
    axes.plot(across, longest - across, "--", color=_LOOK, linewidth=1, label="the wait of the longest cycle")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)


def _has_looks(ladder: Ladder, setting: str, traffics: Sequence[str]) -> bool:
    return any(found.looks_s for traffic in traffics if (found := ladder.of(setting, traffic)))


def _is_busy(ladder: Ladder, setting: str, traffic: str) -> bool:
    """Whether there are more looks than waits between them would allow."""
    found = ladder.of(setting, traffic)
    return found is not None and len(found.looks_s) > _BUSY_PER_S * found.seconds


def _axes_of(ladder: Ladder) -> tuple[list[str], list[str]]:
    """Settings and traffics that have changes, in the order of the arms."""
    shown = [one for one in ladder.watched if one.points]
    return list(dict.fromkeys(one.setting for one in shown)), list(dict.fromkeys(one.traffic for one in shown))


def _title(ladder: Ladder, what: str) -> str:
    changes = sum(len(one.points) for one in ladder.watched)
    return f"{what}\n" + caption(ladder.experiment.target, ladder.experiment.taken_at, changes)
