"""Joining and leaving topics."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from helpers.lab.realtime.settings import Limits
from helpers.wire.frames import Version
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place

VERSIONS = pytest.mark.parametrize("version", list(Version))
JOINED = {"status": "ok", "response": {"postgres_changes": []}}


def refused(reason: str) -> dict[str, Any]:
    return {"status": "error", "response": {"reason": reason}}


@VERSIONS
async def test_a_join_is_answered(place: Place, version: Version) -> None:
    """The reply carries the ref, and in version 2 the join_ref."""
    talker = await place.talker(version=version)
    ref = await talker.say("realtime:a", "phx_join", {"config": {}})
    reply = await talker.hear_event("phx_reply")
    assert (reply.topic, reply.ref, reply.payload) == ("realtime:a", ref, JOINED)
    assert reply.join_ref == (ref if version is Version.V2 else None)


@VERSIONS
async def test_a_leave_is_answered_and_closes_the_channel(place: Place, version: Version) -> None:
    """First the reply, then phx_close with the ref of the join."""
    talker = await place.talker(version=version)
    await talker.join("a")
    assert await talker.ask("realtime:a", "phx_leave") == {"status": "ok", "response": {}}
    closed = await talker.hear_event("phx_close")
    assert (closed.ref, closed.payload) == ("1", {})
    assert (await talker.ask("realtime:a", "broadcast", {}))["response"] == {"reason": "unmatched topic"}


@VERSIONS
async def test_joining_again_replaces_the_channel(place: Place, version: Version) -> None:
    """The new join is answered first, then the old one is closed with its own ref."""
    talker = await place.talker(version=version)
    await talker.join("a")
    assert await talker.join("a") == JOINED
    closed = await talker.hear_event("phx_close")
    assert closed.ref == "1"
    assert closed.join_ref == ("1" if version is Version.V2 else None)
    await talker.hear_nothing()


async def test_a_refused_join_on_a_joined_topic_closes_the_old_channel(place: Place) -> None:
    """Whatever comes of the new join, the old channel is gone."""
    talker = await place.talker()
    await talker.join("a")
    await talker.socket.send('["9","9","realtime:a","phx_join",null]')
    assert (await talker.hear_event("phx_reply")).payload["status"] == "error"
    assert (await talker.hear_event("phx_close")).ref == "1"
    assert (await talker.ask("realtime:a", "broadcast", {}))["response"] == {"reason": "unmatched topic"}


async def test_a_refused_join_stalls_its_socket(serve: Serve) -> None:
    """Nothing else on the socket is answered or delivered before the late refusal; other sockets go on."""
    place = await serve(join_error_delay_s=0.3)
    talker, other = await place.talker(), await place.talker()
    await talker.join("a")
    await other.join("a")
    started = time.monotonic()
    await talker.socket.send('["9","9","realtime:b","phx_join",null]')
    await talker.say("phoenix", "heartbeat")
    await other.hear_nothing()
    await other.broadcast("a", "e", {})
    topics = [(await talker.hear()).topic for _ in range(3)]
    assert time.monotonic() - started >= 0.3
    assert sorted(topics) == ["phoenix", "realtime:a", "realtime:b"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("null", "UnknownErrorOnChannel: expected params to be a :map, got: `nil`"),
        ('{"config":5}', "UnknownErrorOnChannel: no function clause matching in Access.get/3"),
        ('{"config":{"broadcast":true}}', "UnknownErrorOnChannel: no function clause matching in Access.get/3"),
        ('{"config":{"postgres_changes":["x"]}}', 'UnknownErrorOnChannel: expected a map, got:\n\n    "x"\n'),
        ('{"access_token":""}', "MalformedJWT: The token provided is not a valid JWT"),
    ],
)
async def test_some_misshapen_joins_are_refused(place: Place, payload: str, reason: str) -> None:
    """The few shapes on which the genuine server stumbles have its words for it."""
    talker = await place.talker()
    await talker.socket.send(f'["1","1","realtime:a","phx_join",{payload}]')
    assert (await talker.hear_event("phx_reply")).payload == refused(reason)


@pytest.mark.parametrize(
    "config",
    [
        {"postgres_changes": {"a": 1}},
        {"broadcast": {"ack": "true", "self": "TRUE"}},
        {"broadcast": {"ack": 1}},
        {"private": "yes"},
        {"unknown": True},
    ],
)
async def test_most_misshapen_joins_are_not(place: Place, config: dict[str, Any]) -> None:
    """What cannot be read is taken for its default, and nobody is told."""
    assert await (await place.talker()).join("a", **config) == JOINED


async def test_an_empty_topic_is_refused(place: Place) -> None:
    """`realtime:` alone is no topic."""
    reply = await (await place.talker()).join("")
    assert reply == refused("TopicNameRequired: You must provide a topic name")


async def test_a_socket_may_have_so_many_channels(serve: Serve) -> None:
    """One channel more than the limit is refused; after a leave there is room again."""
    talker = await (await serve(limits=Limits(channels_per_client=2))).talker()
    assert await talker.join("a") == JOINED
    assert await talker.join("b") == JOINED
    assert await talker.join("c") == refused("ChannelRateLimitReached: Too many channels")
    await talker.ask("realtime:a", "phx_leave")
    await talker.hear_event("phx_close")
    assert await talker.join("c") == JOINED


async def test_too_many_joins_end_the_socket(serve: Serve) -> None:
    """Above the rate a join is refused and the socket closed with 1001."""
    place = await serve(limits=Limits(joins_per_s=1), rate_tick_s=0.05)
    talker = await place.talker()
    await talker.join("a")
    await asyncio.sleep(0.1)  # a period of 0.05 s ends with one join in it: 10 a second on average
    assert await talker.join("b") == refused("ClientJoinRateLimitReached: Too many joins per second")
    assert await talker.closed() == 1001
    with pytest.raises(InvalidStatus, match="429"):
        await place.talker()


async def test_a_project_may_allow_only_private_channels(serve: Serve) -> None:
    """Public joins are refused then."""
    talker = await (await serve(private_only=True)).talker()
    assert await talker.join("a") == refused("PrivateOnly: This project only allows private channels")


async def test_unknown_events_are_passed_over(place: Place) -> None:
    """An event that no channel knows gets no answer."""
    talker = await place.talker()
    await talker.join("a")
    await talker.say("realtime:a", "whatever", {"x": 1})
    await talker.hear_nothing()


async def test_a_socket_that_ends_leaves_its_topics(place: Place) -> None:
    """Nothing of a socket remains after it was aborted."""
    talker, other = await place.talker(), await place.talker()
    await talker.join("a", presence={"enabled": True})
    await other.join("a", presence={"enabled": True})
    await other.hear_event("presence_state")
    await talker.hear_event("presence_state")
    await talker.say("realtime:a", "presence", {"event": "track", "payload": {}})
    await other.hear_event("presence_diff")
    talker.socket.transport.abort()
    await other.hear_event("presence_diff")
    await other.socket.close()
    async with asyncio.timeout(30):
        await place.server.hub.deserted.wait()
    assert len(place.server.hub.topics) == 0
