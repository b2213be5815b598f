"""Pictures of subscriptions and broadcasts under load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import seaborn as sns

from helpers.plots.theme import PALETTE, caption, finish, one_axes, sentence
from helpers.profiling.results import BroadcastProfile, Comparison, Profile, Skipped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["broadcast_plot", "bytes_plot", "latency_plot"]


def latency_plot(result: Comparison | Profile | Skipped) -> Figure:
    """How late changes were: the share that had arrived after so many milliseconds, one line for each subscription."""
    if isinstance(result, Skipped):
        return sentence(str(result))
    profiles = [result] if isinstance(result, Profile) else [result.full, result.filtered]
    figure, axes = one_axes()
    for profile in profiles:
        if profile.latency_ms is not None:
            label = f"{profile.label}: p50 {profile.latency_ms.p50:.0f} ms, p95 {profile.latency_ms.p95:.0f} ms"
            sns.ecdfplot(x=profile.latencies_ms, ax=axes, label=label, stat="percent")
    axes.set(xlabel="milliseconds from due to received", ylabel="changes that had arrived (%)", xlim=(0, None))
    axes.legend(loc="lower right")
    n = sum(len(profile.latencies_ms) for profile in profiles)
    return finish(figure, "Latency of wanted changes\n" + caption(result.target, result.taken_at, n))


def bytes_plot(comparison: Comparison | Skipped) -> Figure:
    """What a subscription received in a second of load: wanted and wasted."""
    if isinstance(comparison, Skipped):
        return sentence(str(comparison))
    arms = (comparison.full, comparison.filtered)
    per_s = [arm.wire_bytes_in / arm.seconds / 1_000 for arm in arms]
    wasted = [size * arm.wasted / arm.received if arm.received else 0.0 for arm, size in zip(arms, per_s, strict=True)]
    labels = [f"{arm.label}\n{arm.received:,} messages, {arm.wasted:,} not wanted" for arm in arms]
    figure, axes = one_axes(height=2.8)
    axes.barh(labels, [size - waste for size, waste in zip(per_s, wasted, strict=True)], label="wanted")
    axes.barh(labels, wasted, left=[size - waste for size, waste in zip(per_s, wasted, strict=True)], label="wasted")
    axes.invert_yaxis()
    axes.set_xlabel("kilobytes received for each second of load")
    axes.legend(loc="lower right")
    n = sum(arm.received for arm in arms)
    title = f"Bytes received at {arms[0].rate_per_s:g} rows/s\n" + caption(comparison.target, comparison.taken_at, n)
    return finish(figure, title)


def broadcast_plot(profile: BroadcastProfile) -> Figure:
    """Latency of broadcasts at each rate: median to 99th percentile."""
    steps = [step for step in profile.steps if step.latency_ms is not None]
    figure, axes = one_axes(height=3.0)
    labels = [f"{step.rate_per_s:,.0f}/s" + (f"\n{step.lost} lost" if step.lost else "") for step in steps]
    for place, step in enumerate(steps):
        assert step.latency_ms is not None
        axes.plot([place, place], [step.latency_ms.p50, step.latency_ms.p99], color=PALETTE[0], linewidth=2)
    axes.plot([step.latency_ms.p50 for step in steps if step.latency_ms], "o", color=PALETTE[0], label="median")
    axes.plot([step.latency_ms.p99 for step in steps if step.latency_ms], "_", color=PALETTE[0], ms=14, label="p99")
    axes.set_xticks(range(len(steps)), labels)
    axes.set(xlabel="messages sent a second on one channel", ylabel="milliseconds", ylim=(0, None))
    axes.margins(x=0.3)
    axes.legend()
    n = sum(step.received for step in steps)
    return finish(figure, "Latency of broadcasts\n" + caption(profile.target, profile.taken_at, n))
