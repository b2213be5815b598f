"""What a store tells its views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from helpers.sync.writes import Key, Write

__all__ = ["StoreEvent", "What"]


class What(StrEnum):
    """Happened in a store."""

    APPLIED = "applied"  # a write is shown, and not on the server yet
    ACCEPTED = "accepted"  # the server has done it; its echo is awaited
    SETTLED = "settled"  # it has come back: what is shown is the server's
    REJECTED = "rejected"  # the server refuses it; it is not shown any more
    UNDONE = "undone"  # it depended on one that was refused
    CHANGED = "changed"  # somebody else has changed the row
    REPLACED = "replaced"  # all rows were read anew


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """Attributes:
    keys: of the rows that may look different now. write: which it is about, if one. reason: of a rejection.
    """

    what: What
    keys: Sequence[Key]
    write: Write | None = None
    reason: str = ""
