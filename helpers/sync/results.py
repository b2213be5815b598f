"""What a synchronisation experiment found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SyncComparison", "SyncRun"]


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One strategy under one load.

    Attributes:
        strategy: its name, for example ``batched``.
        description: one sentence.
        events_expected: changes that the load made and the strategy subscribed to.
        events: changes that arrived, echoes included.
        echo_events: changes that the strategy's own writes caused.
        rows_expected: rows at the source when the load was over.
        rows_correct: of these, how many the second store holds with every column equal.
        stale: how many it holds with another content.
        lost: how many it does not hold.
        duplicates: rows in the second store that have no right to be there: copies, and rows deleted at the source.
        errors: kind -> how often.
        queries: SQL statements that Prisma sent, the opening and closing of transactions included.
        seconds: during which the strategy was busy with events that had arrived.
    """

    strategy: str
    description: str
    events_expected: int
    events: int
    echo_events: int
    rows_expected: int
    rows_correct: int
    stale: int
    lost: int
    duplicates: int
    errors: dict[str, int]
    queries: int
    seconds: float

    @property
    def rows_per_s(self) -> float:
        """Correct rows per second."""
        return self.rows_correct / self.seconds if self.seconds else 0.0

    @property
    def is_faithful(self) -> bool:
        """Whether the second store is the source, row for row and nothing else."""
        return self.rows_correct == self.rows_expected and not self.duplicates


@dataclass(frozen=True, slots=True, repr=False)
class SyncComparison:
    """Strategies under the same load; `skipped` says what to set where they could not run."""

    target: str
    taken_at: str
    runs: tuple[SyncRun, ...] = ()
    skipped: str = ""

    def __add__(self, other: SyncComparison) -> SyncComparison:
        """The runs of both, as one comparison."""
        skipped = self.skipped or other.skipped
        return SyncComparison(self.target, other.taken_at, () if skipped else self.runs + other.runs, skipped)

    @property
    def verdict(self) -> str:
        """Which strategies keep the second store equal, in one sentence."""
        if self.skipped:
            return str(self)
        faithful = [run.strategy for run in self.runs if run.is_faithful]
        broken = [run.strategy for run in self.runs if not run.is_faithful]
        return f"Equal row for row: {', '.join(faithful) or 'none'}. Not equal: {', '.join(broken) or 'none'}."

    def run(self, strategy: str) -> SyncRun:
        """The run of a strategy.

        Raises:
            KeyError: it was not run.
        """
        return {run.strategy: run for run in self.runs}[strategy]

    def to_frame(self) -> pd.DataFrame:
        """One row per strategy."""
        import pandas as pd

        rows = [
            {
                "strategy": run.strategy,
                "events": f"{run.events} of {run.events_expected}",
                "echoes": run.echo_events,
                "correct": f"{run.rows_correct} of {run.rows_expected}",
                "stale": run.stale,
                "lost": run.lost,
                "duplicates": run.duplicates,
                "errors": ", ".join(f"{count} × {kind}" for kind, count in run.errors.items()) or "none",
                "queries": run.queries,
                "seconds": round(run.seconds, 2),
                "rows/s": round(run.rows_per_s),
            }
            for run in self.runs
        ]
        return pd.DataFrame(rows).set_index("strategy") if rows else pd.DataFrame()

    def __str__(self) -> str:
        return f"skipped: {self.skipped}" if self.skipped else self.to_frame().to_string()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<p>skipped: {self.skipped}</p>" if self.skipped else str(self.to_frame().to_html())
