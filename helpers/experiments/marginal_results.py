"""What one more subscription, and one more message, costs: lines and the points they were drawn through."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from helpers.profiling.lines import Line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MarginalCost", "MarginalCosts", "Point"]


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: with so many subscriptions (or messages delivered), so much of something."""

    way: str
    cost: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class MarginalCost:
    """One kind of cost of one way to subscribe.

    Attributes:
        way: what was subscribed to, and on what sockets.
        cost: of what. unit: of one more subscription, or message.
        line: None where the target does not tell.
    """

    way: str
    cost: str
    unit: str
    line: Line | None

    def __str__(self) -> str:
        """The cost of one more, with its interval; or that it cannot be told from nothing; or that it is not known."""
        if self.line is None:
            return "not known"
        if not self.line.grows:
            return f"no growth shown (at most {max(self.line.high, 0):.3g})"
        return str(self.line) + ("" if self.line.fits else ", but no straight line")

    @property
    def bend(self) -> str:
        """A sentence where a line is not what the points lie on, else empty."""
        if self.line is None or self.line.fits or self.line.bend is None:
            return ""
        more = "more and more" if self.line.bend > 0 else "less and less"
        return (
            f"{self.way}, {self.cost}: the line does not fit, one more costs {more} (in the middle the points are "
            f"{100 * abs(self.line.bend):.0f} % of the rise away from it); do not extend it"
        )


@dataclass(frozen=True, slots=True)
class MarginalCosts:
    """All of them.

    Attributes:
        target: `str(Target)`: kind and URL, no key. size: of the experiment.
        answer: what these measurements say to the question, computed from them.
    """

    question: str
    target: str
    taken_at: str
    size: str
    seconds: float
    costs: tuple[MarginalCost, ...]
    points: tuple[Point, ...]
    answer: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ways(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cost.way for cost in self.costs))

    def cost(self, way: str, cost: str) -> MarginalCost | None:
        """One of them; None if it was not measured."""
        return next((found for found in self.costs if (found.way, found.cost) == (way, cost)), None)

    def to_frame(self) -> pd.DataFrame:
        """One row for each line: the cost of one more, its 95 % interval, points, and whether a line fits."""
        import pandas as pd

        columns = ["way", "cost", "unit", "per_one", "low", "high", "start", "n", "largest", "fits"]
        return pd.DataFrame(self._rows(), columns=columns)

    def points_frame(self) -> pd.DataFrame:
        """Tidy: every measurement."""
        import pandas as pd

        rows = [(point.way, point.cost, point.x, point.y) for point in self.points]
        return pd.DataFrame(rows, columns=["way", "cost", "x", "y"])

    def table(self) -> pd.DataFrame:
        """For people: one row for each kind of cost, one column for each way."""
        import pandas as pd

        kinds = dict.fromkeys((cost.cost, cost.unit) for cost in self.costs)
        rows = [
            {way: str(found) if (found := self.cost(way, kind)) else "not measured" for way in self.ways}
            for kind, _ in kinds
        ]
        index = pd.Index([f"{kind} ({unit})" for kind, unit in kinds], name="one more costs")
        return pd.DataFrame(rows, index=index)

    def __str__(self) -> str:
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join([self.question, "", self.table().to_string(), "", self.answer, *notes, self.provenance])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><strong>{html.escape(self.question)}</strong></p>{self.table().to_html()}"
            f"<p><strong>{html.escape(self.answer)}</strong></p>"
            + (f"<p>Notes</p><ul>{notes}</ul>" * bool(notes))
            + f"<p><small>{html.escape(self.provenance)}</small></p>"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))

    @property
    def provenance(self) -> str:
        """Where the numbers are from."""
        return f"marginal costs, size {self.size}: {self.target}, {self.taken_at}, {self.seconds:.0f} s"

    def _rows(self) -> Iterator[tuple[object, ...]]:
        for cost in self.costs:
            if (line := cost.line) is not None:
                yield (
                    *(cost.way, cost.cost, cost.unit, line.per_one, line.low, line.high, line.start),
                    *(line.n, line.largest, line.fits),
                )
