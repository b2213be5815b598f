"""The arithmetic of one direction."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers.lab.network import PRESETS, THREE_G_TRAIN, Counters, Way
from helpers.lab.network.line import Line

#: Messages follow each other faster than most networks' jitter.
SPACING_S = 0.002

sizes = st.lists(st.integers(1, 20_000), min_size=1, max_size=50)


def arrivals(seed: str, way: Way, messages: list[int]) -> list[float]:
    line = Line(seed, Counters())
    return [
        line.arrival(way, size, line.sent_at(way, size, number * SPACING_S)) for number, size in enumerate(messages)
    ]


@given(sizes, st.sampled_from([preset.to_client for preset in PRESETS.values()]))
def test_nothing_overtakes_and_nothing_is_early(messages: list[int], way: Way) -> None:
    """Arrivals are in order, and each is at least the latency behind its sending."""
    times = arrivals("seed", way, messages)
    assert times == sorted(times)
    assert all(time >= number * SPACING_S + way.latency_ms / 1e3 for number, time in enumerate(times))


@given(sizes)
def test_the_seed_decides(messages: list[int]) -> None:
    """The same seed and messages give the same times."""
    assert arrivals("a", THREE_G_TRAIN.to_client, messages) == arrivals("a", THREE_G_TRAIN.to_client, messages)


def test_another_seed_is_another_network() -> None:
    """Two connections do not stall together."""
    messages = [1_000] * 50
    assert arrivals("a", THREE_G_TRAIN.to_client, messages) != arrivals("b", THREE_G_TRAIN.to_client, messages)


def test_bandwidth_adds_up() -> None:
    """A thousand bytes at 8 kbit/s take a second, and the next ones wait for it."""
    line, way = Line("seed", Counters()), Way(kbit_per_s=8)
    assert [line.sent_at(way, 1_000, 0.0) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert line.sent_at(way, 1_000, 10.0) == 11.0


def test_losses_are_as_frequent_as_said() -> None:
    """Of 10,000 segments at 5 %, about 500 are lost: within five standard deviations."""
    counters = Counters()
    line = Line("seed", counters)
    for _ in range(10_000):
        line.arrival(Way(loss=0.05), 1_460, 0.0)
    assert 390 <= counters.stalls <= 610
