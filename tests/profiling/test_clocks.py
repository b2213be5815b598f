"""Clocks of other machines: the skew that is there is found within the bound that is told."""

from __future__ import annotations

import asyncio
import random

import pytest

from helpers.profiling.clocks import Exchange, Skew, machine_id, measure_skew, skew_of


class Other:
    """A clock that is ahead of ours, behind ways of random length in both directions; time passes only there."""

    def __init__(self, ahead_s: float, seed: int = 0) -> None:
        self.now = 100.0
        self.ahead_s = ahead_s
        self.drift = 0.0
        self._random = random.Random(seed)

    def clock(self) -> float:
        return self.now

    async def ask(self) -> float:
        self._pass(0.9)  # one way is the longer one, always: a mean of the two would be wrong by that
        there = self.now + self.ahead_s + self.drift * (self.now - 100)
        self._pass(0.1)
        return there

    def _pass(self, share: float) -> None:
        self.now += share * self._random.expovariate(1 / 0.01)


@pytest.mark.parametrize("ahead_s", [0.0, 5.0, -3_600.0, 1e6])
def test_the_true_skew_lies_in_the_bound(ahead_s: float) -> None:
    """Of a thousand measurements not one is wrong, though the two ways are of unequal length."""
    for seed in range(250):
        other = Other(ahead_s, seed)
        found = asyncio.run(measure_skew(other.ask, exchanges=8, clock=other.clock))
        assert found.low_s - 1e-9 <= ahead_s <= found.high_s + 1e-9
        assert (found.exchanges, found.moved_s) == (8, 0)


async def test_more_exchanges_make_it_surer() -> None:
    """The bound is the intersection of all."""
    few, many = Other(5), Other(5)
    wide = await measure_skew(few.ask, exchanges=2, clock=few.clock)
    narrow = await measure_skew(many.ask, exchanges=50, clock=many.clock)
    assert 0 < narrow.uncertainty_s < wide.uncertainty_s / 2


def test_a_clock_that_jumps_is_told_and_the_bound_holds_both() -> None:
    """Exchanges that contradict each other are not averaged."""
    found = skew_of([Exchange(0.0, 5.0, 0.002), Exchange(1.0, 8.0, 1.002)])
    assert found.moved_s == pytest.approx(1.998)
    assert found.low_s <= 5.0 <= 7.0 <= found.high_s
    assert "moved by 1,998.0 ms or more" in str(found)


async def test_a_clock_that_drifts_during_the_run_is_told() -> None:
    """What was right before is wrong afterwards, by the seconds that it went astray."""
    other = Other(5)
    before = await measure_skew(other.ask, clock=other.clock)
    other.now += 600
    steady = before.until(await measure_skew(other.ask, clock=other.clock))
    assert steady.moved_s == 0 and steady.offset_s == before.offset_s
    assert steady.low_s <= 5.0 <= steady.high_s and steady.uncertainty_s <= before.uncertainty_s
    other.drift = 1e-3
    astray = before.until(await measure_skew(other.ask, clock=other.clock))
    truth = 5 + 1e-3 * (other.now - 100)
    assert 0.4 < astray.moved_s < 0.7 and astray.low_s <= 5.0 <= truth <= astray.high_s + 1e-3


def test_one_machine_has_one_clock_unless_it_shows_two() -> None:
    """A skew of nothing, give or take, is nothing on one machine; on two it stays as measured."""
    near, far = Skew(0.0002, 0.0005, 25), Skew(5.0, 0.0005, 25)
    assert near.or_one_clock(True) == Skew() and near.or_one_clock(True).is_one_clock
    assert near.or_one_clock(False) is near and far.or_one_clock(True) is far
    assert (str(Skew()), str(far)) == ("one clock", "5,000.0 ms ahead (± 0.5 ms)")
    assert machine_id() == machine_id()


def test_nothing_asked_nothing_known() -> None:
    """Without an exchange there is no skew of zero."""
    with pytest.raises(ValueError):
        skew_of([])
