"""Writes that wait for the server in a file of SQLite, which a crash leaves whole."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from helpers.errors import RunError
from helpers.sync.writes import Answer, Write, blocked_by, depends_on

__all__ = ["Entry", "EntryState", "Outbox"]

A = TypeVar("A")

_TABLES = """
create table if not exists outbox (
    number integer primary key autoincrement, id text not null unique, body text not null,
    state text not null default 'waiting', attempts integer not null default 0, reason text not null default '',
    server text not null default 'null', at text not null default current_timestamp
);
create table if not exists outbox_names (temporary text primary key, real text not null);
"""

_COLUMNS = "number, body, state, attempts, reason, server"

#: Decimals keep their digits on their way through the file.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_WRITES = msgspec.json.Decoder(Write, float_hook=Decimal)
_VALUES = msgspec.json.Decoder(float_hook=Decimal)


class EntryState(StrEnum):
    """Of a write in an outbox. One that is done is not in it any more."""

    WAITING = "waiting"
    ASKED = "asked"  # somebody has to decide a conflict; what follows for the same row waits
    SET_ASIDE = "set aside"  # the server will not do it


@dataclass(frozen=True, slots=True)
class Entry:
    """A write in an outbox.

    Attributes:
        attempts: that failed for a reason that may pass. reason: of the last failure.
        server: the row that a conflict is about, if one is to be decided.
    """

    number: int
    write: Write
    state: EntryState
    attempts: int
    reason: str
    server: Mapping[str, Any] | None


class Outbox:
    """`async with Outbox(path) as outbox`. What `add` has returned from is on the disk. One process at a time.

    Args:
        path: of the file, made if it is missing; ``:memory:`` for one that is gone with the process.

    Attributes:
        added: is set with each write that is added, or may be sent again.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.added = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")  # SQLite blocks, and wants one thread
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        await self._run(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    async def add(self, write: Write) -> None:
        """Keep a write until the server has done it. One that is in it already is not kept twice.

        Raises:
            RunError: it cannot be written, for example because the disk is full; then it is not in it.
        """
        await self._run(lambda: self._add(write))
        self.added.set()

    async def entries(self, state: EntryState | None = None) -> list[Entry]:
        """In the order in which they were added."""
        return await self._run(lambda: self._entries(state))

    async def next(self) -> Entry | None:
        """The first that may be sent now: nothing before it is about its row, or is what it depends on."""
        return await self._run(self._next)

    async def done(self, entry: Entry, answer: Answer) -> None:
        """The server has done it: it goes, and others that refer to its row learn the real key."""
        await self._run(lambda: self._done(entry, answer))

    async def failed(self, entry: Entry, reason: str) -> None:
        """It was tried in vain, and stays where it is."""
        query = "update outbox set attempts = attempts + 1, reason = ? where number = ?"
        await self._run(lambda: self._db.execute(query, [reason, entry.number]))

    async def set_aside(self, entry: Entry, reason: str) -> list[Entry]:
        """It will not be done; nor will what depends on it. Everything else goes on.

        Returns:
            All that were set aside, it first.
        """
        return await self._run(lambda: self._set_aside(entry, reason))

    async def ask(self, entry: Entry, reason: str, server: Mapping[str, Any]) -> None:
        """It waits until somebody calls `decide`."""
        query = "update outbox set state = 'asked', reason = ?, server = ? where number = ?"
        values = [reason, _text(server), entry.number]
        await self._run(lambda: self._db.execute(query, values))

    async def decide(self, entry: Entry, values: Mapping[str, Any] | None) -> None:
        """Answer a conflict: write these values, whatever the server's row has become since, or None: nothing."""
        if values is None:
            await self._run(lambda: self._db.execute("delete from outbox where number = ?", [entry.number]))
        else:
            write = replace(entry.write, values=values, base=entry.server)
            await self._run(lambda: self._wait_again(entry.number, write))
        self.added.set()

    async def retry(self, entry: Entry) -> None:
        """Try one again that was set aside. What depended on it is to be retried after it."""
        await self._run(lambda: self._wait_again(entry.number, entry.write))
        self.added.set()

    # In the thread

    @property
    def _db(self) -> sqlite3.Connection:
        assert self._connection is not None, "the outbox is not open"
        return self._connection

    def _open(self) -> None:
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")  # a commit survives a loss of power
        self._db.executescript(_TABLES)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _add(self, write: Write) -> None:
        """With the keys that have become known since its user saw the row."""
        names = {name: _VALUES.decode(real) for name, real in self._db.execute("select * from outbox_names")}
        write = write.renamed(names)
        aside = [one for one in self._entries(EntryState.SET_ASIDE) if depends_on(write, one.write)]
        state = EntryState.SET_ASIDE if aside else EntryState.WAITING
        reason = _taken_along(aside[0].reason) if aside else ""
        query = "insert or ignore into outbox (id, body, state, reason) values (?, ?, ?, ?)"
        self._db.execute(query, [write.id, _text(write), state, reason])

    def _entries(self, state: EntryState | None) -> list[Entry]:
        query = f"select {_COLUMNS} from outbox where state = coalesce(?, state) order by number"
        return [_entry(row) for row in self._db.execute(query, [state])]

    def _next(self) -> Entry | None:
        before: list[Write] = []
        for row in self._db.execute(f"select {_COLUMNS} from outbox where state <> 'set aside' order by number"):
            entry = _entry(row)
            if entry.state is EntryState.WAITING and not blocked_by(entry.write, before):
                return entry
            before.append(entry.write)
        return None

    def _done(self, entry: Entry, answer: Answer) -> None:
        names = dict(zip(entry.write.key, answer.key, strict=True))
        with _transaction(self._db):
            self._db.execute("delete from outbox where number = ?", [entry.number])
            if temporary := {name: real for name, real in names.items() if name != real}:
                self._name(temporary)

    def _name(self, names: Mapping[str, Any]) -> None:
        pairs = [(name, _text(real)) for name, real in names.items()]
        self._db.executemany("insert or replace into outbox_names values (?, ?)", pairs)
        for entry in self._entries(None):
            if (write := entry.write.renamed(names)) != entry.write:
                self._db.execute("update outbox set body = ? where number = ?", [_text(write), entry.number])

    def _set_aside(self, entry: Entry, reason: str) -> list[Entry]:
        gone = [entry]
        for other in self._entries(None):
            if other.number > entry.number and any(depends_on(other.write, one.write) for one in gone):
                gone.append(other)
        reasons = [reason, *[_taken_along(reason)] * (len(gone) - 1)]
        with _transaction(self._db):
            query = "update outbox set state = 'set aside', reason = ? where number = ?"
            self._db.executemany(query, [(why, one.number) for why, one in zip(reasons, gone, strict=True)])
        return [replace(one, state=EntryState.SET_ASIDE, reason=why) for why, one in zip(reasons, gone, strict=True)]

    def _wait_again(self, number: int, write: Write) -> None:
        query = "update outbox set body = ?, state = 'waiting', attempts = 0, server = 'null' where number = ?"
        self._db.execute(query, [_text(write), number])

    async def _run(self, work: Callable[[], A]) -> A:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            advice = "Check the disk's free space and that no other process uses the file; what is in it is safe"
            raise RunError(f"writing the outbox {self.path}", str(error), advice) from None


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    except BaseException:
        if db.in_transaction:  # a full disk has rolled it back already
            db.execute("rollback")
        raise


def _entry(row: tuple[Any, ...]) -> Entry:
    number, body, state, attempts, reason, server = row
    return Entry(number, _write(body), EntryState(state), attempts, reason, _VALUES.decode(server))


def _write(body: str) -> Write:
    write = _WRITES.decode(body)
    return replace(write, key=tuple(write.key))


def _text(value: Any) -> str:
    return _ENCODER.encode(value).decode()


def _taken_along(reason: str) -> str:
    return f"it depends on a write that was set aside: {reason}"
