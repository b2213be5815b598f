"""How the echo of an own write is recognised. By its value it is not: others may have written the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from helpers.resilience import Item, place_of

__all__ = ["GONE", "ByTransaction", "ByVersion", "Marks"]

#: The mark of an item that deletes.
GONE = "gone"


class Marks(Protocol):
    """Recognises echoes."""

    def of(self, item: Item) -> Any:
        """The mark that a change of the server bears."""

    def covers(self, seen: Any, own: Any) -> bool:
        """Whether the server state that bears `seen` holds the write that was answered with `own`."""


class ByTransaction:
    """For `ChangeLog`: an entry names its transaction, and so does the answer to a write.

    It is exact, and the mark is known before the commit, so before any echo can come.
    """

    def of(self, item: Item) -> Any:
        return place_of(item)[1]

    def covers(self, seen: Any, own: Any) -> bool:
        return bool(seen == own)


class ByVersion:
    """For `Rows`: a column that grows with each write of a row; the answer to a write tells its new value.

    Several changes of a row may come as one. Let clients choose the keys of new rows: where the server does, an echo
    that is faster than its answer cannot be told from another's row, and both are shown until the answer comes.

    Args:
        column: of the versions. comparable: makes them so, as `datetime.fromisoformat` for times as text.
    """

    def __init__(self, column: str, comparable: Callable[[Any], Any] = lambda version: version) -> None:
        self._column, self._comparable = column, comparable

    def of(self, item: Item) -> Any:
        return item.record[self._column] if item.record else GONE

    def covers(self, seen: Any, own: Any) -> bool:
        if GONE in (seen, own):  # what is gone has no later state
            return bool(seen == GONE)
        return bool(self._comparable(seen) >= self._comparable(own))
