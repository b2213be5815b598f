"""A change of one row, its values as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from helpers.lab.changes.pgoutput import Relation
from helpers.lab.changes.values import plain_text

__all__ = ["Cells", "Change"]

#: JSON of a row's values by column; an unchanged large value is missing.
Cells = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """One INSERT, UPDATE or DELETE.

    Attributes:
        event: which of the three.
        relation: the table as it was.
        commit_time: UTC.
        new: the row after it; empty for DELETE.
        old: the columns of the replica identity before it; empty for INSERT.
    """

    event: str
    relation: Relation
    commit_time: datetime
    new: Cells
    old: Cells

    def texts(self, columns: Iterable[str]) -> dict[str, str | None]:
        """Those of the values that filters look at, as text: the new row's, or the old one's for DELETE."""
        cells = self.old if self.event == "DELETE" else self.new
        return {name: plain_text(cells[name]) for name in columns if name in cells}
