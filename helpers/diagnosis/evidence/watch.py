"""What was seen while somebody watched a target for some time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from helpers.diagnosis import watch_render
from helpers.diagnosis.evidence.tables import TableName

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Committed",
    "Drop",
    "ErrorSeen",
    "Heartbeats",
    "Second",
    "Subscribed",
    "TableSeen",
    "Tally",
    "TopicSeen",
    "Watched",
]

#: Over which the server's rates are means, at most (realtime_channel.ex:185-187).
RATE_WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of changes by what they did."""

    inserts: int = 0
    updates: int = 0
    deletes: int = 0

    @property
    def total(self) -> int:
        return self.inserts + self.updates + self.deletes

    def __str__(self) -> str:
        return f"{self.inserts} INSERT, {self.updates} UPDATE, {self.deletes} DELETE"


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """Signs of life on all connections.

    Attributes:
        interval_s: how often one was due.
        sent, answered: how many; one under way at the end counts as neither.
        round_trips_ms: of the latest.
        longest_gap_s: the longest time between two, on one connection.
        answer_s: how long an answer was waited for.
    """

    interval_s: float
    sent: int = 0
    answered: int = 0
    round_trips_ms: tuple[float, ...] = ()
    longest_gap_s: float = 0.0
    answer_s: float = 10.0

    @property
    def unanswered(self) -> int:
        return self.sent - self.answered


@dataclass(frozen=True, slots=True)
class Drop:
    """A connection that was lost.

    Attributes:
        at_s: since the begin of the watch.
        lasted_s: how long the connection had been open.
        silent_s: how long nothing had travelled on it, in either direction.
        code: the close code that the server sent; None when it sent none.
        reason: in words.
        dead: nobody closed it: a heartbeat was not answered.
        away_s: until everything was subscribed again; None when that was not seen.
    """

    at_s: float
    lasted_s: float
    silent_s: float
    code: int | None
    reason: str
    dead: bool = False
    away_s: float | None = None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """One channel over all connections.

    Attributes:
        name: the table whose changes, or the topic whose broadcasts it was joined for.
        table: that table.
        joins: attempts to join.
        busiest_minute: the most of them within 60 s.
        rejoins: those on a connection on which it had been joined or refused before.
        gaps_ms: from the join's reply (SUBSCRIBED) to the delivery of changes, for each subscription, the latest.
        refused: answers that were a refusal, or did not come.
        closed_at_s: when the server closed it for good; supabase-js does not join such a channel again.
    """

    name: str
    table: TableName | None = None
    joins: int = 0
    busiest_minute: int = 0
    rejoins: int = 0
    gaps_ms: tuple[float, ...] = ()
    refused: int = 0
    closed_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorSeen:
    """Something that the server said is wrong, and how often.

    `kind`: ``system`` (a message about the channel), ``phx_error``, ``phx_close``, ``reply`` (a refused join),
    ``timeout`` (no answer to a join) or ``connect`` (a connection that was not granted).
    """

    kind: str
    where: str
    message: str
    count: int = 1
    first_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TableSeen:
    """The changes of one table that arrived.

    Attributes:
        arrived: all of them, faulty and repeated ones too.
        errors: sentences in `errors` of changes, and how many changes had each.
        duplicates: changes that had arrived before, to the letter.
        doubtful: UPDATEs of which the same is true; two that change nothing, in one transaction, look so too.
        reordered: changes that were committed before one that had arrived already.
        worst_reorder_s: by how much at most.
        longest_quiet_s: the longest time without a change.
    """

    name: TableName
    arrived: Tally = Tally()
    errors: tuple[tuple[str, int], ...] = ()
    duplicates: int = 0
    doubtful: int = 0
    reordered: int = 0
    worst_reorder_s: float = 0.0
    longest_quiet_s: float = 0.0

    def with_error(self, words: str) -> int:
        """How many changes came with an error that has these words."""
        return sum(count for text, count in self.errors if words in text)


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """The broadcasts of one topic that arrived.

    Attributes:
        broadcasts: all of them.
        with_id: those from the database, which have an id.
        duplicates: ids that had arrived before.
        skipped, reordered: by the counting field of the payload, if one was named.
        committed, missed: rows of `realtime.messages` in the watch, and those whose id did not arrive; None: not read.
    """

    name: str
    broadcasts: int = 0
    with_id: int = 0
    duplicates: int = 0
    skipped: int = 0
    reordered: int = 0
    longest_quiet_s: float = 0.0
    committed: int | None = None
    missed: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What the database says was committed to one table in the watch, compared with what arrived.

    Attributes:
        changed: rows there are now that were inserted or updated in the watch; None: not read, see `unsure`.
        visible: those of them that the watcher's role may see.
        missed: those of the visible ones of which no change arrived.
        examples: keys of some of the missed ones.
        statistics: rows written, as PostgreSQL counts them: up to 10 s late, and with those that were rolled back.
        unsure: why rows could not be compared, or not all; empty when they were.
    """

    table: TableName
    changed: int | None = None
    visible: int | None = None
    missed: int | None = None
    examples: tuple[str, ...] = ()
    statistics: Tally | None = None
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class Second:
    """What happened in one stretch of the watch, as a rule one second.

    Attributes:
        at_s: its begin, since the begin of the watch.
        changes, broadcasts, errors: that arrived in it.
        connected: whether the connection was open at its end.
    """

    at_s: float
    changes: int = 0
    broadcasts: int = 0
    errors: int = 0
    connected: bool = True


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch, whole or interrupted.

    Attributes:
        asked_s, lasted_s: how long was asked for, and how long it was.
        interrupted: ended from outside before its time.
        role: as whom it watched.
        token_left_s: how long the token was good when the watch began; None for a key that does not expire.
        heartbeats, drops, subscriptions, tables, topics, errors: see there.
        drop_count: all drops, of which `drops` has the latest.
        connects: connections that were opened.
        committed: the comparison with the database, or why there is none, in `not_compared`.
        quota_per_s: events per second that the plan allows, as the caller said or the target's kind tells.
        timeline: all of the watch, in stretches of `stretch_s`.
        latest: the last events, as one line each.
        unread: events that arrived faster than they could be counted.
    """

    asked_s: float
    lasted_s: float
    taken_at: str
    heartbeats: Heartbeats
    interrupted: bool = False
    role: str = "anon"
    token_left_s: float | None = None
    connects: int = 1
    drop_count: int = 0
    drops: tuple[Drop, ...] = ()
    subscriptions: tuple[Subscribed, ...] = ()
    tables: tuple[TableSeen, ...] = ()
    topics: tuple[TopicSeen, ...] = ()
    errors: tuple[ErrorSeen, ...] = ()
    committed: tuple[Committed, ...] = ()
    not_compared: str = ""
    quota_per_s: float = 100.0
    timeline: tuple[Second, ...] = ()
    stretch_s: float = 1.0
    latest: tuple[str, ...] = ()
    unread: int = 0
    took_ms: float = field(default=0.0)

    @property
    def events(self) -> int:
        """Changes and broadcasts that arrived."""
        return sum(table.arrived.total for table in self.tables) + sum(topic.broadcasts for topic in self.topics)

    @property
    def missed(self) -> int:
        """Rows and messages of which nothing arrived, as far as the database could be compared."""
        rows = sum(each.missed or 0 for each in self.committed)
        return rows + sum(topic.missed or 0 for topic in self.topics)

    @property
    def busiest_per_s(self) -> float:
        """Events per second in the busiest stretch."""
        return max(((each.changes + each.broadcasts) / self.stretch_s for each in self.timeline), default=0.0)

    @property
    def rate_per_s(self) -> float:
        """Events per second in the busiest minute, or on average in a shorter watch: what quotas are judged by."""
        width = min(len(self.timeline), round(RATE_WINDOW_S / self.stretch_s)) or 1
        counts = [each.changes + each.broadcasts for each in self.timeline]
        sums = (sum(counts[start : start + width]) for start in range(len(counts) - width + 1))
        return max(sums, default=0) / (width * self.stretch_s)

    def table(self, name: TableName) -> TableSeen | None:
        """What arrived of that table; None when nothing did."""
        return next((table for table in self.tables if table.name == name), None)

    def to_frame(self) -> pd.DataFrame:
        """One row for each stretch of time: seconds since the begin, changes, broadcasts, errors, connected."""
        return watch_render.as_frame(self)

    def __str__(self) -> str:
        return watch_render.as_text(self)

    def _repr_html_(self) -> str:
        return watch_render.as_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))
