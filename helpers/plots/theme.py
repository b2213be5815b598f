"""One theme for all pictures; every title says the target, the sample size and the date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns
from cycler import cycler

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PALETTE", "caption", "finish", "one_axes", "sentence", "theme"]

#: Okabe and Ito's palette, in an order that keeps neighbours apart for every kind of colour vision.
#: Source: https://jfly.uni-koeln.de/color/
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")

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


def finish(figure: Figure, title: str = "", *, bottom: float = 0.0) -> Figure:
    """Put the title on, lay out, and hand over once: closed for pyplot, so that a notebook does not show it twice.

    Args:
        bottom: share of the height that is kept free, for a legend of the whole figure.
    """
    if title:
        figure.suptitle(title, x=0.02, ha="left", fontsize="medium")
    figure.tight_layout(rect=(0, bottom, 1, 1))
    plt.close(figure)
    return figure


def one_axes(height: float = 4.0) -> tuple[Figure, Axes]:
    """A figure of the usual width with one panel."""
    return plt.subplots(figsize=(7.5, height))


def sentence(text: str) -> Figure:
    """A figure that says why there is no picture."""
    figure, axes = one_axes(height=1.2)
    axes.axis("off")
    axes.text(0, 0.5, text, wrap=True, va="center")
    return finish(figure)
