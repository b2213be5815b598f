"""A store that holds what is put into it, and notices what must not be put."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from helpers.resilience import Item, LogPosition, Origin, keys_of
from helpers.sync.mirroring import SqliteStore

__all__ = ["Witness"]

A = TypeVar("A")

_BOOKS = """
create table if not exists "_counts" (what text primary key, count integer not null);
create table if not exists "_applied" (id integer primary key);
create table if not exists "_last" (key text primary key, id integer not null);
create table if not exists "_story" (key text, told text);
"""
_COUNT = 'insert into "_counts" values (?, 1) on conflict (what) do update set count = count + 1'
_LAST = 'insert into "_last" values (?, ?) on conflict (key) do update set id = excluded.id'


class Witness(SqliteStore):
    """A mirror in a file that keeps the books of its changes there, in the transactions of the changes: so nothing is
    told of what was rolled back, and nothing is forgotten of what was not, whenever the process ends.

    Counts in its table `_counts`: `changes`, and those of them that were `read`; `snapshots`; `twice`: changes that
    were applied a second time; `disordered`: that came after a later one of the same row.

    Args:
        is_full: whether nothing more fits onto the disk.
    """

    def __init__(self, path: Path, table: str, is_full: Callable[[], bool]) -> None:
        super().__init__(path, table)
        self._is_full = is_full

    async def _run(self, work: Callable[[], A]) -> A:
        limit = 0 if self._is_full() else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))  # a write fails beyond so many bytes
        return await super()._run(work)

    def _open(self) -> None:
        super()._open()
        self._db.executescript(_BOOKS)

    def _begin_at(self, position: LogPosition) -> None:
        """Another history: its entries have numbers of their own."""
        super()._begin_at(position)
        self._db.execute('delete from "_applied"')
        self._db.execute('delete from "_last"')
        self._count("snapshots")

    def _change(self, item: Item, entry_id: int) -> None:
        self._count("changes")
        if item.origin is not Origin.STREAM:
            self._count("read")
        if not self._db.execute('insert or ignore into "_applied" values (?)', [entry_id]).rowcount:
            self._count("twice")
        for key in {key for key in keys_of(item) if key is not None}:
            last = self._db.execute('select id from "_last" where key = ?', [key]).fetchone()
            if last is not None and last[0] > entry_id:
                self._count("disordered")
            self._db.execute(_LAST, [key, entry_id])
            self._db.execute('insert into "_story" values (?, ?)', [key, f"{entry_id} {item.type} by {item.origin}"])
        super()._change(item, entry_id)

    def _count(self, what: str) -> None:
        self._db.execute(_COUNT, [what])
