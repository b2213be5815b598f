"""Many changes, what they come to: for each row the last word counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from helpers.resilience import CHECKPOINT, Item, Origin, place_of
from helpers.sync.convert import ConversionError, Converter
from helpers.wire.events import Change

__all__ = ["Folded", "Key", "fold", "item_of"]

#: Values of the primary key, in Prisma's types.
Key = tuple[Any, ...]


@dataclass(slots=True)
class Folded:
    """What a sequence of changes leaves behind, each primary key in one of the three at most.

    Attributes:
        rows: key -> the whole row, as `data` for Prisma.
        deleted: keys of rows that are gone.
        unknown: keys of rows that changed, but whose content cannot be told from the changes: columns are missing, or
            a value has lost digits. They have to be read from the source.
        emptied: the entry of the log by which all rows that were there before are gone.
    """

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    deleted: set[Key] = field(default_factory=set)
    unknown: set[Key] = field(default_factory=set)
    emptied: int | None = None

    @property
    def touched(self) -> set[Key]:
        """Every key that any change was about."""
        return self.rows.keys() | self.deleted | self.unknown

    def forget(self, key: Key) -> dict[str, Any]:
        """What earlier changes said of this row; returns it, as far as it is known."""
        self.deleted.discard(key)
        self.unknown.discard(key)
        return self.rows.pop(key, {})


def item_of(change: Change, converter: Converter) -> Item:
    """A change of the table itself, as a channel of Realtime brings it.

    Raises:
        KeyError: it does not even hold the primary key (`errors` then says 401: the role may not read it).
    """
    columns = converter.key_columns
    told = change.old_record if change.type == "DELETE" else change.record
    key = tuple(told[column] for column in columns)
    old = tuple(change.old_record.get(column, value) for column, value in zip(columns, key, strict=True))
    old_key = old if change.type == "DELETE" or old != key else None
    return Item(change.type, key, change.record, None, Origin.STREAM, change.old_record, old_key)


def fold(items: Iterable[Item], converter: Converter) -> Folded:
    """Apply items, in their order, to nothing. Those that are late only tell what was, and change nothing.

    Raises:
        ConversionError: of a primary key.
    """
    folded = Folded()
    for item in items:
        if item.type == CHECKPOINT or item.late:
            continue
        if item.type == "TRUNCATE":
            folded = Folded(emptied=place_of(item)[0])
        else:
            _add(folded, item, converter)
    return folded


def _add(folded: Folded, item: Item, converter: Converter) -> None:
    gone: Any = item.old_key if item.old_key is not None or item.record else item.key
    before: dict[str, Any] = {}
    if gone is not None:
        before = folded.forget(key := converter.key_data(gone))
        folded.deleted.add(key)
    if item.record:
        _write(folded, item, converter, before)


def _write(folded: Folded, item: Item, converter: Converter, before: dict[str, Any]) -> None:
    key = converter.key(item.record)
    before = before | folded.forget(key)
    try:
        row = before | converter.data(item.record)
    except ConversionError:
        folded.unknown.add(key)
        return
    if len(row) == len(converter.model.columns):
        folded.rows[key] = row
    else:
        folded.unknown.add(key)
