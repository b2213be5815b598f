"""Service times, found in observations of a machine whose times are known."""

from __future__ import annotations

import pytest

from helpers.capacity import Capacity
from helpers.capacity.costs import Meter, Way
from helpers.capacity.design import Flow, Point, design_of
from helpers.capacity.service import fit_service_times
from helpers.errors import SettingsError
from helpers.experiments import Size
from tests.capacity import synthetic


@pytest.mark.parametrize(
    ("way", "meter", "term"),
    [
        (Way.CHANGES, Meter.SERVER, "turn"),
        (Way.CHANGES, Meter.SERVER, "message"),
        (Way.CHANGES, Meter.DATABASE, "commit"),
        (Way.CHANGES, Meter.POLL, "turn"),
        (Way.BROADCAST, Meter.CLIENT, "delivery"),
    ],
)
def test_known_times_are_found(capacity: Capacity, way: Way, meter: Meter, term: str) -> None:
    """Within 25 %, from readings that are each off by some 3 %, in their interval or next to it."""
    times = capacity.times
    true, found = synthetic.TRUE.of(way, meter)[term], times.best.of(way, meter)[term]
    assert found == pytest.approx(true, rel=0.25)
    low, high = times.interval(way, meter, term)
    assert 0.7 * low <= true <= 1.3 * high


def test_a_broadcast_does_not_touch_the_database() -> None:
    """It has no times there."""
    assert synthetic.TRUE.of(Way.BROADCAST, Meter.DATABASE)["message"] == 0


def test_too_few_loads_are_no_fit() -> None:
    """Told with what they cannot tell."""
    observations = [one for one in synthetic.measured() if one.point.subscribers == 1]
    with pytest.raises(SettingsError, match="cannot tell"):
        fit_service_times(observations)


@pytest.mark.parametrize(
    "bad",
    [
        {"subscribers": 0},
        {"rate_per_s": -1.0},
        {"rate_per_s": 1e6},
        {"body_bytes": 10**7},
        {"burst": 0},
        {"seconds": 600.0},
        {"subscribers": 1_000, "rate_per_s": 5_000.0, "seconds": 10.0},
    ],
)
def test_a_load_is_bounded_in_rate_count_and_time(bad: dict[str, float]) -> None:
    """Beyond, or without anything to measure, it is refused."""
    good: dict[str, float] = {"subscribers": 1, "rate_per_s": 10.0, "body_bytes": 100}
    with pytest.raises(SettingsError, match="planning a measurement"):
        Point(Flow.BROADCAST, **(good | bad))  # type: ignore[arg-type]


def test_held_out_loads_are_others() -> None:
    """Other numbers of subscribers, and other rates or sizes, than any that is fitted; within the bounds of those."""
    design = design_of(Size.FULL)
    everything = (*design.fitted, *design.held_out, *design.confirmation)
    assert sorted(map(str, design.points(*Flow))) == sorted(map(str, everything))
    assert len(set(everything)) == len(everything)
    for point in design.held_out:
        mine = [one for one in design.fitted if one.flow is point.flow]
        assert point.subscribers not in {one.subscribers for one in mine}
        assert (point.rate_per_s, point.body_bytes) not in {(one.rate_per_s, one.body_bytes) for one in mine}
        assert point.rate_per_s <= max(one.rate_per_s for one in mine)
