"""Scenarios of clients that ask for too much, or in the wrong way, and are told so by the lab."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.probes import read_wish
from helpers.diagnosis.results import Check, Status
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.tools import Talker, as_advised, careless, curl, hears, look_at_way_in, operated
from tests.diagnosis.scenarios.ward import TABLE, Ward

__all__ = ["SCENARIOS"]

TOPIC = "room:it's mine"
TRACK = {"type": "presence", "event": "track", "payload": {"at": "home"}}
PRESENT = {"presence": {"enabled": True}}
#: Three periods in which the lab counts rates.
A_WHILE_S = 0.35
#: A machine that is too busy to be a crowd in one period is one in another.
MOST_CROWDS = 20


def binding(**changes: Any) -> dict[str, Any]:
    """A subscription to the ward's table."""
    entry = {"event": "*", "schema": TABLE.schema, "table": TABLE.table} | changes
    return {"postgres_changes": [{name: value for name, value in entry.items() if value is not None}]}


async def subscribes(ward: Ward, client: Talker, bad: dict[str, Any]) -> None:
    """As a user; badly, or to the table as it is."""
    topic = await client.join(bad if ward.careless else binding(), ward.lab.token())
    await client.until_system(topic)


async def subscribes_with_typo(ward: Ward, client: Talker) -> None:
    await subscribes(ward, client, binding(filter="user_id=eqq.1"))


async def subscribes_by_text(ward: Ward, client: Talker) -> None:
    await subscribes(ward, client, binding(select="id,body"))


async def subscribes_by_wrong_type(ward: Ward, client: Talker) -> None:
    await subscribes(ward, client, binding(filter="user_id=eq.not-a-uuid"))


async def filters_by_ungranted_column(ward: Ward, client: Talker) -> None:
    topic = await client.join(binding(filter="body=eq.x"), ward.lab.token())
    await client.until_system(topic)


async def subscribes_to_the_table(ward: Ward, client: Talker) -> None:
    topic = await client.join(binding(), ward.lab.token())
    await client.until_system(topic)


async def waits_shortly(ward: Ward, client: Talker) -> None:
    """The table is locked, so that the server cannot enter the subscription in time."""
    wait = {"wait": True, "timeout": 1 if ward.careless else 5000}
    await client.join(binding() | {"postgres_changes_options": wait}, ward.lab.token())


async def joins_many(ward: Ward, client: Talker) -> None:
    for _ in range(4):
        await client.join({})


async def joins_at_every_render(ward: Ward, client: Talker) -> None:
    until = time.monotonic() + A_WHILE_S
    while time.monotonic() < until and not client.heard:
        await client.join({})
        await asyncio.sleep(0.02)


async def sends_fast(ward: Ward, client: Talker) -> None:
    topic = await client.join({"broadcast": {"self": True}})
    for _ in range(8):
        message = {"type": "broadcast", "event": "cursor", "payload": {}}
        await client.dialogue.send(topic, "broadcast", message, client.joined[topic])
        await client.wait(0.05)


async def tracks_a_cursor(ward: Ward, client: Talker) -> None:
    topic = await client.join({"presence": {"enabled": True}})
    for _ in range(6):
        await client.ask(topic, "presence", TRACK)


async def comes_as_a_crowd(ward: Ward, client: Talker) -> None:
    """Crowds of sixteen states at once, until the server has had enough; who cares tracks once, a while later."""
    if not ward.careless:
        await client.wait(A_WHILE_S)  # until the crowd of before has left the count
        await client.ask(await client.join(PRESENT), "presence", TRACK)
        return
    for _ in range(MOST_CROWDS):
        topics = [await client.join(PRESENT) for _ in range(4)]
        for topic in topics * 4:
            await client.dialogue.send(topic, "presence", TRACK, client.joined[topic])
        await client.wait(0.12)  # the rate is judged at the end of each period
        for topic in topics:
            await client.catch_up()
            if client.is_told:
                return
            await client.ask(topic, "presence", TRACK)


async def tracks_a_text(ward: Ward, client: Talker) -> None:
    topic = await client.join({})
    await client.ask(topic, "presence", TRACK | {"payload": "home" if ward.careless else {"at": "home"}})


async def tracks_a_picture(ward: Ward, client: Talker) -> None:
    topic = await client.join({})
    size = 3_000_001 if ward.careless else 100
    await client.ask(topic, "presence", TRACK | {"payload": {"picture": "x" * size}})


async def sends_a_text(ward: Ward, client: Talker) -> None:
    topic = await client.join({"broadcast": {"ack": True}})
    payload: Any = "hello" if ward.careless else {"type": "broadcast", "event": "hello", "payload": {}}
    await client.ask(topic, "broadcast", payload)


async def sends_too_late(ward: Ward, client: Talker) -> None:
    topic = await client.join({"broadcast": {"ack": True}})
    if ward.careless:
        await client.ask(topic, "phx_leave", {})
        await client.dialogue.frame(lambda frame: frame.event == "phx_close")
    await client.ask(topic, "broadcast", {"type": "broadcast", "event": "hello", "payload": {}})


async def joins_nothing(ward: Ward, client: Talker) -> None:
    await client.join({}, topic="" if ward.careless else "room:1")


async def joins_with_a_text_as_config(ward: Ward, client: Talker) -> None:
    await client.join({"broadcast": "all" if ward.careless else {}})


async def asks_for_the_past(ward: Ward, client: Talker) -> None:
    """On a public channel, as asked for first; then with the configuration that the fix prints."""
    replay = {"broadcast": {"replay": {"since": 1_767_225_600_000, "limit": 25}}}
    await client.join(ward.tools.get("config", replay), ward.lab.token())


async def reads_all(ward: Ward) -> None:
    """A policy for all private topics, which the replay needs too."""
    await careless(ward)
    await ward.sql('create policy "read all" on realtime.messages for select to authenticated using (true)')
    ward.cleanup.push_async_callback(ward.sql, 'drop policy "read all" on realtime.messages')


async def printed_config(ward: Ward, check: Check) -> None:
    """The configuration as the fix prints it."""
    ward.tools["config"] = json.loads(check.fix)["config"]


async def nobody_may_read(ward: Ward) -> None:
    ward.cleanup.push_async_callback(ward.sql, 'drop policy if exists "read this topic" on realtime.messages')


async def joins_privately(ward: Ward, client: Talker) -> None:
    await client.join({"private": True}, ward.lab.token(), TOPIC)


async def only_with_a_claim(ward: Ward) -> None:
    """A policy that the first token satisfies and the next does not."""
    await ward.sql(
        'create policy "members" on realtime.messages for select to authenticated using '
        "((select auth.jwt()) ->> 'member' = 'yes')"
    )
    ward.cleanup.push_async_callback(ward.sql, 'drop policy "members" on realtime.messages')
    ward.cleanup.push_async_callback(ward.sql, 'drop policy if exists "read with new claims" on realtime.messages')


async def refreshes_without_the_claim(ward: Ward, client: Talker) -> None:
    topic = await client.join({"private": True}, ward.lab.token(member="yes"), TOPIC)
    await client.dialogue.send(topic, "access_token", {"access_token": ward.lab.token()}, client.joined[topic])
    await client.wait(0.15)


async def misspells_private(ward: Ward) -> None:
    ward.tools["config"] = {"private": "yes", "broadcast": {"sef": True}, "privat": 1}


async def look_at_wish(ward: Ward) -> Evidence:
    """How it is read here, and by the lab: without a policy it refuses a channel that it takes for a private one."""

    async def joins(_: Ward, client: Talker) -> None:
        await client.join(ward.tools["config"], ward.lab.token(), TOPIC)

    seen = await hears(joins)(ward)
    wish = read_wish(ward.tools["config"])
    assert bool(seen.heard) is not bool(wish.misreadings), "the lab takes it otherwise"
    return replace(await ward.look(), wish=wish)


async def no_grant_on_the_body(ward: Ward) -> None:
    await ward.sql(f"revoke select on {TABLE.quoted} from authenticated")
    await ward.sql(f"grant select (id, user_id) on {TABLE.quoted} to authenticated")


async def not_published(ward: Ward) -> None:
    await ward.sql(f"alter publication supabase_realtime drop table {TABLE.quoted}")


async def printed_sql(ward: Ward, check: Check) -> None:
    """The lines that are SQL."""
    await ward.sql("\n".join(line for line in check.fix.splitlines() if not line.startswith("--")))


SCENARIOS = (
    Scenario("too_many_users", "no room", operated({"max_concurrent_users": 0}, {"max_concurrent_users": 200}),
             look_at_way_in, curl),
    Scenario("too_many_joins", "a render loop", operated({"max_joins_per_second": 10}, {"max_joins_per_second": 100}),
             hears(joins_at_every_render), curl),
    Scenario("too_many_channels", "never removed",
             operated({"max_channels_per_client": 3}, {"max_channels_per_client": 100}), hears(joins_many), curl),
    Scenario("rate_limited", "cursors",
             operated({"max_events_per_second": 10}, {"max_events_per_second": 2500}), hears(sends_fast), curl),
    Scenario("presence_limited", "tracks a cursor", operated(
                 {"max_client_presence_events_per_window": 5, "client_presence_window_ms": 30000},
                 {"max_client_presence_events_per_window": 5, "client_presence_window_ms": 30000}),
             hears(tracks_a_cursor), curl),
    Scenario("presence_rate_limited", "a crowd", careless, hears(comes_as_a_crowd), as_advised("Track when a state")),
    Scenario("payload_limited", "a picture", careless, hears(tracks_a_picture), as_advised("Storage")),
    Scenario("presence_payload", "a text", careless, hears(tracks_a_text), as_advised("an object")),
    Scenario("channel_crash", "a text", careless, hears(sends_a_text), as_advised("an object")),
    Scenario("topic_matched", "too late", careless, hears(sends_too_late), as_advised("not after removeChannel")),
    Scenario("topic_named", "an empty name", careless, hears(joins_nothing), as_advised("Wait until the id")),
    Scenario("channel_unknown_error", "a text as configuration", careless, hears(joins_with_a_text_as_config),
             as_advised("as objects")),
    Scenario("private_only", "public channels switched off",
             operated({"private_only": True}, {"private_only": False}), look_at_way_in, curl, Status.WARNING),
    Scenario("replay_refused", "on a public channel", reads_all, hears(asks_for_the_past), printed_config),
    Scenario("topic_unauthorized", "no policy", nobody_may_read, hears(joins_privately)),
    Scenario("permission_lost", "a claim is lost", only_with_a_claim, hears(refreshes_without_the_claim)),
    Scenario("unsubscribable", "not published, seen by a client alone", not_published, hears(subscribes_to_the_table)),
    Scenario("filter_column", "a column without grant", no_grant_on_the_body, hears(filters_by_ungranted_column),
             printed_sql),
    Scenario("filter_malformed", "an operator that is none", careless, hears(subscribes_with_typo),
             as_advised("eq, neq")),
    Scenario("select_malformed", "columns as a text", careless, hears(subscribes_by_text), as_advised(r"select: \[")),
    Scenario("binding_exception", "a value of another type", careless, hears(subscribes_by_wrong_type),
             as_advised("a uuid for a uuid")),
    Scenario("changes_in_time", "too little patience", careless, hears(waits_shortly), as_advised("timeout: 20000")),
    Scenario("join_as_meant", "private misspelt", misspells_private, look_at_wish, printed_config),
)  # fmt: skip
