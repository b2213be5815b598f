"""A bounded queue keeps what its policy says, loses nothing uncounted, and wakes whoever waits."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.errors import SettingsError
from helpers.pacing import BoundedQueue, WhenFull

LIMIT_S = 30.0


def first(item: tuple[str, int]) -> str:
    return item[0]


def keyed(capacity: int = 10) -> BoundedQueue[tuple[str, int]]:
    return BoundedQueue(capacity, when_full=WhenFull.COALESCE, key=first)


def test_items_come_out_in_their_order() -> None:
    """What was put first is taken first, all at once or so many at a time."""
    queue = BoundedQueue[int](10)
    for item in range(5):
        assert queue.offer(item)
    assert queue.take(2) == [0, 1]
    assert queue.take() == [2, 3, 4]
    assert queue.take() == []


def test_the_oldest_goes_when_it_is_full() -> None:
    """A queue that drops keeps the present, and counts what went."""
    queue = BoundedQueue[int](3, when_full=WhenFull.DROP_OLDEST)
    for item in range(10):
        assert queue.offer(item)
    assert queue.counts.dropped == queue.counts.lost == 7
    assert queue.counts.most_waiting == 3
    assert queue.take() == [7, 8, 9]


def test_the_newest_of_a_key_takes_the_place_of_an_older_one() -> None:
    """Last value wins, and a key that changes all the time does not go to the end of the line for it."""
    queue = keyed()
    for item in [("a", 1), ("b", 1), ("a", 2), ("a", 3)]:
        queue.offer(item)
    assert queue.counts.merged == 2
    assert queue.take() == [("a", 3), ("b", 1)]


def test_a_coalescing_queue_is_bounded_too() -> None:
    """More keys than room: the oldest key goes, and a key that is there is merged even when it is full."""
    queue = keyed(2)
    for item in [("a", 1), ("b", 1), ("c", 1), ("c", 2)]:
        queue.offer(item)
    assert queue.take() == [("b", 1), ("c", 2)]
    assert (queue.counts.dropped, queue.counts.merged) == (1, 1)


async def test_a_blocking_queue_sends_away_or_holds_up() -> None:
    """`offer` says that there is no room; `put` waits until something was taken, and loses nothing."""
    queue = BoundedQueue[int](1, when_full=WhenFull.BLOCK)
    assert queue.offer(1)
    assert not queue.offer(2)
    putting = asyncio.create_task(queue.put(2))
    await asyncio.sleep(0.01)
    assert not putting.done()
    assert queue.take() == [1]
    assert await asyncio.wait_for(putting, LIMIT_S)
    assert queue.take() == [2]
    assert queue.counts.lost == 0
    assert queue.counts.held_up == 2


async def test_closing_wakes_whoever_waits() -> None:
    """A reader learns that nothing comes, a writer that its item was not taken; what waits can still be taken."""
    queue = BoundedQueue[int](1, when_full=WhenFull.BLOCK)
    queue.offer(1)
    putting = asyncio.create_task(queue.put(2))
    await asyncio.sleep(0)
    queue.close()
    assert not await asyncio.wait_for(putting, LIMIT_S)
    assert await queue.wait()
    assert queue.take() == [1]
    assert not await asyncio.wait_for(queue.wait(), LIMIT_S)
    assert not queue.offer(3)


async def test_waiting_ends_when_enough_is_there() -> None:
    """A reader may wait for several, and never for more than there is room for."""
    queue = BoundedQueue[int](3)
    waiting = asyncio.create_task(queue.wait(100))
    for item in range(3):
        await asyncio.sleep(0)
        assert not waiting.done()
        queue.offer(item)
    assert await asyncio.wait_for(waiting, LIMIT_S)


def test_the_oldest_tells_since_when_it_waits() -> None:
    """By the queue's clock; an item that took another's place has waited since that one came."""
    now = [1.0]
    queue = BoundedQueue[tuple[str, int]](10, when_full=WhenFull.COALESCE, key=first, clock=lambda: now[0])
    assert queue.oldest_at == float("inf")
    queue.offer(("a", 1))
    now[0] = 2.0
    queue.offer(("b", 1))
    queue.offer(("a", 2))
    assert queue.oldest_at == 1.0
    queue.take(1)
    assert queue.oldest_at == 2.0


@settings(deadline=None)
@given(
    st.integers(1, 5),
    st.sampled_from(WhenFull),
    st.lists(st.one_of(st.tuples(st.sampled_from("abcdefgh"), st.integers()), st.integers(0, 3))),
)
def test_nothing_is_lost_uncounted(capacity: int, when_full: WhenFull, steps: list[tuple[str, int] | int]) -> None:
    """Whatever is put and taken, in any order: put = taken + dropped + merged + waiting, and the bound holds."""
    queue: BoundedQueue[tuple[str, int]] = BoundedQueue(
        capacity, when_full=when_full, key=first if when_full is WhenFull.COALESCE else None
    )
    accepted = taken = 0
    for step in steps:
        if isinstance(step, int):
            taken += len(queue.take(step))
        else:
            accepted += queue.offer(step)
        counts = queue.counts
        assert len(queue) <= capacity
        assert counts.put == accepted == counts.taken + counts.lost + len(queue)
        assert counts.taken == taken
        assert when_full is not WhenFull.BLOCK or counts.lost == 0


@settings(deadline=None)
@given(st.integers(1, 8), st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers())))
def test_with_room_for_all_keys_the_last_value_of_each_survives(pause: int, items: list[tuple[str, int]]) -> None:
    """What coalescing promises: the end state is right, however much was merged on the way."""
    queue = keyed(8)
    shown: dict[str, int] = {}
    for number, item in enumerate(items):
        queue.offer(item)
        if number % (pause + 1) == 0:
            shown.update(queue.take(1))
    shown.update(queue.take())
    assert shown == dict(items)


@pytest.mark.parametrize(
    ("capacity", "when_full", "has_key"),
    [
        (0, WhenFull.BLOCK, False),
        (-1, WhenFull.DROP_OLDEST, False),
        (1, WhenFull.COALESCE, False),
        (1, WhenFull.DROP_OLDEST, True),
        (1, WhenFull.BLOCK, True),
    ],
)
def test_a_queue_that_makes_no_sense_is_refused(capacity: int, when_full: WhenFull, has_key: bool) -> None:
    """It says what is wrong and what to give."""
    with pytest.raises(SettingsError, match="bounded queue"):
        BoundedQueue[tuple[str, int]](capacity, when_full=when_full, key=first if has_key else None)
