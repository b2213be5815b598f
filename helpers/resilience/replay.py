"""Broadcasts of a private channel, with those that were sent while nobody listened.

Realtime keeps broadcasts that come from the database (`realtime.send`, `realtime.broadcast_changes`) for 72 hours and
replays at most 25 at a join (supabase.com/docs/guides/realtime/broadcast). What clients send is not kept.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence

from helpers.resilience.source import Item, Origin
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig, Replay

__all__ = ["Broadcasts"]

#: At most so many are replayed.
LIMIT = 25

#: Ids that are remembered, to know a message again.
KEPT = 10_000


class Broadcasts:
    """All broadcasts of a channel, each once, as far as the server can still tell them: of a public one, those that it
    sends while the channel is joined.

    Args:
        since_ms: Unix time in milliseconds from which on they are wanted; None begins with the first join.
        overlap_s: how much earlier than the last message is asked for: clocks differ, and messages overtake each other.

    Attributes:
        incomplete: joins at which the server replayed all that it replays, and none was known: there may be more that
            nobody will tell.
    """

    def __init__(
        self,
        *,
        private: bool = True,
        since_ms: int | None = None,
        overlap_s: float = 30.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.incomplete = 0
        self._private = private
        self._since_ms, self._overlap_s, self._wall = since_ms, overlap_s, wall
        self._known: OrderedDict[str, None] = OrderedDict()
        self._unknown_in_a_row = 0

    def config(self) -> JoinConfig:
        self._unknown_in_a_row = 0
        if not self._private:
            return JoinConfig()
        replay = None if self._since_ms is None else Replay(self._since_ms, LIMIT)
        self._since_ms = self._since_ms or self._now_ms()
        return JoinConfig(private=True, replay=replay)

    def item(self, event: Event) -> Item | None:
        if not isinstance(event, Broadcast):
            return None
        origin = Origin.CATCH_UP if event.replayed else Origin.STREAM
        record = {"event": event.event, "payload": event.payload}
        return Item("BROADCAST", event.event, record, event.id, origin)

    async def read(self, origin: Origin) -> AsyncIterator[Sequence[Item]]:
        """Nothing: what is missing comes by the join."""
        return
        yield

    def admit(self, item: Item) -> Item | None:
        return None if item.position is not None and item.position in self._known else item

    def mark(self, item: Item) -> None:
        if isinstance(item.position, str):
            self._known[item.position] = None
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        if item.origin is Origin.CATCH_UP:
            self._unknown_in_a_row += 1
            self.incomplete += self._unknown_in_a_row == LIMIT
        else:
            self._since_ms = self._now_ms()

    def _now_ms(self) -> int:
        return int(1e3 * (self._wall() - self._overlap_s))
