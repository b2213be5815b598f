"""Pictures of results: one theme, every title says the target, the sample size and the date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns
from cycler import cycler

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["caption", "finish", "theme"]

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


def finish(figure: Figure) -> Figure:
    """Lay out a figure and hand it over once: closed for pyplot, so that a notebook does not show it twice."""
    figure.tight_layout()
    plt.close(figure)
    return figure
