"""A server that restarts under its clients."""

from __future__ import annotations

import pytest

from helpers.errors import SettingsError
from helpers.experiments import Experiment, Herds, compare_herds
from helpers.experiments.herd import ALL_LIVE, PEAK, Look, Return, Way
from helpers.plots import herd_plot


async def test_a_spread_herd_stays_below_the_peak_of_a_naive_one() -> None:
    """All of both are live again, and the picture has a panel for each."""
    herds = await compare_herds(clients=60, joins_per_s=30.0, ways=(Way.SPREAD, Way.LADDER), rounds=1)
    found = herds.experiment
    spread, ladder = (found.values(way.value, PEAK.name)[0] for way in (Way.SPREAD, Way.LADDER))
    assert ladder > 50, "no herd, so this shows nothing"
    assert spread < ladder / 1.5
    assert all(found.values(way.value, ALL_LIVE.name) for way in (Way.SPREAD, Way.LADDER)), found.notes
    assert "attempts in the busiest second" in found.answer
    assert len(herd_plot(herds).axes) == 2


async def test_the_vendors_client_is_a_herd_of_its_own() -> None:
    """supabase-py comes back, too, and nearly all of it in the same second."""
    herds = await compare_herds(clients=40, joins_per_s=30.0, ways=(Way.DOUBLING,), rounds=1)
    [peak] = herds.experiment.values(Way.DOUBLING.value, PEAK.name)
    assert peak > 20, "no herd, so this shows nothing"
    assert herds.highest == herds.returns


def test_the_highest_peak_of_each_way_is_shown() -> None:
    """Of all rounds."""
    low, high = (Return(Way.LADDER, 9, (Look(0.5, count, 0),), (), 1, 0) for count in (3, 9))
    spread = Return(Way.SPREAD, 9, (Look(0.5, 1, 0),), (), 1, 0)
    assert Herds(Experiment.__new__(Experiment), (spread, low, high), 30.0).highest == (spread, high)


def test_the_busiest_second_need_not_begin_at_a_look() -> None:
    """Between two looks attempts are taken for even."""
    looks = tuple(Look(at, count, 0) for at, count in ((0.5, 10), (1.5, 110), (2.5, 120)))
    assert Return(Way.LADDER, 120, looks, (), 1, 0).peak == 100


@pytest.mark.parametrize(("clients", "joins"), [(1, 10.0), (100, -1.0)])
async def test_herds_that_cannot_be(clients: int, joins: float) -> None:
    """They are refused with what to choose."""
    with pytest.raises(SettingsError, match="Choose at least"):
        await compare_herds(clients=clients, joins_per_s=joins)
