"""The report's pictures, for light pages and for dark ones."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.plots import broadcast_plot, bytes_plot, latency_plot, theme
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
    found = []
    if (comparison := inputs.comparison) is not None and comparison.full.latency_ms and comparison.filtered.latency_ms:
        arms = (comparison.full, comparison.filtered)
        late = "; ".join(f"{arm.label}: p50 {arm.latency_ms.p50:.0f} ms" for arm in arms if arm.latency_ms)
        much = "; ".join(f"{arm.label}: {arm.received:,} messages, {arm.wasted:,} not wanted" for arm in arms)
        found.append(_picture("latency", f"Latency of wanted changes. {late}.", lambda: latency_plot(comparison)))
        found.append(_picture("bytes", f"Bytes received. {much}.", lambda: bytes_plot(comparison)))
    if (broadcast := inputs.broadcast) is not None and broadcast.best is not None:
        medians = [(step.rate_per_s, step.latency_ms.p50) for step in broadcast.steps if step.latency_ms]
        quick = "; ".join(f"{rate:,.0f}/s: p50 {median:.2g} ms" for rate, median in medians)
        found.append(_picture("broadcast", f"Latency of broadcasts. {quick}.", lambda: broadcast_plot(broadcast)))
    return tuple(found)


def _picture(name: str, alt: str, draw: Callable[[], Figure]) -> Picture:
    return Picture(name, alt, _png(draw, dark=False), _png(draw, dark=True))


def _png(draw: Callable[[], Figure], *, dark: bool) -> bytes:
    with theme(dark=dark), io.BytesIO() as buffer:
        draw().savefig(buffer, format="png", dpi=DOTS_PER_INCH)
        return buffer.getvalue()
