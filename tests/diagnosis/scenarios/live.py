"""Scenarios of an open connection on which something is lost, or late."""

from __future__ import annotations

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.probes import run, subscriptions
from helpers.diagnosis.results import Check, Status
from helpers.lab.network import Conditions, Way, broadcasts, changes, delay, drop, heartbeats, system
from tests.diagnosis.scenarios.relay import relay
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.tools import hasty, healed, look_at_way_in, through
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["SCENARIOS"]


def losing(kind: object) -> Conditions:
    """Messages of this kind do not reach the client."""
    return Conditions(name="loses messages", to_client=Way(frames=(drop(kind),)))  # type: ignore[arg-type]


async def look_at_change(ward: Ward) -> Evidence:
    """The whole way to a delivered change."""
    return await ward.look(change=True)


async def look_at_tables(ward: Ward) -> Evidence:
    return await ward.look(subscriptions=True)


LATE = Conditions(name="late", to_client=Way(frames=(delay(system, ms=1100),)))


async def behind_a_proxy_without_pings(ward: Ward) -> None:
    hasty(ward, run, "PING_LIMIT_S")
    between, ward.target = await ward.cleanup.enter_async_context(relay(ward.target, swallows_pings=True))
    ward.tools["relay"] = between


async def pings_pass(ward: Ward, check: Check) -> None:
    assert "a proxy that passes pings on" in check.fix
    ward.tools["relay"].swallows_pings = False


SCENARIOS = (
    Scenario(
        "ping_answered",
        "a proxy swallows pings",
        behind_a_proxy_without_pings,
        look_at_way_in,
        pings_pass,
        Status.WARNING,
    ),
    Scenario(
        "heartbeat_answered",
        "heartbeats are lost",
        through(losing(heartbeats), (run, "HEARTBEAT_LIMIT_S")),
        look_at_way_in,
        healed,
    ),
    Scenario("changes_ready", "a cold start", through(LATE), look_at_way_in, healed, Status.NOTE),
    Scenario(
        "broadcast_returns",
        "broadcasts are lost",
        through(losing(broadcasts), (run, "BROADCAST_LIMIT_S")),
        look_at_way_in,
        healed,
    ),
    Scenario(
        "change_delivered",
        "changes are lost",
        through(losing(changes), (run, "CHANGE_LIMIT_S")),
        look_at_change,
        healed,
    ),
    Scenario(
        "tables_subscribed",
        "no word about the subscription",
        through(losing(system), (subscriptions, "READY_LIMIT_S")),
        look_at_tables,
        healed,
        Status.WARNING,
    ),
)
