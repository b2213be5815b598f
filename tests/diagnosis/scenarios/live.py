"""Scenarios of an open connection on which something is lost, or late."""

from __future__ import annotations

from helpers import workspace
from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.probes import run, subscriptions
from helpers.diagnosis.results import Check, Status
from helpers.lab import Lab, LabSettings
from helpers.lab.changes.settings import ChangeSettings
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


async def wide_rows(ward: Ward) -> None:
    """The table to whose changes the way leads has a column that no screen needs."""
    await ward.sql("alter table public.events add column filler text not null default repeat('x', 1500)")
    ward.cleanup.push_async_callback(ward.sql, "alter table public.events drop column if exists filler")


async def fewer_columns(ward: Ward, check: Check) -> None:
    """Without the column each subscriber gets what one that selects would."""
    assert "to the columns that the screen needs" in check.fix
    await ward.sql("alter table public.events drop column filler")


async def late_by_more_than_the_poll(ward: Ward) -> None:
    """A server that pushes changes, so that nothing but the network makes them late."""
    lab = await ward.cleanup.enter_async_context(Lab(LabSettings(changes=ChangeSettings(streaming=True))))
    await workspace.fill(lab.target)
    ward.target = lab.target
    late = Conditions(name="late changes", to_client=Way(frames=(delay(changes, ms=1200),)))
    await through(late)(ward)


SCENARIOS = (
    Scenario("payload_size", "a wide column in each change", wide_rows, look_at_change, fewer_columns, Status.WARNING),
    Scenario(
        "delivery_time",
        "changes late by more than the poll",
        late_by_more_than_the_poll,
        look_at_change,
        healed,
        Status.WARNING,
    ),
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
