"""The source for whoever may not add a log: rows, read again by a column that tells when they were written.

What it promises is less than what `ChangeLog` promises, and this is the difference:

- several changes of a row while nothing streamed come as one, its present state (``UPSERT``);
- a change is found by its `version`, for example ``updated_at``. Versions are given when a row is written, and rows are
  seen when their transaction commits: with `overlap` everything is read again that was written so much before the
  newest version known. What a longer transaction changes is missed, if it did not insert it;
- rows that are gone leave no version behind. They are found by comparing all keys with those that are known, which is
  done after each (re)subscription, and costs as much as there are rows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from helpers.errors import InputError
from helpers.resilience.source import Gap, Item, Origin
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["Key", "RowReader", "Rows"]

#: Rows that are read together.
PAGE = 1_000

#: Rows that are gone and remembered, to know late news of them as such.
REMEMBERED = 10_000

#: Values of the columns of the primary key.
Key = tuple[Hashable, ...]


class RowReader(Protocol):
    """A way to the table: SQL, PostgREST or Prisma. Values are as JSON has them, numbers with a fraction `Decimal`."""

    async def since(self, version: Any, after: Key | None, most: int) -> Sequence[Mapping[str, Any]]:
        """Rows in the order of version and key: of this version and higher ones (all, if it is None), and behind
        the row of this version with the key `after`."""

    async def keys(self) -> Iterable[Key]:
        """Of all rows."""

    async def by_keys(self, keys: Sequence[Key]) -> Sequence[Mapping[str, Any]]:
        """The rows of these keys, as far as there are any."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the application has of a row."""

    version: Any
    content: Hashable


class Rows:
    """The rows of one table, each change of them as far as it can be told from their present state.

    Args:
        reader: of the table.
        version: a column that grows with each write: a time, or a number.
        key: columns of the primary key.
        overlap: how far behind the newest version is read again: a `timedelta`, or a number.
        filter: of the subscription; the reader must have the same.
        initial: whether all rows come first, as ``UPSERT``; else what is committed from the first read on.
        deletes: whether keys are compared after each (re)subscription.
    """

    def __init__(
        self,
        reader: RowReader,
        table: str,
        version: str,
        key: Sequence[str] = ("id",),
        *,
        schema: str = "public",
        overlap: timedelta | int = timedelta(seconds=60),
        filter: str | None = None,
        initial: bool = False,
        deletes: bool = True,
    ) -> None:
        self._reader, self._version, self._key = reader, version, tuple(key)
        self._binding = ChangeBinding("*", schema, table, filter)
        self._overlap, self._initial, self._deletes = overlap, initial, deletes
        self._known: dict[Key, _Known] = {}
        self._gone: OrderedDict[Key, Any] = OrderedDict()
        self._newest: Any = None
        self._begun = False

    def config(self) -> JoinConfig:
        return JoinConfig(changes=(self._binding,))

    def item(self, event: Event) -> Item | None:
        if not isinstance(event, Change) or event.table != self._binding.table:
            return None
        if event.errors:
            raise Gap(event.errors[0])
        if event.type == "DELETE":
            key = self._key_of(event.old_record)
            return Item("DELETE", key, {}, None, Origin.STREAM, event.old_record)
        if self._version not in event.record:
            raise Gap(f"a change without its column {self._version}")
        return self._item(event.type, event.record, Origin.STREAM)

    async def read(self, origin: Origin) -> AsyncIterator[Sequence[Item]]:
        if not self._begun and not self._initial:
            await self._learn()
            self._begun = True
            return
        self._begun = True
        async for rows in self._changed():
            yield [self._item("UPSERT", row, origin) for row in rows]
        if self._deletes and origin is not Origin.POLL:
            async for items in self._compared(origin):
                yield items

    def admit(self, item: Item) -> Item | None:
        return item if self._is_new(item) else None

    def mark(self, item: Item) -> None:
        if item.type == "DELETE":
            self._forget(item.key)  # type: ignore[arg-type]
        else:
            self._learn_row(item.record)

    def _is_new(self, item: Item) -> bool:
        known = self._known.get(item.key)  # type: ignore[call-overload]  # ours have such keys
        if item.type == "DELETE":
            return known is not None or not self._deletes
        version = _comparable(item.record[self._version])
        if known is None:
            gone = self._gone.get(item.key)  # type: ignore[call-overload]
            return gone is None or bool(
                version > gone
            )  # else the stream tells late of a row that a read missed already
        return bool(version > known.version) or (version == known.version and _content(item.record) != known.content)

    def _forget(self, key: Key) -> None:
        """A row is gone; what it was is remembered for a while."""
        if (known := self._known.pop(key, None)) is not None:
            self._gone[key] = known.version
            if len(self._gone) > REMEMBERED:
                self._gone.popitem(last=False)

    async def _learn(self) -> None:
        """Take what is there for known: what the application wants is what comes after."""
        async for rows in self._changed():
            for row in rows:
                self._learn_row(row)

    def _learn_row(self, row: Mapping[str, Any]) -> None:
        version = _comparable(row[self._version])
        key = self._key_of(row)
        self._known[key] = _Known(version, _content(row))
        self._gone.pop(key, None)
        self._newest = version if self._newest is None else max(self._newest, version)

    async def _changed(self) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Pages of rows from a little before the newest version on."""
        version = self._a_little_before_newest()
        after: Key | None = None
        while True:
            rows = await self._reader.since(_told(version), after, PAGE)
            if rows:
                yield rows
                version, after = rows[-1][self._version], self._key_of(rows[-1])
            if len(rows) < PAGE:
                return

    def _a_little_before_newest(self) -> Any:
        if self._newest is None:
            return None
        try:
            return self._newest - self._overlap
        except TypeError:
            happened = f"its values, as {self._newest!r}, cannot be lessened by the overlap {self._overlap!r}"
            advice = "Give Rows an `overlap` of the version's kind: a number for numbers, a timedelta for times"
            raise InputError(f"reading {self._binding.table} by its column {self._version}", happened, advice) from None

    async def _compared(self, origin: Origin) -> AsyncIterator[Sequence[Item]]:
        """Rows that are gone, and rows that are there and were never seen."""
        present = set(await self._reader.keys())
        # Only what was known before the keys were read can be missing in them for being gone.
        yield [Item("DELETE", key, {}, None, origin, self._named(key)) for key in self._known if key not in present]
        unseen = [key for key in present if key not in self._known]
        for first in range(0, len(unseen), PAGE):
            rows = await self._reader.by_keys(unseen[first : first + PAGE])
            yield [self._item("UPSERT", row, origin) for row in rows]

    def _item(self, type: str, row: Mapping[str, Any], origin: Origin) -> Item:
        return Item(type, self._key_of(row), row, row[self._version], origin)

    def _key_of(self, row: Mapping[str, Any]) -> Key:
        return tuple(row[column] for column in self._key)

    def _named(self, key: Key) -> dict[str, Any]:
        return dict(zip(self._key, key, strict=True))


def _comparable(version: Any) -> Any:
    """Times as such: their texts do not sort, as PostgreSQL leaves out zeros at the end of a fraction."""
    return datetime.fromisoformat(version) if isinstance(version, str) else version


def _told(version: Any) -> Any:
    return version.isoformat() if isinstance(version, datetime) else version


def _content(row: Mapping[str, Any]) -> Hashable:
    """The same for equal rows, whichever way they came: some write `numeric` as a number, others as a text.

    Numbers inside of JSON are compared as doubles, which is what they are in a stream.
    """
    return frozenset((name, _inner(item)) for name, item in row.items())


def _inner(value: Any, *, is_nested: bool = False) -> Hashable:
    if isinstance(value, Mapping):
        return frozenset((name, _inner(item, is_nested=True)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_inner(item, is_nested=True) for item in value)
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if is_nested and is_number else str(value)
