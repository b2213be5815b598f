"""Pictures of results: one theme, every title says the target, the sample size and the date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns
from cycler import cycler

from helpers.diagnosis.results import Diagnosis, Layer, Status
from helpers.profiling.network_results import NetworkProfile
from helpers.profiling.results import BroadcastProfile, Comparison, Profile, Skipped
from helpers.sync.results import SyncComparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "broadcast_plot",
    "bytes_plot",
    "caption",
    "finish",
    "latency_plot",
    "network_plot",
    "sync_plot",
    "theme",
    "waterfall_plot",
]

#: Okabe and Ito's palette, in an order that keeps neighbours apart for every kind of colour vision.
#: Source: https://jfly.uni-koeln.de/color/
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
#: What is right in green, what is not in the warm half of the palette and grey.
_FATES = ("#009E73", "#E69F00", "#999999", "#D55E00")

_LIGHT = {"figure.facecolor": "white", "axes.facecolor": "white"}
_DARK = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "text.color": "#e6e6e6",
    "axes.labelcolor": "#e6e6e6",
    "axes.edgecolor": "#8a8a8a",
    "xtick.color": "#cccccc",
    "ytick.color": "#cccccc",
    "grid.color": "#3c3c3c",
}


@contextmanager
def theme(*, dark: bool = False) -> Iterator[None]:
    """The workbook's look for everything drawn inside. `dark` is for dark pages: light ink on no background."""
    look = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("notebook"),
        "axes.prop_cycle": cycler(color=PALETTE),
        "axes.titlesize": "medium",
        "axes.titlelocation": "left",
        **(_DARK if dark else _LIGHT),
    }
    with plt.rc_context(look):
        yield


def caption(target: str, taken_at: str, n: int) -> str:
    """What every title ends with: where, how many, when."""
    return f"{target}, n = {n:,}, {taken_at[:10]}"


def finish(figure: Figure, title: str = "") -> Figure:
    """Put the title on, lay out, and hand over once: closed for pyplot, so that a notebook does not show it twice."""
    if title:
        figure.suptitle(title, x=0.02, ha="left", fontsize="medium")
    figure.tight_layout()
    plt.close(figure)
    return figure


def latency_plot(result: Comparison | Profile | Skipped) -> Figure:
    """How late changes were: the share that had arrived after so many milliseconds, one line for each subscription."""
    if isinstance(result, Skipped):
        return _sentence(str(result))
    profiles = [result] if isinstance(result, Profile) else [result.full, result.filtered]
    figure, axes = _axes()
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
        return _sentence(str(comparison))
    arms = (comparison.full, comparison.filtered)
    per_s = [arm.wire_bytes_in / arm.seconds / 1_000 for arm in arms]
    wasted = [size * arm.wasted / arm.received if arm.received else 0.0 for arm, size in zip(arms, per_s, strict=True)]
    labels = [f"{arm.label}\n{arm.received:,} messages, {arm.wasted:,} not wanted" for arm in arms]
    figure, axes = _axes(height=2.8)
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
    figure, axes = _axes(height=3.0)
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


def network_plot(profile: NetworkProfile) -> Figure:
    """What each network costs: connecting, a round trip and a delivery, beside the round trip that it was set to."""
    figure, axes = _axes(height=1.6 + 0.45 * len(profile.steps))
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


def sync_plot(comparison: SyncComparison) -> Figure:
    """What became of each row in the second store, one bar for each strategy."""
    if not comparison.runs:
        return _sentence(str(comparison))
    labels = [f"{run.strategy}\n{run.queries:,} queries, {run.seconds:.2f} s" for run in comparison.runs]
    fates = {
        "correct": [run.rows_correct for run in comparison.runs],
        "stale": [run.stale for run in comparison.runs],
        "lost": [run.lost for run in comparison.runs],
        "not wanted": [run.duplicates for run in comparison.runs],
    }
    figure, axes = _axes(height=1.2 + 0.6 * len(labels))
    starts = [0] * len(labels)
    for (fate, counts), colour in zip(fates.items(), _FATES, strict=True):
        axes.barh(labels, counts, left=starts, label=fate, color=colour)
        starts = [start + count for start, count in zip(starts, counts, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("rows")
    axes.legend(loc="lower right")
    n = sum(run.events for run in comparison.runs)
    return finish(figure, "Rows in the second store\n" + caption(comparison.target, comparison.taken_at, n))


def waterfall_plot(diagnosis: Diagnosis) -> Figure:
    """The way from DNS to the first delivered change: when each layer ran, and how long it took in all runs."""
    layers = [layer for layer in diagnosis.layers if layer.status is not Status.SKIPPED]
    if not layers:
        return _sentence(f"Nothing was measured: {diagnosis.headline}")
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


def _axes(height: float = 4.0) -> tuple[Figure, Axes]:
    return plt.subplots(figsize=(7.5, height))


def _sentence(text: str) -> Figure:
    """A figure that says why there is no picture."""
    figure, axes = _axes(height=1.2)
    axes.axis("off")
    axes.text(0, 0.5, text, wrap=True, va="center")
    return finish(figure)
