"""One event loop as a queue."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.capacity.loop import Pace, chill, chills, distinct, serve

MILLI = 1e-3


def regular(rate_per_s: float, count: int) -> np.ndarray:
    return np.arange(count) / rate_per_s


def test_below_the_knee_every_message_has_a_turn_of_its_own() -> None:
    """Nobody waits, and the loop is busy for rate × turn of the time."""
    turns = serve(regular(100, 1_000), Pace(fixed_s=2 * MILLI, write_s=1 * MILLI, each_s=1 * MILLI))
    assert set(turns.messages) == {1} and turns.waited_s.max() < 1e-12
    assert turns.took_s == pytest.approx(4 * MILLI)
    assert turns.utilisation == pytest.approx(0.4, rel=0.01)


def test_beyond_it_turns_grow_until_they_keep_up() -> None:
    """At 500/s, fixed 3 ms and 1 ms for each: a turn of t takes 500 t messages, so t = 3 + 0.5 t, which is 6 ms."""
    turns = serve(regular(500, 5_000), Pace(fixed_s=3 * MILLI, write_s=0, each_s=1 * MILLI))
    assert turns.took_s[-1_000:].mean() == pytest.approx(6 * MILLI, rel=0.02)
    assert turns.utilisation > 0.99 and turns.messages.sum() == 5_000


def test_when_each_message_takes_too_long_the_queue_grows_without_end() -> None:
    """3 ms for each at 500/s: the last of 2,000 is done when all of that work is, 2 s after it came."""
    turns = serve(regular(500, 2_000), Pace(fixed_s=0, write_s=0, each_s=3 * MILLI))
    assert turns.waited_s[-1] + turns.took_s[-1] == pytest.approx(2_000 * (3 - 2) * MILLI, rel=0.01)


def test_a_loop_that_takes_one_at_a_time_waits_as_theory_says() -> None:
    """M/D/1: the mean wait is ρ s / (2 (1 - ρ)) (Pollaczek and Khinchine)."""
    service, load = 10 * MILLI, 0.7
    arrivals = np.cumsum(np.random.default_rng(1).exponential(service / load, size=200_000))
    turns = serve(arrivals, Pace(fixed_s=service, write_s=0, each_s=0, most=1))
    assert turns.waited_s.mean() == pytest.approx(load * service / (2 * (1 - load)), rel=0.05)


def test_a_poll_lets_messages_wait_for_half_of_its_pause() -> None:
    """On average, and for all of it at most; after each find the next look comes at once and finds nothing."""
    arrivals = np.cumsum(np.random.default_rng(1).exponential(1.0, size=5_000))
    turns = serve(arrivals, Pace(fixed_s=MILLI, write_s=0, each_s=0, pause_s=0.5))
    assert turns.waited_s.mean() == pytest.approx(0.25, rel=0.05) and turns.waited_s.max() <= 0.5 + 2 * MILLI
    assert turns.empty >= turns.messages.size


def test_a_poll_takes_no_more_than_it_may() -> None:
    """What is left waits for the next poll, which comes at once."""
    turns = serve(np.zeros(250), Pace(fixed_s=MILLI, write_s=0, each_s=0, pause_s=0.5, most=100), phase=0)
    assert list(turns.messages) == [100, 100, 50]
    assert turns.waited_s.max() == pytest.approx(2 * MILLI)


def test_a_turn_after_a_sleep_is_dearer() -> None:
    """By a share for each e-fold of the sleep, up to the longest that was measured."""
    pace = Pace(fixed_s=MILLI, write_s=0, each_s=0, cold=0.5)
    assert pace.turn_s(1, 0.0) == pytest.approx(MILLI)
    assert pace.turn_s(1, 0.01) > pace.turn_s(1, 0.001) > MILLI
    assert chill(60.0) == chill(0.02)
    slept_s = np.array([-1.0, 0.0, 1e-4, 1e-2, 60.0])
    assert chills(slept_s).tolist() == pytest.approx([chill(one) for one in slept_s])


@pytest.mark.parametrize(("messages", "channels", "expected"), [(5, 1, 1), (1, 10, 1), (10_000, 10, 10), (2, 2, 1.5)])
def test_messages_of_one_channel_share_its_writes(messages: int, channels: int, expected: float) -> None:
    """Two messages of two channels, drawn by lot, meet one and a half of them."""
    assert distinct(messages, channels) == pytest.approx(expected)
