"""A picture of what became of rows that were copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.plots.theme import caption, finish, one_axes, sentence
from helpers.sync.results import SyncComparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["sync_plot"]

#: What is right in green, what is not in the warm half of the palette and grey.
_FATES = ("#009E73", "#E69F00", "#999999", "#D55E00")


def sync_plot(comparison: SyncComparison) -> Figure:
    """What became of each row in the second store, one bar for each strategy."""
    if not comparison.runs:
        return sentence(str(comparison))
    labels = [f"{run.strategy}\n{run.queries:,} queries, {run.seconds:.2f} s" for run in comparison.runs]
    fates = {
        "correct": [run.rows_correct for run in comparison.runs],
        "stale": [run.stale for run in comparison.runs],
        "lost": [run.lost for run in comparison.runs],
        "not wanted": [run.duplicates for run in comparison.runs],
    }
    figure, axes = one_axes(height=1.2 + 0.6 * len(labels))
    starts = [0] * len(labels)
    for (fate, counts), colour in zip(fates.items(), _FATES, strict=True):
        axes.barh(labels, counts, left=starts, label=fate, color=colour)
        starts = [start + count for start, count in zip(starts, counts, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("rows")
    axes.legend(loc="lower right")
    n = sum(run.events for run in comparison.runs)
    return finish(figure, "Rows in the second store\n" + caption(comparison.target, comparison.taken_at, n))
