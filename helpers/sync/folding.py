"""Many changes, what they come to: for each row the last word counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from helpers.sync.convert import ConversionError, Converter
from helpers.wire.events import Change

__all__ = ["Folded", "fold"]

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """What a sequence of changes leaves behind, each primary key in one of the three at most.

    Attributes:
        rows: key -> the whole row, as `data` for Prisma.
        deleted: keys of rows that are gone.
        unknown: keys of rows that changed, but whose content cannot be told from the changes: columns are missing, or
            a value has lost digits. They have to be read from the source.
    """

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    deleted: set[Key] = field(default_factory=set)
    unknown: set[Key] = field(default_factory=set)

    @property
    def touched(self) -> set[Key]:
        """Every key that any change was about."""
        return self.rows.keys() | self.deleted | self.unknown


def fold(changes: Iterable[Change], converter: Converter) -> Folded:
    """Apply changes, in their order, to nothing.

    Raises:
        KeyError: a change does not even hold the primary key (`errors` then says 401: the role may not read it).
    """
    folded = Folded()
    for change in changes:
        if change.type == "DELETE":
            _settle(folded, converter.key(change.old_record)).deleted.add(converter.key(change.old_record))
        else:
            _add(folded, change, converter)
    return folded


def _add(folded: Folded, change: Change, converter: Converter) -> None:
    key = converter.key(change.record)
    before = folded.rows.get(key, {})
    _settle(folded, key)
    try:
        row = before | converter.data(change.record)
    except ConversionError:
        folded.unknown.add(key)
        return
    if len(row) == len(converter.model.columns):
        folded.rows[key] = row
    else:
        folded.unknown.add(key)


def _settle(folded: Folded, key: Key) -> Folded:
    """Forget what earlier changes said of this row."""
    folded.rows.pop(key, None)
    folded.deleted.discard(key)
    folded.unknown.discard(key)
    return folded
