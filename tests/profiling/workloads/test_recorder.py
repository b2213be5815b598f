"""The books of an audience: what was due when, for whom, and what became of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.profiling.workloads import Action, Audience, Constant, Workload
from helpers.profiling.workloads.audience import Hearing
from helpers.profiling.workloads.orders import WAITING
from helpers.profiling.workloads.recorder import Recorder
from helpers.wire.events import Broadcast, Change
from helpers.wire.numbered import STAMP

FIRST_SEQ = 7_000
START = 100.0
#: Twenty messages in two seconds, over four rooms.
WORKLOAD = Workload(rate=Constant(10.0))


def recorder(audience: Audience | None = None, keys: dict[int, int] | None = None) -> Recorder:
    hearing = Hearing.of(WORKLOAD, audience or Audience())
    return Recorder(START + WORKLOAD.due_s(), FIRST_SEQ, hearing, keys)


def change(kind: str = "INSERT", record: object = None, old_record: object = None) -> Change:
    return Change(
        topic="", received_at=START + 1, size_bytes=300, ids=(1,), schema="public", table="events", type=kind,
        commit_timestamp="", columns=(), record=record or {}, old_record=old_record or {}, errors=(),
    )  # fmt: skip


def broadcast(payload: object) -> Broadcast:
    return Broadcast(topic="", received_at=START + 1, size_bytes=300, event="workbook", payload=payload)


def test_latency_counts_from_the_due_time() -> None:
    """A message that was sent late is as late for the user: the clock starts when it was due."""
    books = recorder()
    books.enter(0, FIRST_SEQ + 5, START + 0.5 + 0.25, 100)
    assert books.ledger.latency.max_s == pytest.approx(0.25)


def test_what_a_filter_forbids_is_uncalled() -> None:
    """A message that should not have come is no stray and has no latency; it is counted by itself."""
    books = recorder(Audience(subscribers=2, filter=("room_id=eq.123", "room_id=neq.123")))
    for stream in (0, 1):
        for number in range(4):
            books.enter(stream, FIRST_SEQ + number, START + 1, 100)
    assert (books.wanted, books.uncalled, books.ledger.received, books.ledger.strays) == (1 + 3, 3 + 1, 8, 0)
    assert books.ledger.latency.count == 4


def test_messages_of_other_runs_are_strays() -> None:
    """A late message of an earlier run is not taken for one of this run, and leaves nothing else behind."""
    books = recorder()
    for seq in (FIRST_SEQ - 1, FIRST_SEQ + 20, -1):
        books.enter(0, seq, START + 1, 100)
    assert (books.ledger.received, books.ledger.strays, books.heard().message.size) == (0, 3, 0)


@pytest.mark.parametrize(
    "event",
    [
        broadcast({"seq": FIRST_SEQ + 3}),
        broadcast(STAMP.pack(FIRST_SEQ + 3, 0.0) + b"more"),
        change(record={"id": 1, "seq": FIRST_SEQ + 3}),
        change("UPDATE", record={"id": 1, "seq": FIRST_SEQ + 3}, old_record={"id": 1, "seq": FIRST_SEQ}),
        change("DELETE", old_record={"id": 44}),
        change("DELETE", old_record={"id": 44, "seq": WAITING}),
    ],
)
def test_every_form_has_its_number(event: Broadcast | Change) -> None:
    """A broadcast in JSON or bytes, a row, or the key of a row that is no more."""
    books = recorder(keys={44: 3})
    books.on_event(0, event)
    assert books.heard().message.tolist() == [3]


@pytest.mark.parametrize("payload", [{}, {"seq": "3"}, {"seq": None}, {"seq": 1.5}, b"short", [], None, "text"])
def test_messages_without_a_number_are_strays(payload: object) -> None:
    """Whatever a target makes up, it is counted and breaks nothing."""
    books = recorder()
    books.on_event(0, broadcast(payload))
    assert (books.ledger.received, books.ledger.strays) == (0, 1)


def test_rows_that_wait_are_no_messages() -> None:
    """Their insert is not part of the workload."""
    books = recorder()
    books.on_event(0, change(record={"id": 1, "seq": WAITING}))
    assert (books.ledger.received, books.ledger.strays) == (0, 0)


@given(st.permutations(range(20)), st.sets(st.integers(0, 19)), st.lists(st.integers(0, 19), max_size=10))
def test_books_balance(order: list[int], lost: set[int], again: list[int]) -> None:
    """Whatever arrives in whatever order: received = distinct + duplicated, and distinct + lost = all."""
    books = recorder()
    arriving = [number for number in order if number not in lost]
    arriving += [number for number in again if number in arriving]
    for number in arriving:
        books.enter(0, FIRST_SEQ + number, START + 2, 10)
    ledger = books.ledger
    assert ledger.received == ledger.distinct + ledger.duplicated == len(arriving) == books.heard().message.size
    assert ledger.distinct + len(lost) == books.heard().first.sum() + len(lost) == 20


@given(st.integers(1, 300), st.integers(1, 20))
def test_rooms_share_all_rows(rows: int, rooms: int) -> None:
    """Filters on all rooms together let each row through once."""
    workload = Workload(rate=Constant(rows), seconds=1, rooms=rooms, first_room=50)
    filters = tuple(f"room_id=eq.{room}" for room in range(50, 50 + rooms))
    hearing = Hearing.of(workload, Audience(subscribers=rooms, filter=filters))
    assert (hearing.kinds[hearing.kind_of].sum(axis=0) == 1).all()


@pytest.mark.parametrize(
    ("row_filter", "passing"),
    [
        ("n=eq.2", [0, 1, 0]),
        ("n=neq.2", [1, 0, 0]),
        ("n=not.eq.2", [1, 0, 0]),
        ("n=in.(1,2)", [1, 1, 0]),
        ("n=not.in.(1,5)", [0, 1, 0]),
        ("n=gte.1.5", [0, 1, 0]),
        ("n=lt.2.0,n=gt.0", [1, 0, 0]),
        ("n=eq.2.0", [0, 1, 0]),
        ("s=eq.b", [0, 1, 0]),
        ('s=in.(a,"c,d")', [1, 0, 1]),
        ("b=eq.true", [1, 0, 1]),
        (None, [1, 1, 1]),
    ],
)
def test_filters_are_told_beforehand(row_filter: str | None, passing: list[int]) -> None:
    """As the database decides: numbers as numbers, NULL never passes, commas mean and."""
    columns = {"n": (1, 2, None), "s": ("a", "b", "c,d"), "b": (True, False, True)}
    workload = Workload(rate=Constant(3.0), seconds=1, rooms=0, columns=columns)
    hearing = Hearing.of(workload, Audience(filter=row_filter))
    assert hearing.kinds[0].astype(int).tolist() == passing


def test_policies_are_told_too() -> None:
    """What a subscriber may see limits what it should hear, but for deletes, which policies do not concern."""
    actions = (Action.INSERT, Action.DELETE)
    workload = Workload(rate=Constant(8.0), seconds=1, actions=actions, rooms=2)
    hearing = Hearing.of(workload, Audience(sees="room_id=eq.124"))
    assert hearing.kinds[0].astype(int).tolist() == [0, 1, 0, 1, 0, 1, 0, 1]


def test_deletes_under_a_filter() -> None:
    """Without replica identity full a filter never lets a DELETE through."""
    workload = Workload(rate=Constant(4.0), seconds=1, actions=(Action.INSERT, Action.DELETE), rooms=1)
    audience = Audience(filter="room_id=eq.123")
    assert Hearing.of(workload, audience).kinds[0].tolist() == [True, False, True, False]
    assert np.all(Hearing.of(workload, audience, full_identity=True).kinds)
