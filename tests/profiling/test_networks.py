"""Networks, measured against the lab."""

from __future__ import annotations

import asyncio

import pytest

from helpers.errors import ConnectionFailed
from helpers.lab.network import DOWN, FOUR_G, OFFICE, PERFECT, Conditions
from helpers.plots import network_plot
from helpers.profiling import profile_link_loss, profile_networks
from helpers.target import Target


async def test_networks_cost_what_they_are_set_to(target: Target) -> None:
    """Connecting takes at least two round trips, a heartbeat one, a delivery half of one, and nothing is lost."""
    networks = (PERFECT, OFFICE, FOUR_G)
    profile = await profile_networks(target, networks, connections=2, heartbeats=3, messages=5)
    assert [step.network for step in profile.steps] == [conditions.name for conditions in networks]
    for step, conditions in zip(profile.steps, networks, strict=True):
        assert step.lost == 0
        assert step.delivery_ms is not None and step.delivery_ms.p50 >= conditions.to_client.latency_ms
        assert step.round_trip_ms.p50 >= conditions.rtt_ms == step.set_rtt_ms
        assert step.connect_ms.p50 >= 2 * conditions.rtt_ms
        assert (step.connect_ms.n, step.round_trip_ms.n, step.delivery_ms.n) == (2, 3, 5)
    frame = profile.to_frame()
    assert list(frame["network"]) == ["no network", "office", "4G"]
    assert len(network_plot(profile).axes[0].get_yticklabels()) == 3


async def test_a_network_that_refuses_ends_all_of_the_measurement(target: Target) -> None:
    """The error is the refusal's own, and nothing is left running."""
    before = asyncio.all_tasks()
    with pytest.raises(ConnectionFailed):
        await profile_networks(target, (Conditions.link("slow", rtt_ms=400), DOWN))
    assert {task for task in asyncio.all_tasks() - before if "helpers/" in repr(task)} == set()


async def test_a_half_open_link_is_noticed_by_the_heartbeat_and_the_others_at_once(target: Target) -> None:
    """Never before the heartbeat that is not answered has had its time."""
    profile = await profile_link_loss(target, heartbeat_s=0.4, timeout_s=0.3, repeats=2)
    noticed = {loss.ending: loss.noticed_s for loss in profile.losses}
    assert set(noticed) == {"reset", "close", "server gone"}
    assert all(len(times) == 2 for times in noticed.values())
    assert min(noticed["server gone"]) >= 0.3
    assert list(profile.to_frame()["n"]) == [2, 2, 2]
