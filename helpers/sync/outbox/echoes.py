"""Own writes that come back, recognised: who answers changes with writes would else answer itself for ever."""

from __future__ import annotations

from collections import OrderedDict

from helpers.resilience import Item, place_of

__all__ = ["Echoes"]


class Echoes:
    """Transactions of this process, for items of a `ChangeLog`. They are entered before they commit.

    Args:
        most: are remembered, the latest ones.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._own: OrderedDict[int, None] = OrderedDict()

    def enter(self, mark: int) -> None:
        """A transaction of ours is about to commit."""
        self._own[mark] = None
        while len(self._own) > self._most:
            self._own.popitem(last=False)

    def is_own(self, item: Item) -> bool:
        """Whether a change is the echo of a write of ours."""
        return place_of(item)[1] in self._own
