"""Scenarios of an open connection on which something is lost, or late."""

from __future__ import annotations

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.probes import run, subscriptions
from helpers.diagnosis.results import Status
from helpers.lab.network import Conditions, Way, broadcasts, changes, delay, drop, heartbeats, system
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.tools import healed, look_at_way_in, through
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
SCENARIOS = (
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
