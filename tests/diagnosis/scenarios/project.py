"""Scenarios of the project: switched off, unknown, paused, restarting, without its partition."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from helpers.diagnosis.results import Check, Status
from helpers.lab.network import Answer, Conditions
from tests.diagnosis.scenarios.relay import refusing_joins, relay, saying
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.tools import Talker, curl, healed, hears, look_at_way_in, operated, through
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["SCENARIOS"]

Mends = Callable[[Ward, Check], Awaitable[None]]


def answered(status: str, sentence: str) -> Callable[[Ward], Awaitable[None]]:
    """Realtime's own refusal of the handshake, of a server that is in another state than the lab."""
    body = f'{{"error": "{sentence}"}}' if sentence else ""
    json = (("Content-Type", "application/json; charset=utf-8"),)
    return through(Conditions(name=sentence, answer=Answer(status=status, headers=json, body=body)))


def in_a_state(reason: str) -> Callable[[Ward], Awaitable[None]]:
    """Realtime refuses each join with this reason."""
    return _relayed(lambda ward: relay(ward.target, change=refusing_joins(reason)))


def telling(sentence: str, status: str) -> Callable[[Ward], Awaitable[None]]:
    """Realtime says this after each join."""
    return _relayed(lambda ward: relay(ward.target, change=saying(sentence, status)))


def _relayed(make: Callable[[Ward], object]) -> Callable[[Ward], Awaitable[None]]:
    async def breaks(ward: Ward) -> None:
        between, ward.target = await ward.cleanup.enter_async_context(make(ward))  # type: ignore[arg-type]
        ward.tools["relay"] = between

    return breaks


def back_in_order(words: str) -> Mends:
    """The server is well again, by what the fix names in these words."""

    async def mends(ward: Ward, check: Check) -> None:
        assert re.search(words, check.fix), check.fix
        ward.tools["relay"].change = None
        ward.tools["relay"].drops_query = False

    return mends


async def without_todays_partition(ward: Ward) -> None:
    """As a reset leaves it."""
    await ward.sql('create policy "read all" on realtime.messages for select to authenticated using (true)')
    ward.cleanup.push_async_callback(ward.sql, 'drop policy "read all" on realtime.messages')
    await ward.superuser(
        "do $$ begin execute format('drop table realtime.%I', 'messages_' || to_char(current_date, 'YYYY_MM_DD'));"
        " end $$"
    )


async def partition_by_superuser(ward: Ward, check: Check) -> None:
    """The printed SQL; whoever owns the table runs it."""
    await ward.superuser(check.fix)


async def joins_privately(ward: Ward, client: Talker) -> None:
    await client.join({"private": True}, ward.lab.token())


SCENARIOS = (
    Scenario(
        "realtime_disabled",
        "switched off",
        operated({"suspend": True}, {"suspend": False}),
        look_at_way_in,
        curl,
    ),
    Scenario("tenant_unknown", "another host", answered("404 Not Found", "Tenant not found"), look_at_way_in, healed),
    Scenario(
        "connect_failed",
        "an error of its own",
        answered("500 Internal Server Error", "Error connecting to Realtime"),
        look_at_way_in,
        healed,
    ),
    Scenario("protocol_known", "an empty 403", answered("403 Forbidden", ""), look_at_way_in, healed),
    Scenario(
        "key_missing",
        "a proxy drops the query",
        _relayed(lambda ward: relay(ward.target, drops_query=True)),
        look_at_way_in,
        back_in_order("strip the query"),
    ),
    Scenario(
        "database_reachable",
        "paused",
        in_a_state("UnableToConnectToProject: Realtime was unable to connect to the project database"),
        look_at_way_in,
        back_in_order("Restore the project"),
    ),
    Scenario(
        "database_capacity",
        "no connections left",
        in_a_state("DatabaseLackOfConnections: Database can't accept more connections, Realtime won't connect"),
        look_at_way_in,
        back_in_order("pool size"),
    ),
    Scenario(
        "restarting",
        "restarting",
        in_a_state("RealtimeRestarting: Realtime is restarting, please standby"),
        look_at_way_in,
        back_in_order("after a few seconds"),
        Status.WARNING,
    ),
    Scenario(
        "replication_ready",
        "no walsender",
        telling("Replication connection was not established in time", "error"),
        look_at_way_in,
        back_in_order("max_wal_senders"),
    ),
    Scenario(
        "disconnected_by_operator",
        "settings were changed",
        telling("Server requested disconnect", "ok"),
        look_at_way_in,
        back_in_order("Connect again"),
        Status.WARNING,
    ),
    Scenario(
        "missing_partition",
        "dropped by a reset",
        without_todays_partition,
        hears(joins_privately),
        partition_by_superuser,
    ),
    Scenario(
        "join_accepted",
        "a reason that is in no table",
        in_a_state("ASentenceOfTomorrow: Realtime is shy today"),
        look_at_way_in,
        back_in_order("error codes"),
    ),
)
