"""The ledger of a subscription, and the schedule it is kept against."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import SettingsError
from helpers.profiling.recorder import Recorder
from helpers.profiling.workload import MAX_RATE_PER_S, MAX_SECONDS, Workload

START = 1_000.0
FIRST_SEQ = 5_000


def ledger(interest: int | None = None, **workload: float) -> Recorder:
    planned = Workload(**{"rate_per_s": 10, "seconds": 1, "rooms": 2, "first_room": 7, **workload})  # type: ignore[arg-type]
    return Recorder(planned, START, FIRST_SEQ, interest)


def test_latency_counts_from_when_row_was_due() -> None:
    """A row that was sent late is as late for the user: the clock starts when it was due."""
    recorder = ledger()
    recorder.on_receipt(FIRST_SEQ + 5, START + 0.5 + 0.25, 100)
    assert recorder.latencies_ms == [pytest.approx(250)]


def test_rows_of_other_rooms_are_wasted() -> None:
    """What the application did not want is received and wasted, and has no part in the latency."""
    recorder = ledger(interest=7)
    for index in range(4):
        recorder.on_receipt(FIRST_SEQ + index, START + 1, 100)
    assert (recorder.received, recorder.wasted, len(recorder.latencies_ms)) == (4, 2, 2)


def test_duplicates_and_reordering_are_seen() -> None:
    """A row that comes twice counts once as duplicated; one that comes after a later one counts as reordered."""
    recorder = ledger()
    for index in (0, 2, 1, 1, 3):
        recorder.on_receipt(FIRST_SEQ + index, START + 1, 100)
    assert (recorder.received, recorder.distinct, recorder.duplicated, recorder.reordered) == (5, 4, 1, 1)


def test_rows_of_other_runs_are_strays() -> None:
    """A late row of an earlier run is not taken for one of this run."""
    recorder = ledger()
    recorder.on_receipt(FIRST_SEQ - 1, START + 1, 100)
    recorder.on_receipt(FIRST_SEQ + 10, START + 1, 100)
    assert (recorder.received, recorder.strays) == (0, 2)


@given(st.permutations(range(20)), st.sets(st.integers(0, 19)), st.lists(st.integers(0, 19), max_size=10))
def test_books_balance(order: list[int], lost: set[int], again: list[int]) -> None:
    """Whatever arrives in whatever order: received = distinct + duplicated, and distinct + lost = sent."""
    recorder = ledger(rate_per_s=20)
    arriving = [index for index in order if index not in lost]
    arriving += [index for index in again if index in arriving]
    for index in arriving:
        recorder.on_receipt(FIRST_SEQ + index, START + 2, 10)
    assert recorder.received == recorder.distinct + recorder.duplicated == len(arriving)
    assert recorder.distinct + len(lost) == 20


@given(st.integers(1, 500), st.integers(1, 20))
def test_rooms_share_all_rows(rows: int, rooms: int) -> None:
    """The rows of all rooms together are all rows, and no other room has any."""
    workload = Workload(rate_per_s=rows, seconds=1, rooms=rooms, first_room=50)
    counts = {room: workload.rows_of(room) for room in range(40, 90)}
    assert sum(counts.values()) == workload.rows == rows
    assert counts == {room: sum(workload.room(i) == room for i in range(rows)) for room in counts}


@pytest.mark.parametrize(
    "excess",
    [
        {"rate_per_s": MAX_RATE_PER_S + 1},
        {"seconds": MAX_SECONDS + 1},
        {"rate_per_s": 4_000, "seconds": 100},
        {"rate_per_s": 0},
        {"seconds": -1},
        {"rooms": 0},
        {"seconds": float("nan")},
    ],
)
def test_load_is_bounded(excess: dict[str, float]) -> None:
    """No workload can be planned that is faster, longer or larger than the bounds."""
    with pytest.raises(SettingsError, match="Choose"):
        Workload(**excess)  # type: ignore[arg-type]
