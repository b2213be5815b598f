"""A picture of what networks cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.plots.theme import PALETTE, caption, finish, one_axes
from helpers.profiling.network_results import NetworkProfile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["network_plot"]


def network_plot(profile: NetworkProfile) -> Figure:
    """What each network costs: connecting, a round trip and a delivery, beside the round trip that it was set to."""
    figure, axes = one_axes(height=1.6 + 0.45 * len(profile.steps))
    for place, step in enumerate(profile.steps):
        measured = {"connect": step.connect_ms, "round trip": step.round_trip_ms, "delivery": step.delivery_ms}
        for number, (name, summary) in enumerate(measured.items()):
            if summary is not None:
                at, colour = place + 0.2 * (number - 1), PALETTE[number]
                axes.plot([summary.p50, summary.max], [at, at], color=colour, linewidth=2)
                axes.plot(summary.p50, at, "o", color=colour, label=f"{name}, median to max" if place == 0 else None)
        if step.set_rtt_ms:
            label = "round trip as set" if place == len(profile.steps) - 1 else None
            axes.plot(step.set_rtt_ms, place, "|", color=PALETTE[7], ms=22, label=label)
    axes.set_yticks(range(len(profile.steps)), [step.network for step in profile.steps])
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="milliseconds")
    axes.legend(loc="lower left", fontsize="small")
    n = sum(step.delivery_ms.n for step in profile.steps if step.delivery_ms)
    return finish(figure, "Realtime through networks\n" + caption(profile.target, profile.taken_at, n))
