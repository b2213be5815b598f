"""Rows as a user wants to see them: the server's, and above them the own writes that are on their way.

No I/O and no clock. Whoever sends the writes tells `marked`, `accept` and `reject`, whoever listens to the server tells
`receive`, and in whichever order that happens: when everything has been told, the view is the server's state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpers.errors import FailureError, SettingsError
from helpers.resilience import CHECKPOINT, Item
from helpers.sync.optimistic.events import StoreEvent, What
from helpers.sync.optimistic.marks import ByTransaction, Marks
from helpers.sync.writes import Answer, Key, Write, WriteType, depends_on, is_temporary, temporary_key

__all__ = ["OptimisticStore"]

Row = Mapping[str, Any]


@dataclass(slots=True)
class _Pending:
    """marks: what the server may call it: several, if it was tried several times. answered: it is committed."""

    write: Write
    marks: list[Any] = field(default_factory=list)
    answered: bool = False


class OptimisticStore:
    """One table.

    Args:
        key: columns of its primary key. marks: how own writes are recognised when they come back.
        table: its name, which writes bear.

    Attributes:
        server: rows by key, as the server has them. view: the same with the pending writes above.
    """

    def __init__(self, key: Sequence[str] = ("id",), marks: Marks | None = None, table: str = "") -> None:
        self._key, self._marks, self._table = tuple(key), marks or ByTransaction(), table
        self.server: dict[Key, Row] = {}
        self.view: dict[Key, Row] = {}
        self._pending: list[_Pending] = []
        self._seen: dict[Key, list[Any]] = {}
        self._names: dict[str, Any] = {}
        self._refused: set[str] = set()
        self._holds: Callable[[Any], bool] = lambda mark: False
        self._listeners: list[Callable[[StoreEvent], None]] = []

    @property
    def pending(self) -> tuple[Write, ...]:
        """Writes that are shown and have not come back, in the order in which they were made."""
        return tuple(one.write for one in self._pending)

    def on_event(self, listener: Callable[[StoreEvent], None]) -> None:
        """Call it with every event, as it happens."""
        self._listeners.append(listener)

    def real(self, key: Key) -> Key:
        """The key of a row, if it had a temporary one before."""
        return tuple(self._names.get(value, value) if isinstance(value, str) else value for value in key)

    # Writes of this user

    def insert(self, values: Row, *, after: Sequence[str] = ()) -> Write:
        """Show a new row at once. Columns of the key that are missing are the server's to choose."""
        row = {**{column: temporary_key() for column in self._key}, **values}
        return self.apply(Write(WriteType.INSERT, self._key_of(row), row, after=after, table=self._table))

    def update(self, key: Key, values: Row, *, after: Sequence[str] = ()) -> Write:
        """Show other values of a row at once. What is shown now is kept as the write's base."""
        key = self.real(key)
        if any(values.get(column, value) != value for column, value in zip(self._key, key, strict=True)):
            happened, advice = "the primary key would change", "Delete the row and insert it anew"
            raise SettingsError(f"updating the row {key}", happened, advice)
        return self.apply(Write(WriteType.UPDATE, key, values, self.view.get(key), after, self._table))

    def delete(self, key: Key, *, after: Sequence[str] = ()) -> Write:
        """Show a row no more."""
        key = self.real(key)
        return self.apply(Write(WriteType.DELETE, key, {}, self.view.get(key), after, self._table))

    def apply(self, write: Write) -> Write:
        """Show a write: one that is new, or one of an earlier life that waits in an outbox.

        Raises:
            FailureError: what it depends on has been refused.
        """
        write = write.renamed(self._names)
        self._check(write)
        self._pending.append(_Pending(write))
        self._tell(What.APPLIED, [write.key], write)
        return write

    # What becomes of them

    def marked(self, write_id: str, mark: Any) -> None:
        """The write is about to be committed with this mark, or not to be."""
        if (found := self._find(write_id)) is not None:
            found.marks.append(mark)
            self._settle_if_seen(found)

    def accept(self, write_id: str, answer: Answer) -> None:
        """The server has done it. Until it comes back it is still shown above the server's rows."""
        if (found := self._find(write_id)) is None:
            return
        found.answered, found.marks = True, [answer.mark]
        keys = self._name(found.write, answer.key)
        self._tell(What.ACCEPTED, keys, found.write)
        if answer.mark is None:
            self._settle(found, keys)
        else:
            self._settle_if_seen(found)
        self._forget()

    def reject(self, write_id: str, reason: str) -> tuple[Write, ...]:
        """The server will not do it: it goes, and what depends on it; everything else stays.

        Returns:
            All that went, it first. None if it is not pending any more.
        """
        if (found := self._find(write_id)) is None:
            return ()
        gone = [found.write]
        for one in self._pending[self._pending.index(found) + 1 :]:
            if any(depends_on(one.write, other) for other in gone):
                gone.append(one.write)
        self._refused |= {write.id for write in gone}
        self._pending = [one for one in self._pending if one.write.id not in self._refused]
        self._tell(What.REJECTED, [gone[0].key], gone[0], reason)
        for write in gone[1:]:
            self._tell(What.UNDONE, [write.key], write, f"it depends on a write that was refused: {reason}")
        self._forget()
        return tuple(gone)

    def revise(self, write_id: str, values: Row) -> None:
        """Somebody has decided that it is to set other values."""
        if (found := self._find(write_id)) is not None:
            found.write = replace(found.write, values=values)
            self._tell(What.APPLIED, [found.write.key], found.write)

    # The server

    def receive(self, item: Item) -> None:
        """A change that somebody made, perhaps this user."""
        if item.type == CHECKPOINT:
            return
        mark = self._marks.of(item)
        keys = list(self.server) if item.type == "TRUNCATE" else _keys_of(item)
        if not item.late:
            self._change(item)
        own = [one for one in self._pending if self._is_echo(one, item, keys, mark)]
        self._remember(keys, mark)
        if not own:
            self._tell(What.CHANGED, keys)
        for one in own:
            self._settle(one, [*keys, *self._name(one.write, keys[-1])])
        self._forget()

    def replace(self, rows: Iterable[Row], holds: Callable[[Any], bool]) -> None:
        """The server's rows, read anew.

        Args:
            holds: whether they hold the write that has this mark; see `LogPosition.holds`.
        """
        before, self.server = self.server, {self._key_of(row): row for row in rows}
        self._holds = holds
        for one in [one for one in self._pending if any(map(holds, one.marks))]:
            self._settle(one, [one.write.key])
        self._tell(What.REPLACED, list(before | self.server))

    # Within

    def _check(self, write: Write) -> None:
        awaited = {value for one in self._pending for value in one.write.key}
        if write.temporaries - awaited or self._refused & {*write.after}:
            happened = "it depends on a write that the server has refused"
            raise FailureError(f"writing to the row {write.key}", happened, "Show the refusal, and what it took along")

    def _find(self, write_id: str) -> _Pending | None:
        return next((one for one in self._pending if one.write.id == write_id), None)

    def _is_echo(self, one: _Pending, item: Item, keys: Sequence[Key], mark: Any) -> bool:
        """The mark tells whose it is; the key of a new row may be known by now only."""
        made = item.type == WriteType.INSERT == one.write.type and any(map(is_temporary, one.write.key))
        return (made or one.write.key in keys) and any(self._marks.covers(mark, own) for own in one.marks)

    def _settle_if_seen(self, one: _Pending) -> None:
        seen = self._seen.get(one.write.key, ())
        if any(self._holds(own) or any(self._marks.covers(mark, own) for mark in seen) for own in one.marks):
            self._settle(one, [one.write.key])

    def _settle(self, one: _Pending, keys: Iterable[Key]) -> None:
        self._pending.remove(one)
        self._tell(What.SETTLED, [*dict.fromkeys(keys)], one.write)

    def _remember(self, keys: Iterable[Key], mark: Any) -> None:
        """An echo may be faster than the answer that tells its mark."""
        for key in keys:
            self._seen.setdefault(key, []).append(mark)

    def _forget(self) -> None:
        """Marks are of no use when every write that is pending knows its own."""
        if all(one.answered for one in self._pending):
            self._seen.clear()

    def _name(self, write: Write, key: Key) -> list[Key]:
        """Put the real key in place of a temporary one, everywhere; returns the keys of the rows that it concerns."""
        names = {old: new for old, new in zip(write.key, key, strict=True) if is_temporary(old)}
        self._names |= names
        touched = [write.key]
        for one in self._pending if names else ():
            before, one.write = one.write, one.write.renamed(names)
            if one.write != before:
                touched += [before.key, one.write.key]
        return [*dict.fromkeys(touched)]

    def _change(self, item: Item) -> None:
        if item.type == "TRUNCATE":
            self.server.clear()
        if item.old_key is not None or item.type == WriteType.DELETE:
            self.server.pop(_as_key(item.old_key or item.key), None)
        if item.record:
            self.server[self._key_of(item.record)] = item.record

    def _tell(self, what: What, keys: Sequence[Key], write: Write | None = None, reason: str = "") -> None:
        for key in keys:
            self._show(key)
        for listener in self._listeners:
            listener(StoreEvent(what, tuple(keys), write, reason))

    def _show(self, key: Key) -> None:
        """One row of the view: the server's, and what is pending above it."""
        row = self.server.get(key)
        for one in self._pending:
            if one.write.key == key:
                row = _above(row, one.write)
        if row is None:
            self.view.pop(key, None)
        else:
            self.view[key] = row

    def _key_of(self, row: Row) -> Key:
        return tuple(row[column] for column in self._key)


def _above(row: Row | None, write: Write) -> Row | None:
    if write.type is WriteType.DELETE:
        return None
    if row is None:  # an update of what is gone shows nothing; the server will refuse it
        return write.values if write.type is WriteType.INSERT else None
    return {**row, **write.values}


def _keys_of(item: Item) -> list[Key]:
    """Of the rows that a change touches, the one that it writes last."""
    keys = [item.key] if item.old_key in (None, item.key) else [item.old_key, item.key]
    return [_as_key(key) for key in keys]


def _as_key(key: Any) -> Key:
    return tuple(key)
