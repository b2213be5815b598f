"""The report's pictures, for light pages and for dark ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.plots import broadcast_plot, bytes_plot, latency_plot, sync_plot, theme, waterfall_plot
from helpers.report.inputs import Inputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "pictures"]

DOTS_PER_INCH = 144


@dataclass(frozen=True, slots=True)
class Picture:
    """One plot. `alt` says in words what it shows, numbers included."""

    name: str
    alt: str
    light_png: bytes
    dark_png: bytes


def pictures(inputs: Inputs) -> tuple[Picture, ...]:
    """A picture of everything that was measured and can be drawn."""
    return (*_of_diagnosis(inputs), *_of_comparison(inputs), *_of_broadcast(inputs), *_of_sync(inputs))


def _of_diagnosis(inputs: Inputs) -> Iterator[Picture]:
    diagnosis = inputs.diagnosis.result if inputs.diagnosis else None
    if diagnosis is not None and any(layer.samples_ms for layer in diagnosis.layers):
        medians = "; ".join(f"{layer.name} {layer.median_ms:.1f} ms" for layer in diagnosis.layers if layer.samples_ms)
        alt = f"From DNS to the first change, medians. {medians}."
        yield _picture("waterfall", alt, lambda: waterfall_plot(diagnosis))


def _of_comparison(inputs: Inputs) -> Iterator[Picture]:
    comparison = inputs.comparison
    if comparison is not None and comparison.full.latency_ms and comparison.filtered.latency_ms:
        arms = (comparison.full, comparison.filtered)
        late = "; ".join(f"{arm.label}: p50 {arm.latency_ms.p50:.0f} ms" for arm in arms if arm.latency_ms)
        much = "; ".join(f"{arm.label}: {arm.received:,} messages, {arm.wasted:,} not wanted" for arm in arms)
        yield _picture("latency", f"Latency of wanted changes. {late}.", lambda: latency_plot(comparison))
        yield _picture("bytes", f"Bytes received. {much}.", lambda: bytes_plot(comparison))


def _of_broadcast(inputs: Inputs) -> Iterator[Picture]:
    broadcast = inputs.broadcast
    if broadcast is not None and broadcast.best is not None:
        medians = [(step.rate_per_s, step.latency_ms.p50) for step in broadcast.steps if step.latency_ms]
        quick = "; ".join(f"{rate:,.0f}/s: p50 {median:.2g} ms" for rate, median in medians)
        yield _picture("broadcast", f"Latency of broadcasts. {quick}.", lambda: broadcast_plot(broadcast))


def _of_sync(inputs: Inputs) -> Iterator[Picture]:
    synced = inputs.synced
    if synced is not None:
        right = "; ".join(f"{run.strategy}: {run.rows_correct:,} of {run.rows_expected:,}" for run in synced.runs)
        yield _picture("sync", f"Rows that ended up correct. {right}.", lambda: sync_plot(synced))


def _picture(name: str, alt: str, draw: Callable[[], Figure]) -> Picture:
    return Picture(name, alt, _png(draw, dark=False), _png(draw, dark=True))


def _png(draw: Callable[[], Figure], *, dark: bool) -> bytes:
    with theme(dark=dark), io.BytesIO() as buffer:
        draw().savefig(buffer, format="png", dpi=DOTS_PER_INCH)
        return buffer.getvalue()
