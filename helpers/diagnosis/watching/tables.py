"""Counts the changes of one table, and knows those again that were there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from helpers.diagnosis.evidence import TableName
from helpers.diagnosis.evidence.watch import TableSeen, Tally
from helpers.diagnosis.watching.memory import Recent
from helpers.wire.events import Change

__all__ = ["KEPT_KEYS", "TableLedger", "key_text"]

KEPT_CHANGES = 5_000
KEPT_KEYS = 20_000
MOST_ERRORS = 20
#: Two transactions may get their time in one order and their place in the log in the other, when they commit at the
#: same moment; what is further apart was not in order when it arrived.
REORDER_TOLERANCE_S = 0.1


def key_text(row: Mapping[str, Any], columns: tuple[str, ...]) -> str | None:
    """A row's key as the database's own text of it; None if the row does not have it."""
    values = [row.get(column) for column in columns]
    return "\x1f".join(map(str, values)) if values and None not in values else None


@dataclass(slots=True)
class TableLedger:
    """The changes of one table; `key` names its primary key's columns, as far as they are known.

    `arrived` has the keys of rows; `blank` is the number of changes that came without one.
    """

    name: TableName
    key: tuple[str, ...]
    began: float
    arrived: Recent[str] = field(default_factory=lambda: Recent(KEPT_KEYS))
    blank: int = 0
    _types: Counter[str] = field(default_factory=Counter)
    _errors: Counter[str] = field(default_factory=Counter)
    _seen: Recent[int] = field(default_factory=lambda: Recent(KEPT_CHANGES))
    _twice: Counter[str] = field(default_factory=Counter)
    _committed_at: float = 0.0
    _reordered: int = 0
    _worst_s: float = 0.0
    _last_at: float = 0.0
    _quiet_s: float = 0.0

    def receive(self, change: Change) -> None:
        self._types[change.type] += 1
        self._quiet_s = max(self._quiet_s, change.received_at - (self._last_at or self.began))
        self._last_at = change.received_at
        for error in change.errors:
            if error in self._errors or len(self._errors) < MOST_ERRORS:
                self._errors[error] += 1
        self._note_key(change)
        if change.commit_timestamp is None:
            return  # it tells neither what nor when
        if not self._seen.add(_fingerprint(change)):
            self._twice[change.type] += 1
        else:
            self._note_order(change.commit_timestamp)

    def reconnected(self) -> None:
        """What comes on another connection is in an order of its own."""
        self._committed_at = 0.0

    def seen(self, until: float) -> TableSeen:
        duplicates = sum(self._twice.values()) - self._twice["UPDATE"]
        return TableSeen(
            self.name,
            Tally(self._types["INSERT"], self._types["UPDATE"], self._types["DELETE"]),
            tuple(self._errors.items()),
            duplicates,
            self._twice["UPDATE"],
            self._reordered,
            self._worst_s,
            max(self._quiet_s, until - (self._last_at or self.began)),
        )

    def _note_key(self, change: Change) -> None:
        row = change.old_record if change.type == "DELETE" else change.record
        if (key := key_text(row, self.key)) is not None:
            self.arrived.add(key)
        else:
            self.blank += 1

    def _note_order(self, commit_timestamp: str) -> None:
        try:
            committed_at = datetime.fromisoformat(commit_timestamp).timestamp()
        except ValueError:
            return
        early_s = self._committed_at - committed_at
        if early_s > REORDER_TOLERANCE_S:
            self._reordered += 1
            self._worst_s = max(self._worst_s, early_s)
        self._committed_at = max(self._committed_at, committed_at)


def _fingerprint(change: Change) -> int:
    """The same for the same change, and for no other one that is likely to come."""
    rows = msgspec.json.encode((change.record, change.old_record))
    return hash((change.type, change.commit_timestamp, rows))
