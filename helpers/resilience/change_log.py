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
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from helpers.errors import FailureError
from helpers.resilience.source import CHECKPOINT, Gap, Item, Origin
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["ChangeLog", "Entry", "HistoryLost", "LogPage", "LogPosition", "LogReader", "place_of"]

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
        horizon: no transaction below it was under way. trimmed: the highest number of those whose entries are gone.
    """

    horizon: int
    trimmed: int
    entries: tuple[Entry, ...] = ()


class LogReader(Protocol):
    """A way to the log: SQL, PostgREST or Prisma."""

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        """Entries about a table from a horizon on, without those that were seen, with ids above `after`, by id."""

    async def now(self, source: str) -> tuple[int, Sequence[tuple[int, int]]]:
        """The present horizon, and (id, xid) of the visible entries above it."""


@dataclass(slots=True)
class LogPosition:
    """Up to where the log was delivered: everything below `horizon`, and of the rest the ids in `seen`.

    Attributes:
        seen: id -> xid.
    """

    horizon: int = 0
    seen: dict[int, int] = field(default_factory=dict)

    def copy(self) -> LogPosition:
        """Another one, which moves by itself."""
        return LogPosition(self.horizon, dict(self.seen))

    def has(self, entry_id: int, xid: int) -> bool:
        return xid < self.horizon or entry_id in self.seen

    def advance(self, horizon: int) -> None:
        """Nothing below is missing any more, so its ids need not be remembered."""
        if horizon > self.horizon:
            self.horizon = horizon
            self.seen = {entry_id: xid for entry_id, xid in self.seen.items() if xid >= horizon}


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

    def is_new(self, item: Item) -> bool:
        if item.type == CHECKPOINT:
            return True
        return not self.position.has(*place_of(item))

    def mark(self, item: Item) -> None:
        if item.type == CHECKPOINT:
            return
        entry_id, xid = place_of(item)
        self.position.seen[entry_id] = xid

    async def _begin(self) -> None:
        horizon, visible = await self._reader.now(self._name)
        for entry_id, xid in visible:
            self.position.seen.setdefault(entry_id, xid)
        self.position.advance(horizon)
        self._begun = True

    def _check(self, page: LogPage) -> None:
        if page.horizon < self.position.horizon:
            happened = f"its transactions are numbered below {self.position.horizon}, so it is another database's log"
        elif page.trimmed >= self.position.horizon > 0:
            happened = "entries that were not read yet have been trimmed"
        else:
            return
        raise HistoryLost(
            f"reading the change log of {self._name}", happened, "Read the table anew, and go on from there"
        )

    def _item(self, entry: Entry, origin: Origin) -> Item:
        row = _parsed(entry.row)
        old = _parsed(entry.old_key) or (row if entry.op == "DELETE" else {})
        key = tuple((row or old).get(column) for column in self._key)
        record = {} if entry.op == "DELETE" else row
        return Item(entry.op, key, record, (entry.id, entry.xid), origin, old)


def place_of(item: Item) -> tuple[int, int]:
    """Of an item of a change log: the entry's id, and the number of its transaction."""
    found: Any = item.position
    return found[0], found[1]


def _parsed(text: str | None) -> dict[str, Any]:
    """Numbers with a fraction become `Decimal`, with the digits that the database gave."""
    found: dict[str, Any] = json.loads(text, parse_float=Decimal) if text else {}
    return found
