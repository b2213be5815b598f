"""A store that holds what is put into it, and notices what must not be put."""

from __future__ import annotations

from typing import Any

from helpers.resilience import Item, LogPosition, place_of
from helpers.sync.mirroring import MemoryStore
from helpers.sync.mirroring.snapshot import Snapshot

__all__ = ["Witness"]


class Witness(MemoryStore):
    """A mirror in memory that keeps the books of its changes.

    Attributes:
        twice: changes that were applied a second time. disordered: that came after a later one of the same row.
        story: what was applied to each row.
    """

    def __init__(self) -> None:
        super().__init__()
        self.twice = self.disordered = 0
        self._applied: set[int] = set()
        self._last: dict[Any, int] = {}
        self.story: dict[Any, list[str]] = {}

    async def replace(self, snapshot: Snapshot) -> None:
        """Another history: its entries have numbers of their own."""
        self._applied.clear()
        self._last.clear()
        await super().replace(snapshot)

    def had(self, key: Any) -> bool:
        """Whether a row was ever there."""
        return key in self._last or key in self.rows

    def _write(self, item: Item, position: LogPosition) -> None:
        entry_id, _ = place_of(item)
        for key in {item.key, item.old_key} - {None}:
            self.story.setdefault(key, []).append(f"{entry_id} {item.type} by {item.origin}")
        self.twice += entry_id in self._applied
        self._applied.add(entry_id)
        for key in {item.key if item.record else None, item.old_key} - {None}:
            self.disordered += entry_id < self._last.get(key, 0)
            self._last[key] = entry_id
        super()._write(item, position)
