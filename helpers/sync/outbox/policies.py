"""What to do with a write when somebody else has changed its row since the user saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from helpers.sync.writes import Write, WriteType

__all__ = ["Conflict", "ConflictPolicy", "Merged", "merge"]


class ConflictPolicy(StrEnum):
    """Asked only of writes with a base; what has none sets what it sets."""

    LAST_WRITER = "last writer"  # ours, whatever it was meanwhile
    SERVER_WINS = "server wins"  # theirs, if they changed anything of the row
    FIELD_MERGE = "field merge"  # ours where only we changed a column, theirs where they did
    ASK = "ask"  # nothing, until somebody decides


@dataclass(frozen=True, slots=True)
class Merged:
    """Attributes:
    values: to write; None for nothing at all. yielded: columns in which the server's value is kept.
    """

    values: Mapping[str, Any] | None
    yielded: tuple[str, ...] = ()


class Conflict(Exception):  # noqa: N818 - a question, not a failure
    """Somebody has to decide. columns: what others changed meanwhile. server: the row as it is now."""

    def __init__(self, columns: tuple[str, ...], server: Mapping[str, Any]) -> None:
        super().__init__(f"others have changed {', '.join(columns)} meanwhile")
        self.columns, self.server = columns, server


def merge(policy: ConflictPolicy, write: Write, server: Mapping[str, Any]) -> Merged:
    """What of a write is to be done to a row that is there.

    Raises:
        Conflict: that is for somebody to decide.
    """
    theirs = _changed(write.base or {}, server)
    if not theirs or policy is ConflictPolicy.LAST_WRITER:
        return Merged(write.values)
    if policy is ConflictPolicy.ASK:
        raise Conflict(theirs, server)
    if policy is ConflictPolicy.SERVER_WINS or write.type is WriteType.DELETE:
        return Merged(None, tuple(write.values) or theirs)
    values = {column: value for column, value in write.values.items() if column not in theirs}
    return Merged(values or None, tuple(column for column in write.values if column in theirs))


def _changed(base: Mapping[str, Any], server: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(column for column, value in base.items() if column in server and not _equal(value, server[column]))


def _equal(one: Any, other: Any) -> bool:
    """As values of the database: 1.5 and 1.50 are the same `numeric`, true and 1 are not the same."""
    if isinstance(one, float | Decimal) and isinstance(other, float | int | Decimal) and not isinstance(other, bool):
        return Decimal(str(one)) == Decimal(str(other))
    return type(one) is type(other) and bool(one == other)
