"""A mirror in a file of SQLite, which a crash leaves whole: rows and position change in one transaction.

It is written by Python's own SQLite, not by Prisma, and is a plain file: whatever reads SQLite reads it while it is
written. Prisma does by a schema with ``provider = "sqlite"`` whose model has these fields: BigInt, Int, Boolean and
Float as they are, everything else String (decimals with all their digits, times as ISO 8601 in UTC, JSON as text). To
have a mirror written by Prisma, in PostgreSQL, take `PrismaStore`.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

from helpers.errors import RunError
from helpers.resilience import CHECKPOINT, Item, LogPosition, key_text, keys_of, place_of
from helpers.sync.mirroring.snapshot import Snapshot

__all__ = ["SqliteStore", "as_stored"]

A = TypeVar("A")

#: Of PostgreSQL's types those that SQLite keeps without loss. Everything else is text: `numeric` with all its digits,
#: times as ISO 8601, JSON and arrays as JSON.
_AFFINITY = {
    "smallint": "INTEGER",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "boolean": "BOOLEAN",
    "real": "REAL",
    "double precision": "REAL",
}

_POSITION = """
create table if not exists "_mirror" (
    one integer primary key check (one = 1), horizon integer not null, history text not null
);
create table if not exists "_mirror_seen" (id integer primary key, xid integer not null);
create table if not exists "_mirror_latest" (key text primary key, id integer not null, xid integer not null);
"""


_SEEN = 'insert or ignore into "_mirror_seen" values (?, ?)'
_LATEST = """
insert into "_mirror_latest" values (?, ?, ?)
on conflict (key) do update set id = excluded.id, xid = excluded.xid where excluded.id > id
"""


class SqliteStore:
    """`async with SqliteStore(path, "messages") as store`. One process at a time.

    Args:
        path: of the file, made if it is missing. table: its name there; the first snapshot makes it.
    """

    def __init__(self, path: Path, table: str) -> None:
        self.path, self.table = path, table
        self._columns: tuple[str, ...] = ()
        self._key: tuple[str, ...] = ()
        self._write = self._erase = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mirror")  # SQLite blocks, and wants one thread
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        await self._run(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    @property
    def key(self) -> tuple[str, ...]:
        """See `Store`."""
        return self._key

    async def position(self) -> LogPosition | None:
        """See `Store`."""
        return await self._run(self._read_position)

    async def replace(self, snapshot: Snapshot) -> None:
        """See `Store`."""
        await self._run(lambda: self._make(snapshot))
        try:
            async for page in snapshot.pages:
                rows = [self._values(row) for row in page]
                await self._run(lambda rows=rows: self._db.executemany(self._write, rows))  # type: ignore[misc]
            await self._run(lambda: self._begin_at(snapshot.position))
        except BaseException:
            await self._run(self._roll_back)
            await self._run(self._learn_columns)
            raise
        await self._run(lambda: self._db.execute("commit"))

    async def apply(self, items: Sequence[Item]) -> int:
        """See `Store`."""
        return await self._run(lambda: self._apply_all(items))

    async def rows(self) -> list[dict[str, Any]]:
        """All rows, by the key, as SQLite holds them."""
        return await self._run(self._all_rows)

    # In the thread

    @property
    def _db(self) -> sqlite3.Connection:
        assert self._connection is not None, "the store is not open"
        return self._connection

    def _open(self) -> None:
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")  # a commit survives a loss of power
        self._db.executescript(_POSITION)
        self._learn_columns()

    def _make(self, snapshot: Snapshot) -> None:
        """A new table, in a transaction that goes on."""
        columns = ", ".join(f"{_quoted(one.name)} {_AFFINITY.get(one.type, 'TEXT')}" for one in snapshot.columns)
        key = ", ".join(map(_quoted, snapshot.key))
        self._db.execute("begin immediate")
        self._db.execute(f"drop table if exists {_quoted(self.table)}")
        self._db.execute(f"create table {_quoted(self.table)} ({columns}, primary key ({key}))")
        self._learn_columns()

    def _learn_columns(self) -> None:
        """Of the table as it is in the file; none if there is no table yet."""
        found = self._db.execute("select name, pk from pragma_table_info(?) order by cid", [self.table]).fetchall()
        self._columns = tuple(name for name, _ in found)
        self._key = tuple(name for name, place in sorted(found, key=lambda one: one[1]) if place)
        self._write, self._erase = _statements(self.table, self._columns, self._key)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read_position(self) -> LogPosition | None:
        row = self._db.execute('select horizon, history from "_mirror"').fetchone()
        if row is None:
            return None
        seen = dict(self._db.execute('select id, xid from "_mirror_seen"'))
        latest = {key: (entry_id, xid) for key, entry_id, xid in self._db.execute('select * from "_mirror_latest"')}
        return LogPosition(row[0], seen, latest, row[1])

    def _begin_at(self, position: LogPosition) -> None:
        self._db.execute('delete from "_mirror_seen"')
        self._db.execute('delete from "_mirror_latest"')
        self._db.executemany('insert into "_mirror_seen" values (?, ?)', position.seen.items())
        self._db.execute('insert or replace into "_mirror" values (1, ?, ?)', [position.horizon, position.history])

    def _apply_all(self, items: Sequence[Item]) -> int:
        self._db.execute("begin immediate")
        try:
            known = self._db.execute('select horizon from "_mirror"').fetchone()[0]
            repeated = sum(self._apply(item, known) for item in items)
            self._db.execute("commit")
        except BaseException:
            self._roll_back()
            raise
        return repeated

    def _roll_back(self) -> None:
        """A full disk has done so already (sqlite.org/lang_transaction.html, "Response To Errors Within")."""
        if self._db.in_transaction:
            self._db.execute("rollback")

    def _apply(self, item: Item, horizon: int) -> bool:
        if item.type == CHECKPOINT:
            self._advance(int(item.position))  # type: ignore[call-overload]
            return False
        entry_id, xid = place_of(item)
        if xid < horizon or not self._db.execute(_SEEN, [entry_id, xid]).rowcount:
            return True
        if not item.late:
            self._change(item, entry_id)
        self._db.executemany(_LATEST, [(key, entry_id, xid) for key in keys_of(item) if key is not None])
        return False

    def _advance(self, horizon: int) -> None:
        self._db.execute('update "_mirror" set horizon = max(horizon, ?)', [horizon])
        self._db.execute('delete from "_mirror_seen" where xid < ?', [horizon])
        self._db.execute('delete from "_mirror_latest" where xid < ?', [horizon])

    def _change(self, item: Item, entry_id: int) -> None:
        if item.type == "TRUNCATE":
            self._empty(entry_id)
        if item.old_key is not None:
            self._db.execute(self._erase, [as_stored(value) for value in item.old_key])  # type: ignore[attr-defined]
        if item.record:
            self._db.execute(self._write, self._values(item.record))

    def _empty(self, entry_id: int) -> None:
        """All rows go, but for those that were written later, should this one come late."""
        newer = {key for (key,) in self._db.execute('select key from "_mirror_latest" where id > ?', [entry_id])}
        kept = [row for row in self._all_rows() if key_text(tuple(row[column] for column in self._key)) in newer]
        self._db.execute(f"delete from {_quoted(self.table)}")
        self._db.executemany(self._write, [self._values(row) for row in kept])

    def _values(self, row: Any) -> list[Any]:
        return [as_stored(row.get(column)) for column in self._columns]

    def _all_rows(self) -> list[dict[str, Any]]:
        cursor = self._db.execute(f"select * from {_quoted(self.table)} order by {', '.join(map(_quoted, self._key))}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    async def _run(self, work: Callable[[], A]) -> A:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            tried = f"writing the mirror {self.path}"
            advice = "Check the disk's free space and that no other process uses the file; delete it to begin anew"
            raise RunError(tried, str(error), advice) from None


def _statements(table: str, columns: Sequence[str], key: Sequence[str]) -> tuple[str, str]:
    """To write a row, and to erase one by its key."""
    places = ", ".join("?" * len(columns))
    where = " and ".join(f"{_quoted(column)} is ?" for column in key)
    return f"insert or replace into {_quoted(table)} values ({places})", f"delete from {_quoted(table)} where {where}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def as_stored(value: Any) -> Any:
    """A value as SQLite keeps it without loss."""
    if isinstance(value, Decimal):
        return format(value, "f")  # as PostgreSQL writes it: without an exponent
    if isinstance(value, dict | list):
        return json.dumps(value, default=str, ensure_ascii=False)
    return value
