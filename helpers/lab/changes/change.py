"""A change of one row, its values as JSON."""

from __future__ import annotations

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

    @property
    def filtered(self) -> dict[str, str | None]:
        """The values that filters look at, as text: the new row's, or the old one's for DELETE."""
        cells = self.old if self.event == "DELETE" else self.new
        return {name: plain_text(value) for name, value in cells.items()}

    @property
    def commit_timestamp(self) -> str:
        """With milliseconds, cut off, not rounded."""
        return self.commit_time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.commit_time.microsecond // 1000:03d}Z"
