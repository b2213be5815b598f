"""What a place for a mirror must do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from helpers.resilience import Item, LogPosition
from helpers.sync.mirroring.snapshot import Snapshot

__all__ = ["Store"]


class Store(Protocol):
    """Holds the rows of one table, and up to where the log was applied: both change together, or neither does."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key; empty before the first snapshot."""

    async def position(self) -> LogPosition | None:
        """Up to where the log has been applied; None if there is no complete copy yet."""

    async def replace(self, snapshot: Snapshot) -> None:
        """Put its rows in place of all, and begin the log at its position. Until all are there nothing changes."""

    async def apply(self, items: Sequence[Item]) -> int:
        """Apply items of a `ChangeLog` in their order, all or none. One that was applied before changes nothing.

        Returns:
            How many had been applied before.
        """
