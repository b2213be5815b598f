"""Up to where a change log was delivered, or applied."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from helpers.resilience.source import Item

__all__ = ["EVERY_ROW", "LogPosition", "key_text", "keys_of", "place_of"]

#: In place of a key, for what concerns all rows.
EVERY_ROW = "*"


def place_of(item: Item) -> tuple[int, int]:
    """Of an item of a change log: the entry's id, and the number of its transaction."""
    found: Any = item.position
    return found[0], found[1]


def keys_of(item: Item) -> tuple[str | None, str | None]:
    """The key that an item takes away, if any, and the one that it writes, if any; as texts."""
    if item.type == "TRUNCATE":
        return EVERY_ROW, None
    old = None if item.old_key is None else key_text(item.old_key)
    return old, key_text(item.key) if item.record else None


def key_text(key: Hashable) -> str:
    """A key as a text that can be kept, the same for equal keys."""
    return json.dumps(key, default=str, ensure_ascii=False)


@dataclass(slots=True)
class LogPosition:
    """Everything below `horizon` is done, and of the rest what is in `seen`.

    Attributes:
        horizon: number of a transaction. history: the server's course of events in which it has this number.
        seen: id of an entry -> number of its transaction.
        latest: key of a row -> id and transaction of its latest entry, as far as these are not below the horizon:
            that is how a change is known to be past that comes after a later one of its row.
    """

    horizon: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    latest: dict[str, tuple[int, int]] = field(default_factory=dict)
    history: str = ""

    def copy(self) -> LogPosition:
        """Another one, which moves by itself."""
        return LogPosition(self.horizon, dict(self.seen), dict(self.latest), self.history)

    def has(self, entry_id: int, xid: int) -> bool:
        return xid < self.horizon or entry_id in self.seen

    def holds(self, xid: int) -> bool:
        """Whether what a transaction did is done, as far as it did something here."""
        return xid < self.horizon or xid in self.seen.values()

    def is_past(self, key: str, entry_id: int) -> bool:
        """Whether a later entry about this row is done."""
        return any(self.latest.get(each, (0, 0))[0] > entry_id for each in (key, EVERY_ROW))

    def enter(self, item: Item) -> None:
        """An item of the log is done."""
        entry_id, xid = place_of(item)
        self.seen[entry_id] = xid
        for key in keys_of(item):
            if key is not None and self.latest.get(key, (0, 0))[0] < entry_id:
                self.latest[key] = entry_id, xid

    def advance(self, horizon: int) -> None:
        """Nothing below is missing any more, so it need not be remembered."""
        if horizon > self.horizon:
            self.horizon = horizon
            self.seen = {entry_id: xid for entry_id, xid in self.seen.items() if xid >= horizon}
            self.latest = {key: (entry_id, xid) for key, (entry_id, xid) in self.latest.items() if xid >= horizon}
