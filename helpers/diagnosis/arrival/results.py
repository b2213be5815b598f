"""The answer: delivered or withheld, with what, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from helpers.diagnosis.arrival import render

__all__ = ["Arrival", "Cause", "Effect", "Reason"]


class Cause(StrEnum):
    """What decides about a change."""

    NO_TABLE = "there is no such table"
    WRITE_REFUSED = "PostgreSQL refuses the write"
    NOT_PUBLISHED = "the table is not published"
    PARTITIONED = "the table is partitioned"
    OPERATION_NOT_PUBLISHED = "the operation is not published"
    SUBSCRIPTION_REFUSED = "the subscription is refused"
    EVENT = "the binding listens to another event"
    EVALUATION_FAILED = "an evaluation fails"
    FILTER = "the filter does not match"
    FILTER_COLUMN = "the filter's column is not in the log"
    ROW_SECURITY = "row level security hides the row"
    KEY_LOOKUP = "the row is not found by its key"
    NO_PRIMARY_KEY = "there is no primary key"
    KEY_PRIVILEGE = "the primary key may not be selected"
    TOO_LARGE = "the change is larger than 1 MiB"
    UNCHANGED = "unchanged large values are left out"
    COLUMN_PRIVILEGE = "columns may not be selected"
    OLD_KEY_ONLY = "of the old row only the key is told"
    PUBLICATION_IGNORED = "the publication's column list or row filter is not heeded"
    NAME_PATTERN = "the table's name is a pattern"
    NO_ROW_SECURITY = "nobody asks who may see it"


class Effect(StrEnum):
    """What a cause does to the change."""

    WITHHELD = "withheld"
    CHANGED = "changed"  # delivered, but not as it was written
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that decides.

    Attributes:
        cause: which.
        effect: what it does to the change.
        evidence: what was read or evaluated, with the values.
        fix: SQL, configuration or code for this project; empty when there is nothing to do.
    """

    cause: Cause
    effect: Effect
    evidence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whether a change would arrive at a subscriber.

    Attributes:
        asked: the question in one line.
        delivered: whether something comes; with errors 400, 401 or 413 it is not the whole row.
        payload: the change's data as the server sends it, without ids and commit time; None when withheld.
        reasons: what decides, the first that withholds first.
        notes: what the answer assumes.
    """

    asked: str
    delivered: bool
    payload: Mapping[str, Any] | None
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    took_ms: float = 0.0

    @property
    def cause(self) -> Cause | None:
        """The first cause that withholds or changes it; None when it comes as it was written."""
        return next((reason.cause for reason in self.reasons if reason.effect is not Effect.NOTE), None)

    @property
    def headline(self) -> str:
        """One sentence."""
        if self.cause is None:
            return "Delivered"
        return f"{'Delivered, but' if self.delivered else 'Withheld:'} {self.cause.value}"

    def __str__(self) -> str:
        return render.as_text(self)

    def _repr_html_(self) -> str:
        return render.as_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))
