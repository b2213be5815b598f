"""Whether a channel serves, judged by what arrives: the ledger of one path's numbered messages. No I/O and no clock.

A message is due every so often. While each arrives within `patience_s` the channel serves. When one does not, it has
not served since that message was due, and does not until a later one arrives in time. So an outage is as long as an
application would say, whatever the connection believed about itself meanwhile: a half-open link, a slot that was lost
and a refused join all count, and a reconnect that nothing was sent in does not.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import StrEnum

from helpers.monitoring.books import Numbers, Outage, Outages

__all__ = ["Arrival", "Kind", "Outage", "Service"]

#: Outages that are kept to be looked at, and numbers by which a duplicate is known.
KEPT_OUTAGES = 1_000
KEPT_NUMBERS = 1_000


class Kind(StrEnum):
    """What an arrival is."""

    EXPECTED = "expected"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"  # never announced, or so late that it was counted as lost already


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came.

    Attributes:
        latency_s: from when it was due; None if it was not expected.
        reordered: whether one with a higher number came before.
        ended: the outage that it ended.
    """

    kind: Kind
    latency_s: float | None = None
    reordered: bool = False
    ended: Outage | None = None


class Service:
    """The ledger of one path.

    Args:
        now: when watching begins.
        patience_s: a message that takes longer makes an outage.
        forget_s: a message that takes longer is lost. Must be more than `patience_s`.

    Attributes:
        watched_s: for how long it is known whether the channel served. unserved_s: of these, without service.
        lost: messages that never came although the one before and the one after did; missed: all others.
    """

    def __init__(self, now: float, patience_s: float = 1.0, forget_s: float = 30.0) -> None:
        self.patience_s, self.forget_s = patience_s, forget_s
        self.watched_s = self.unserved_s = 0.0
        self.due = self.received = self.lost = self.missed = self.duplicated = self.reordered = 0
        self._outages = Outages(KEPT_OUTAGES)
        self.outage_began: float | None = None
        self._settled = now
        self._serves_since = now
        self._pending: OrderedDict[int, float] = OrderedDict()
        self._arrived = Numbers(KEPT_NUMBERS)
        self._highest = -1
        self._in_time: deque[tuple[float, float]] = deque()  # (due, arrived) of the latest messages

    @property
    def outages(self) -> tuple[Outage, ...]:
        """That are over, the latest 1,000."""
        return tuple(self._outages)

    @property
    def outage_count(self) -> int:
        """Of all that are over."""
        return self._outages.count

    @property
    def is_serving(self) -> bool:
        """As far as is known by now."""
        return self.outage_began is None

    @property
    def pending(self) -> int:
        """Messages that may still come."""
        return len(self._pending)

    @property
    def outage_s(self) -> float | None:
        """For how long the present outage has lasted, as far as is known; None if there is none."""
        return None if self.outage_began is None else self._settled - self.outage_began

    def begin(self, now: float) -> None:
        """Watching begins now and not earlier."""
        self._settled = self._serves_since = now

    def announce(self, number: int, due: float) -> None:
        """A message is to be sent now. It counts as due even if sending fails: an application's would, too."""
        self.due += 1
        self._pending[number] = due

    def arrived(self, number: int, at: float) -> Arrival:
        """A message came."""
        self.look(at)
        due = self._pending.pop(number, None)
        if due is None:
            return Arrival(self._again(number))
        self.received += 1
        reordered = number < self._highest
        self.reordered += reordered
        self._highest = max(self._highest, number)
        self._arrived.add(number)
        ended = self._arrived_in_time(due, at) if at - due <= self.patience_s else None
        return Arrival(Kind.EXPECTED, at - due, reordered, ended)

    def look(self, now: float) -> None:
        """Let time pass: find out what is late, and give up what is lost."""
        while self.outage_began is None:
            late = self._oldest_since(self._serves_since)
            if late is None or late + self.patience_s >= now:
                self._settle(now if late is None else late)
                break
            self._settle(late)
            self.outage_began = late
            # A later message may have come already, while this one was still waited for.
            back = next((at for due, at in self._in_time if due > late), None)
            if back is not None:
                self._end(back)
        if self.outage_began is not None:
            self._settle(now)
        self._give_up(now)

    def _arrived_in_time(self, due: float, at: float) -> Outage | None:
        self._in_time.append((due, at))
        while self._in_time[0][1] < at - 2 * self.patience_s:
            self._in_time.popleft()
        return self._end(at)

    def _oldest_since(self, begin: float) -> float | None:
        """When the oldest message was due that is still out; those of an outage before do not count again."""
        return next((due for due in self._pending.values() if due >= begin), None)

    def _settle(self, until: float) -> None:
        passed = max(0.0, until - self._settled)
        self.watched_s += passed
        if self.outage_began is not None:
            self.unserved_s += passed
        self._settled += passed

    def _end(self, at: float) -> Outage | None:
        if self.outage_began is None:
            return None
        self._settle(at)
        outage = Outage(self.outage_began, at)
        self._outages.add(outage)
        self.outage_began, self._serves_since = None, at
        return outage

    def _give_up(self, now: float) -> None:
        while self._pending:
            number, due = next(iter(self._pending.items()))
            if due + self.forget_s >= now:
                return
            del self._pending[number]
            if number - 1 in self._arrived and number + 1 in self._arrived:
                self.lost += 1
            else:
                self.missed += 1

    def _again(self, number: int) -> Kind:
        if number not in self._arrived:
            return Kind.UNKNOWN
        self.duplicated += 1
        return Kind.DUPLICATE
