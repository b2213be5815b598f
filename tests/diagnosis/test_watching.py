"""What a watch counts, on events that were made up: no server, no clock."""

from __future__ import annotations

import random
import sys
import tracemalloc
from typing import Any

import pytest

from helpers.diagnosis.evidence import TableName
from helpers.diagnosis.evidence.watch import Drop, Tally
from helpers.diagnosis.watching.journal import Journal
from helpers.diagnosis.watching.memory import BusiestMinute, Recent, Timeline
from helpers.diagnosis.watching.plan import MOST_SUBJECTS, Patience, plan_subjects
from helpers.diagnosis.watching.tables import TableLedger, key_text
from helpers.diagnosis.watching.topics import TopicLedger
from helpers.wire.events import Broadcast, Change, System

NOTES = TableName("public", "notes")


def change(number: int = 1, kind: str = "INSERT", second: float = 0.0, **changes: Any) -> Change:
    row = {"id": number, "body": "x"}
    values: dict[str, Any] = {
        "topic": "realtime:x",
        "received_at": 100.0 + second,
        "size_bytes": 300,
        "ids": (1,),
        "schema": "public",
        "table": "notes",
        "type": kind,
        "commit_timestamp": f"2027-01-15T08:00:{second:06.3f}Z",
        "columns": (),
        "record": {} if kind == "DELETE" else row,
        "old_record": row if kind == "DELETE" else {},
        "errors": (),
    }
    return Change(**{**values, **changes})


def broadcast(number: int, **changes: Any) -> Broadcast:
    values = {"topic": "realtime:r", "received_at": 100.0, "size_bytes": 9, "event": "e", "payload": {"n": number}}
    return Broadcast(**{**values, **changes})


def ledger() -> TableLedger:
    return TableLedger(NOTES, ("id",), 100.0)


def test_changes_are_told_apart() -> None:
    """Different rows, kinds and moments are different changes, and each has its key."""
    counted = ledger()
    for each in (change(1), change(2), change(1, "UPDATE", 1), change(1, "DELETE", 2)):
        counted.receive(each)
    seen = counted.seen(110.0)
    assert (seen.arrived, seen.duplicates, seen.reordered) == (Tally(2, 1, 1), 0, 0)
    assert seen.longest_quiet_s == 8.0
    assert ["1" in counted.arrived, "2" in counted.arrived, "3" in counted.arrived] == [True, True, False]


def test_the_same_change_twice_is_a_duplicate() -> None:
    """An INSERT that comes again is one for sure; an UPDATE may be two that change nothing."""
    counted = ledger()
    for each in (change(1), change(1), change(1, "UPDATE", 1), change(1, "UPDATE", 1)):
        counted.receive(each)
    seen = counted.seen(101.0)
    assert (seen.duplicates, seen.doubtful, seen.reordered) == (1, 1, 0)


def test_order_is_that_of_commits_with_some_tolerance() -> None:
    """A tenth of a second is the database's own; more is not, but for another connection."""
    counted = ledger()
    for number, second in enumerate((5.0, 4.95, 4.0, 5.1)):
        counted.receive(change(number, second=second))
    assert (counted.seen(106.0).reordered, counted.seen(106.0).worst_reorder_s) == (1, pytest.approx(1.0))
    counted.reconnected()
    counted.receive(change(9, second=1.0))
    assert counted.seen(106.0).reordered == 1


def test_a_change_without_its_row_is_counted_and_not_compared() -> None:
    """A 401 has no time, no key and no content: two of them are no duplicates."""
    counted = ledger()
    empty = change(record={}, commit_timestamp=None, errors=("Error 401: Unauthorized",))
    for _ in range(2):
        counted.receive(empty)
    seen = counted.seen(101.0)
    assert (seen.errors, seen.duplicates, counted.blank) == ((("Error 401: Unauthorized", 2),), 0, 2)


def test_a_commit_time_that_is_none_does_not_stop_the_count() -> None:
    """Whatever a server sends in its place, the change counts."""
    counted = ledger()
    counted.receive(change(commit_timestamp="yesterday"))
    assert counted.seen(101.0).arrived.total == 1


@pytest.mark.parametrize(
    ("row", "columns", "text"),
    [
        ({"id": 7}, ("id",), "7"),
        ({"a": 1, "b": "x"}, ("a", "b"), "1\x1fx"),
        ({"id": None}, ("id",), None),
        ({}, ("id",), None),
        ({"id": 7}, (), None),
    ],
)
def test_a_key_is_what_the_database_would_print(row: dict[str, Any], columns: tuple[str, ...], text: str) -> None:
    """All columns of it, or nothing."""
    assert key_text(row, columns) == text


def test_broadcasts_by_id_and_number() -> None:
    """Ids that come again, numbers that are skipped, and numbers that come after all."""
    counted = TopicLedger("room:1", "n", 100.0)
    for number in (1, 2, 5, 3, 3):
        counted.receive(broadcast(number, id=f"id {number}"))
    seen = counted.seen(101.0)
    assert (seen.broadcasts, seen.with_id, seen.duplicates) == (5, 5, 1)
    assert (seen.skipped, seen.reordered) == (0, 2)


def test_without_a_counting_field_numbers_mean_nothing() -> None:
    """Two senders that count from 1 are no loss."""
    counted = TopicLedger("room:1", None, 100.0)
    for number in (1, 7, 1):
        counted.receive(broadcast(number))
    assert (counted.seen(101.0).skipped, counted.seen(101.0).reordered, counted.seen(101.0).duplicates) == (0, 0, 0)


def test_recent_forgets_the_oldest_and_says_so() -> None:
    """It never holds more than it may, whatever comes."""
    recent: Recent[int] = Recent(3)
    assert [recent.add(number) for number in (1, 2, 1, 3)] == [True, True, False, True]
    assert not recent.overflowed
    recent.add(4)
    assert (2 in recent, 1 in recent, len(recent), recent.overflowed) == (False, True, 3, True)


def test_the_busiest_minute() -> None:
    """The most within any 60 s, found as it goes by."""
    minute = BusiestMinute()
    for at in (0, 10, 59, 61, 69.5, 200):
        minute.add(at)
    assert minute.most == 4


def test_a_timeline_has_every_stretch() -> None:
    """Quiet ones too; and each says whether the connection was open at its end."""
    timeline = Timeline(100.0, 5.0, 1.0)
    timeline.add(100.2, changes=1)
    timeline.reach(101.5, connected=False)
    timeline.add(103.4, broadcasts=1)
    assert [(each.at_s, each.changes, each.broadcasts, each.connected) for each in timeline.stretches] == [
        (0.0, 1, 0, True),
        (1.0, 0, 0, False),
        (2.0, 0, 0, False),
        (3.0, 0, 1, False),
    ]


def test_a_long_watch_has_longer_stretches() -> None:
    """A day is told in as many stretches as an hour."""
    assert Timeline(0.0, 86_400.0, 1.0).stretch_s == 24.0


def journal(asked_s: float = 60.0) -> Journal:
    subjects = plan_subjects([NOTES], ["room:1"], False, "m")
    return Journal(100.0, asked_s, subjects, Patience(), {"public.notes": ("id",)})


def test_an_absence_ends_when_all_is_subscribed_again() -> None:
    """Not when the socket is open, and not when the first channel is joined."""
    kept = journal()
    kept.opened(100.0)
    kept.lost(110.0, Drop(0.0, 10.0, 1.0, None, "cut"))
    kept.opened(111.0)
    kept.ready("public.notes", 111.5, 3.0)
    assert kept.drops[0].away_s is None
    kept.ready("room:1", 112.0, None)
    assert (kept.drops[0].at_s, kept.drops[0].away_s, kept.settled) == (10.0, 2.0, True)


def test_joins_on_one_connection_are_rejoins() -> None:
    """The first join of each connection is none."""
    kept = journal()
    for at in (100.0, 101.0):
        kept.opened(at)
        kept.joining("room:1", at)
    kept.joining("room:1", 102.0)
    room = kept.subscriptions()[1]
    assert (room.joins, room.rejoins, room.busiest_minute) == (3, 1, 3)


def test_the_same_error_is_one_with_a_count() -> None:
    """What repeats is counted, what is ok is not."""
    kept = journal()
    for status in ("error", "error", "ok"):
        kept.receive(
            "room:1",
            System(topic="t", received_at=101.0, size_bytes=9, extension="system", status=status, message="m"),
        )
    assert [(error.kind, error.message, error.count, error.first_s) for error in kept.errors] == [
        ("system", "m", 2, 1.0)
    ]


def test_memory_does_not_grow() -> None:
    """After fifty thousand changes and broadcasts as much is held as after half of them, within a tenth."""
    kept, chance = journal(), random.Random(7)
    tracemalloc.start()
    try:
        sizes = []
        for part in range(2):
            for step in range(25_000):
                at = 100.0 + part * 50 + step / 500
                _live_through(kept, chance, part * 25_000 + step, at)
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] < sizes[0] * 1.1, sizes
    assert sys.getsizeof(kept.errors) < 10_000


def _live_through(kept: Journal, chance: random.Random, number: int, at: float) -> None:
    kept.receive("public.notes", change(number, received_at=at))
    kept.receive("room:1", broadcast(number, received_at=at, id=str(number)))
    if number % 20 == 0:
        kept.error(at, "system", "room:1", f"message {chance.random()}")
        kept.opened(at)
        kept.joining("room:1", at)
        kept.lost(at, Drop(0.0, 1.0, 1.0, None, "cut"))


def test_what_is_watched_has_a_limit() -> None:
    """A socket holds 100 channels; without a table or topic all of `public` is watched."""
    many = [TableName("public", f"t{number}") for number in range(200)]
    assert len(plan_subjects(many, [], False, "m")) == MOST_SUBJECTS
    (all_of_it,) = plan_subjects([], [], False, "m")
    assert all_of_it.config.payload()["config"]["postgres_changes"] == [{"event": "*", "schema": "public"}]


def test_pauses_grow_and_stay() -> None:
    """1, 2, 5, 10 and again 10 s, as in supabase-js."""
    assert [Patience().pause(failures) for failures in range(1, 7)] == [1.0, 2.0, 5.0, 10.0, 10.0, 10.0]
