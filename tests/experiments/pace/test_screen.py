"""The age of what is shown, computed by hand; and a handler that costs what it says."""

from __future__ import annotations

import time

import numpy as np
import pytest

from helpers.experiments.pace import Cost, Pace, burn
from helpers.experiments.pace.screen import Screen
from helpers.stream import Item
from helpers.stream.paces import queue_for, turns


def test_age_grows_until_something_newer_is_shown() -> None:
    """Due at 0, shown at 1, due at 2, shown at 3: between 1 and 4 the age runs 1 to 3, then 1 to 2."""
    screen = Screen()
    screen.show(0, due=0.0, at=1.0)
    screen.show(0, due=2.0, at=3.0)
    ages = screen.ages_s({0: 0.0}, 1.0, 4.0)
    assert ages.max() == pytest.approx(3.0, abs=0.01)
    assert ages.mean() == pytest.approx((2 * 2.0 + 1 * 1.5) / 3, abs=0.01)


def test_a_key_that_is_never_shown_ages_from_its_first_value() -> None:
    """A throttle that starves a key does not get away with it; before its first value, a key has no age."""
    ages = Screen().ages_s({0: 1.0}, 0.0, 3.0)
    assert ages.max() == pytest.approx(2.0, abs=0.01)
    assert ages.size == pytest.approx(1_000, abs=2)


@pytest.mark.parametrize("load", [1.5, 3.0])
def test_delay_grows_as_fast_as_the_load_exceeds_the_capacity(load: float) -> None:
    """A handler that takes one message in the time of `load` falls behind by `load - 1` seconds a second."""
    screen = Screen()
    for number in range(100):
        screen.show(0, due=number / load, at=float(number + 1))
    assert screen.growth(0.0, 100.0) == pytest.approx(load - 1)


@pytest.mark.parametrize(("every_s", "growth"), [(1.0, 0.0), (1.25, 0.25)])
def test_turns_of_many_values_are_judged_by_their_newest(every_s: float, growth: float) -> None:
    """A turn of ten values a second keeps up with ten a second, although its older values waited for its newer ones;
    one that takes longer falls behind by as much."""
    screen = Screen()
    for turn in range(12):
        for number in range(10 * turn, 10 * turn + 10):
            screen.show(number % 5, due=number / 10, at=(turn + 1) * every_s)
    assert screen.growth(0.25, 9.45) == pytest.approx(growth, abs=0.02)
    assert screen.growth(0.0, 3.0) is None, "three turns are no trend, however many values they hold"


def test_delay_of_one_who_keeps_up_does_not_grow() -> None:
    """However slow he is; and from two values nothing is concluded."""
    screen = Screen()
    for number in range(10):
        screen.show(number % 2, due=float(number), at=number + 5.0)
    assert screen.growth(0.0, 10.0) == pytest.approx(0.0)
    assert screen.growth(0.0, 1.5) is None
    assert Screen().growth(0.0, 1.0) is None


def test_burning_takes_the_processor() -> None:
    """CPU time, not sleep: the thread's clock has advanced by what was asked."""
    before = time.thread_time()
    burn(0.02)
    assert 0.02 <= time.thread_time() - before < 0.2
    assert Cost(0.002, 0.001).of(3) == pytest.approx(0.005)
    assert Cost(0.003, 0.001).capacity_per_s == pytest.approx(250)


@pytest.mark.parametrize(
    ("pace", "lost", "shown"),
    [
        (Pace.EVERY, 0, list(range(12))),
        (Pace.BATCHES, 0, list(range(12))),
        (Pace.THROTTLE, 11, [11]),
        (Pace.NEWEST, 8, [8, 9, 10, 11]),
        (Pace.NEWEST_THROTTLED, 8, [8, 9, 10, 11]),
    ],
)
async def test_a_pace_keeps_what_it_says(pace: Pace, lost: int, shown: list[int]) -> None:
    """Twelve updates of four things at once: all, the last one, or the last one of each thing."""
    queue = queue_for(pace)
    for seq in range(12):
        queue.offer(Item(seq, 0.0, seq % 4, None))
    queue.close()
    handed = [item.seq async for turn in turns(pace, queue) for item in turn]
    assert handed == shown
    assert queue.counts.lost == lost
    assert np.isfinite(queue.counts.most_waiting)
