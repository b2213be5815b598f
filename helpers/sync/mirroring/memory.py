"""A mirror in memory: gone with the process, and the quickest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from helpers.resilience import CHECKPOINT, Item, LogPosition, key_text, place_of
from helpers.sync.mirroring.snapshot import Snapshot

__all__ = ["MemoryStore"]


class MemoryStore:
    """Rows by the values of their primary key."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._key: tuple[str, ...] = ()
        self._position: LogPosition | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """See `Store`."""
        return self._key

    async def position(self) -> LogPosition | None:
        return self._position.copy() if self._position else None

    async def replace(self, snapshot: Snapshot) -> None:
        self._key = snapshot.key
        fresh = {self._key_of(row): row async for page in snapshot.pages for row in page}
        self.rows, self._position = fresh, snapshot.position.copy()

    async def apply(self, items: Sequence[Item]) -> int:
        assert self._position is not None, "a mirror begins with a snapshot"
        return sum(self._apply(item, self._position) for item in items)

    def _apply(self, item: Item, position: LogPosition) -> bool:
        if item.type == CHECKPOINT:
            position.advance(int(item.position))  # type: ignore[call-overload]
            return False
        if position.has(*place_of(item)):
            return True
        if not item.late:
            self._write(item, position)
        position.enter(item)
        return False

    def _write(self, item: Item, position: LogPosition) -> None:
        if item.type == "TRUNCATE":
            entry_id, _ = place_of(item)
            self.rows = {key: row for key, row in self.rows.items() if position.is_past(key_text(key), entry_id)}
        if item.old_key is not None:
            self.rows.pop(item.old_key, None)  # type: ignore[call-overload]
        if item.record:
            self.rows[self._key_of(item.record)] = dict(item.record)

    def _key_of(self, row: Any) -> tuple[Any, ...]:
        return tuple(row[column] for column in self._key)
