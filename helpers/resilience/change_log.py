"""The exact source: a log that a trigger writes in the transaction of the change itself.

Each row of the log has an `id` from a sequence and the number of its transaction, `xid`. Sequences count in the order
of the writes, not of the commits, so that "everything above the last id" misses what commits late. What is read instead
is everything from a *horizon* on: the oldest transaction that was still under way when the log was last read. All below
it is finished for good (PostgreSQL's documentation, "pg_snapshot_xmin"). Of what lies above, the ids are remembered.

For one row of the table, ids are in the order of the commits: whoever changes a row waits until the one before has
ended, and takes its id only then.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from helpers.errors import FailureError
from helpers.resilience.position import LogPosition, keys_of, place_of
from helpers.resilience.source import CHECKPOINT, Gap, Item, Origin
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["ChangeLog", "Entry", "HistoryLost", "LogNow", "LogPage", "LogReader"]

#: Entries that are read together.
PAGE = 1_000


class HistoryLost(FailureError):  # noqa: N818 - as its siblings in helpers.errors
    """The log does not reach back to the position, or is another one: the table has to be read anew."""


class Entry(msgspec.Struct, frozen=True):
    """A row of the log.

    Attributes:
        op: INSERT, UPDATE, DELETE or TRUNCATE.
        row: the row after the change as JSON text, before it for DELETE; text, as JSON numbers would lose digits.
        old_key: of an UPDATE that changed the primary key, the old one as JSON text.
    """

    id: int
    xid: int
    op: str
    row: str | None = None
    old_key: str | None = None


class LogPage(msgspec.Struct, frozen=True):
    """Part of a log, read in one snapshot.

    Attributes:
        history: names the server's course of events. horizon: no transaction below it was under way.
        trimmed: the highest number of those whose entries are gone.
    """

    history: str
    horizon: int
    trimmed: int
    entries: tuple[Entry, ...] = ()


class LogNow(msgspec.Struct, frozen=True):
    """The present end of a log.

    Attributes:
        visible: id and transaction of the entries above the horizon that can be seen.
    """

    history: str
    horizon: int
    visible: tuple[tuple[int, int], ...] = ()

    def position(self) -> LogPosition:
        """That of whoever needs nothing of what is there."""
        return LogPosition(self.horizon, dict(self.visible), history=self.history)


class LogReader(Protocol):
    """A way to the log: SQL, PostgREST or Prisma."""

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        """Entries about a table from a horizon on, without those that were seen, with ids above `after`, by id."""

    async def now(self, source: str) -> LogNow:
        """Where to begin."""


class ChangeLog:
    """All changes of one table, each once, those of one row in the order of their commits.

    Args:
        reader: of the log.
        key: columns of the table's primary key.
        table: and `schema`, of the table. log: the log's table, in `log_schema`.
        position: where to go on; None begins with what is committed from the first read on.
        checkpoints: whether an item of type `CHECKPOINT` follows whenever the horizon moves, with it as its position:
            whoever keeps the position on a disk may then forget the ids of transactions below.

    Attributes:
        position: see `LogPosition`.
    """

    def __init__(
        self,
        reader: LogReader,
        table: str,
        key: Sequence[str] = ("id",),
        *,
        schema: str = "public",
        log: str = "change_log",
        log_schema: str | None = None,
        position: LogPosition | None = None,
        checkpoints: bool = False,
    ) -> None:
        self._reader = reader
        self._name = f"{schema}.{table}"
        self._key = tuple(key)
        self._log, self._log_schema = log, log_schema or schema
        self.position = position.copy() if position else LogPosition()
        self._begun = position is not None
        self._checkpoints = checkpoints

    def config(self) -> JoinConfig:
        binding = ChangeBinding("INSERT", self._log_schema, self._log, f"source=eq.{self._name}")
        return JoinConfig(changes=(binding,))

    def item(self, event: Event) -> Item | None:
        if not isinstance(event, Change) or event.table != self._log:
            return None
        if event.errors:
            raise Gap(event.errors[0])
        return self._item(msgspec.convert(event.record, Entry), Origin.STREAM)

    async def read(self, origin: Origin) -> AsyncIterator[Sequence[Item]]:
        if not self._begun:
            await self._begin()
            return
        horizon, after = None, 0
        while True:
            seen = tuple(self.position.seen)
            page = await self._reader.page(self._name, self.position.horizon, seen, after, PAGE)
            self._check(page)
            horizon = page.horizon if horizon is None else horizon
            if page.entries:
                after = page.entries[-1].id
                yield [self._item(entry, origin) for entry in page.entries]
            if len(page.entries) < PAGE:
                break
        if self._checkpoints and horizon > self.position.horizon:
            yield [Item(CHECKPOINT, None, {}, horizon, origin)]
        self.position.advance(horizon)

    def admit(self, item: Item) -> Item | None:
        if item.type == CHECKPOINT:
            return item
        entry_id, xid = place_of(item)
        return None if self.position.has(entry_id, xid) else self._present(item, entry_id)

    def mark(self, item: Item) -> None:
        if item.type != CHECKPOINT:
            self.position.enter(item)

    def _present(self, item: Item, entry_id: int) -> Item:
        """What of an item is not past: later changes of its row may have gone before, if Realtime lost this one."""
        old, new = keys_of(item)
        old_past = old is not None and self.position.is_past(old, entry_id)
        new_past = new is not None and self.position.is_past(new, entry_id)
        if item.type == "TRUNCATE" or not (old_past or new_past):
            return item
        if old is None or new is None or (old_past and new_past):
            return replace(item, late=True)
        if old_past:  # what it left is another row's by now
            return replace(item, old_record={}, old_key=None)
        return replace(item, type="DELETE", key=old, record={})  # what it became is past, but not that it left

    async def _begin(self) -> None:
        self.position = (await self._reader.now(self._name)).position()
        self._begun = True

    def _check(self, page: LogPage) -> None:
        if page.history != self.position.history or page.horizon < self.position.horizon:
            happened = "another server has taken over, or a backup was restored: it may lack what was committed last"
        elif page.trimmed >= self.position.horizon > 0:
            happened = "entries that were not read yet have been trimmed"
        else:
            return
        raise HistoryLost(
            f"reading the change log of {self._name}", happened, "Read the table anew, and go on from there"
        )

    def _item(self, entry: Entry, origin: Origin) -> Item:
        row, place = _parsed(entry.row), (entry.id, entry.xid)
        if entry.op == "TRUNCATE":
            return Item(entry.op, None, {}, place, origin)
        if entry.op == "DELETE":
            return Item(entry.op, self._key_of(row), {}, place, origin, row, self._key_of(row))
        old = _parsed(entry.old_key)
        return Item(entry.op, self._key_of(row), row, place, origin, old, self._key_of(old) if old else None)

    def _key_of(self, row: Mapping[str, Any]) -> tuple[Hashable, ...]:
        return tuple(row[column] for column in self._key)


def _parsed(text: str | None) -> dict[str, Any]:
    """Numbers with a fraction become `Decimal`, with the digits that the database gave."""
    found: dict[str, Any] = json.loads(text, parse_float=Decimal) if text else {}
    return found
