"""Writes down what happens in a watch. No I/O; moments are seconds of one monotonic clock."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from helpers.diagnosis.evidence import TableName
from helpers.diagnosis.evidence.watch import Drop, ErrorSeen, Heartbeats, Subscribed
from helpers.diagnosis.watching.memory import BusiestMinute, Timeline
from helpers.diagnosis.watching.plan import Patience, Subject
from helpers.diagnosis.watching.tables import TableLedger
from helpers.diagnosis.watching.topics import TopicLedger
from helpers.wire.events import Broadcast, Change, Closed, Errored, Event, System

__all__ = ["Journal"]

KEPT_DROPS = 100
KEPT_GAPS = 1000
KEPT_LINES = 50
MOST_ERRORS = 100
MOST_TABLES = 200


@dataclass(slots=True)
class _Channel:
    """What is counted of one channel."""

    table: TableName | None
    counts: Counter[str] = field(default_factory=Counter)
    gaps_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_GAPS))
    minute: BusiestMinute = field(default_factory=BusiestMinute)
    settled: bool = False
    tried_here: bool = False
    closed_at: float | None = None


class Journal:
    """One watch.

    Args:
        began: its zero.
        subjects: the channels.
        asked_s: how long it shall be.
        patience: of whoever attends.
        keys: the primary key of each table, by its name, as far as they are known.
        sequence: the field of broadcasts that counts.

    Attributes:
        last_at: when the last event arrived.
        unread: events that were dropped, because they came faster than they were counted.
    """

    def __init__(
        self,
        began: float,
        asked_s: float,
        subjects: tuple[Subject, ...],
        patience: Patience,
        keys: Mapping[str, tuple[str, ...]],
        sequence: str | None = None,
    ) -> None:
        self.began = began
        self._keys, self._sequence = keys, sequence
        self.timeline = Timeline(began, asked_s, patience.stretch_s)
        self.heartbeats = Heartbeats(patience.heartbeat_s, answer_s=patience.answer_s)
        self.connects = self.drop_count = self.unread = 0
        self.last_at = began
        self.connected = False
        self.tables: dict[str, TableLedger] = {}
        self.topics = {each.shown: TopicLedger(each.shown, sequence, began) for each in subjects if _is_topic(each)}
        self.latest: deque[str] = deque(maxlen=KEPT_LINES)
        self._channels = {each.shown: _Channel(each.table) for each in subjects}
        self._drops: deque[Drop] = deque(maxlen=KEPT_DROPS)
        self._errors: dict[tuple[str, str, str], ErrorSeen] = {}
        self._round_trips: deque[float] = deque(maxlen=KEPT_GAPS)

    # The connection

    def opened(self, at: float) -> None:
        self.connects += 1
        self._set_connected(at, True)
        for table in self.tables.values():
            table.reconnected()
        for channel in self._channels.values():
            channel.tried_here = channel.settled = False

    def error(self, at: float, kind: str, where: str, message: str) -> None:
        """Something that is wrong; see `ErrorSeen`."""
        key = (kind, where, message)
        known = self._errors.get(key)
        if known is not None:
            self._errors[key] = replace(known, count=known.count + 1)
        elif len(self._errors) < MOST_ERRORS:
            self._errors[key] = ErrorSeen(kind, where, message, 1, at - self.began)
        self.timeline.add(at, errors=1)
        self._note(at, f"{where}: {kind} {message}")

    def lost(self, at: float, drop: Drop) -> None:
        self.drop_count += 1
        self._drops.append(replace(drop, at_s=at - self.began))
        self._note(at, f"connection lost: {drop.reason}")
        self._set_connected(at, False)

    def beat(self, gap_s: float, round_trip_ms: float | None) -> None:
        """One heartbeat, `gap_s` after the one before; None if it was not answered."""
        before = self.heartbeats
        answered = round_trip_ms is not None
        if round_trip_ms is not None:
            self._round_trips.append(round_trip_ms)
        self.heartbeats = replace(
            before,
            sent=before.sent + 1,
            answered=before.answered + answered,
            longest_gap_s=max(before.longest_gap_s, gap_s),
        )

    # Channels

    def joining(self, name: str, at: float) -> None:
        channel = self._channels[name]
        channel.counts["joins"] += 1
        channel.counts["rejoins"] += channel.tried_here
        channel.tried_here = True
        channel.minute.add(at)

    def ready(self, name: str, at: float, gap_ms: float | None) -> None:
        """The channel delivers; `gap_ms` after its join was answered, None where nothing had to be waited for."""
        channel = self._channels[name]
        if gap_ms is not None:
            channel.gaps_ms.append(gap_ms)
        self._settle(channel, at)

    def refused(self, name: str, at: float) -> None:
        """The join was refused or not answered, or its changes were."""
        channel = self._channels[name]
        channel.counts["refused"] += 1
        self._settle(channel, at)

    def closed(self, name: str, at: float) -> None:
        """For good: the server closed it, and nobody joins it again."""
        self._channels[name].closed_at = at

    @property
    def settled(self) -> bool:
        """Whether every channel has been answered, on the connection of now."""
        return self.connected and all(channel.settled for channel in self._channels.values())

    def receive(self, name: str, event: Event) -> None:
        at = self.last_at = event.received_at
        match event:
            case Change():
                self._change(event)
            case Broadcast() if name in self.topics:
                self.topics[name].receive(event)
                self.timeline.add(at, broadcasts=1)
                self._note(at, f"{name}: broadcast {event.event}")
            case System() if not event.ok:
                self.error(at, "system", name, event.message)
            case Errored():
                self.error(at, "phx_error", name, event.reason)
            case Closed():
                self.error(at, "phx_close", name, "the server closed the channel")

    def open_window(self, at: float) -> None:
        """From now on the database is compared: counting begins anew."""
        self.tables = {name: TableLedger(ledger.name, ledger.key, at) for name, ledger in self.tables.items()}
        self.topics = {name: TopicLedger(name, self._sequence, at) for name in self.topics}

    # The result

    @property
    def drops(self) -> tuple[Drop, ...]:
        return tuple(self._drops)

    @property
    def errors(self) -> tuple[ErrorSeen, ...]:
        return tuple(self._errors.values())

    def subscriptions(self) -> tuple[Subscribed, ...]:
        return tuple(self._subscribed(name, channel) for name, channel in self._channels.items())

    def heartbeats_seen(self) -> Heartbeats:
        return replace(self.heartbeats, round_trips_ms=tuple(self._round_trips))

    def _subscribed(self, name: str, channel: _Channel) -> Subscribed:
        counts, closed = channel.counts, channel.closed_at
        return Subscribed(
            name,
            channel.table,
            counts["joins"],
            channel.minute.most,
            counts["rejoins"],
            tuple(channel.gaps_ms),
            counts["refused"],
            None if closed is None else closed - self.began,
        )

    def _change(self, change: Change) -> None:
        name = f"{change.schema}.{change.table}"
        if name not in self.tables and len(self.tables) < MOST_TABLES:
            self.tables[name] = TableLedger(
                TableName(change.schema, change.table), self._keys.get(name, ()), self.began
            )
        if name in self.tables:
            self.tables[name].receive(change)
        self.timeline.add(change.received_at, changes=1, errors=bool(change.errors))
        self._note(change.received_at, " ".join((f"{name}: {change.type}", *change.errors)))

    def _settle(self, channel: _Channel, at: float) -> None:
        """The first time that all are answered again ends the absence after a drop."""
        channel.settled = True
        if self.settled and self._drops and self._drops[-1].away_s is None:
            drop = self._drops[-1]
            self._drops[-1] = replace(drop, away_s=at - self.began - drop.at_s)

    def _set_connected(self, at: float, connected: bool) -> None:
        self.connected = connected
        self.timeline.reach(at, connected)

    def _note(self, at: float, line: str) -> None:
        self.latest.append(f"{at - self.began:8.2f} s  {line}")


def _is_topic(subject: Subject) -> bool:
    return not subject.config.changes
