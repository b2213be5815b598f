"""Presence: who is on a topic."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from helpers.lab.realtime.settings import Limits
from helpers.wire.frames import Version
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place, Talker

VERSIONS = pytest.mark.parametrize("version", list(Version))
OK = {"status": "ok", "response": {}}


async def joined(place: Place, key: str = "", version: Version = Version.V2) -> Talker:
    """A client with presence enabled that was told the state."""
    talker = await place.talker(version=version)
    await talker.join("a", presence={"enabled": True, "key": key})
    await talker.hear_event("presence_state")
    return talker


async def track(talker: Talker, meta: Any) -> str:
    return await talker.say("realtime:a", "presence", {"type": "presence", "event": "track", "payload": meta})


async def untrack(talker: Talker) -> str:
    return await talker.say("realtime:a", "presence", {"type": "presence", "event": "untrack"})


async def diff(talker: Talker) -> Any:
    return (await talker.hear_event("presence_diff")).payload


async def tracked(talker: Talker, meta: Any) -> Any:
    """Track, and return the sender's own meta."""
    await track(talker, meta)
    joins = (await diff(talker))["joins"]
    assert (await talker.hear_event("phx_reply")).payload == OK
    [entry] = joins.values()
    return entry["metas"][0]


@VERSIONS
async def test_the_state_follows_the_join(place: Place, version: Version) -> None:
    """With presence enabled; it is empty when nobody tracks."""
    talker = await place.talker(version=version)
    await talker.join("a", presence={"enabled": True})
    state = await talker.hear_event("presence_state")
    assert (state.payload, state.ref) == ({}, None)
    assert state.join_ref == ("1" if version is Version.V2 else None)


async def test_without_presence_there_is_no_state(place: Place) -> None:
    """A join that does not enable presence hears of nobody."""
    talker, other = await place.talker(), await joined(place)
    await talker.join("a")
    await tracked(other, {})
    await talker.hear_nothing()


@VERSIONS
async def test_everybody_hears_of_a_track(place: Place, version: Version) -> None:
    """A diff with the key, the meta and its phx_ref goes to all, and the sender gets a reply."""
    other, talker = await joined(place, "bob", version), await joined(place, "alice", version)
    meta = await tracked(talker, {"n": 1})
    assert meta == {"phx_ref": meta["phx_ref"], "n": 1}
    assert await diff(other) == {"joins": {"alice": {"metas": [meta]}}, "leaves": {}}
    late = await place.talker(version=version)
    await late.join("a", presence={"enabled": True})
    assert (await late.hear_event("presence_state")).payload == {"alice": {"metas": [meta]}}


async def test_an_update_leaves_and_joins(place: Place) -> None:
    """The new meta names the one before; the same payload again changes nothing."""
    talker = await joined(place, "alice")
    before = await tracked(talker, {"n": 1})
    await track(talker, {"n": 2})
    change = await diff(talker)
    [after] = change["joins"]["alice"]["metas"]
    assert after == {"phx_ref": after["phx_ref"], "phx_ref_prev": before["phx_ref"], "n": 2}
    assert change["leaves"] == {"alice": {"metas": [before]}}
    assert (await talker.hear_event("phx_reply")).payload == OK
    await track(talker, {"n": 2})
    assert (await talker.hear_event("phx_reply")).payload == OK


async def test_untrack_leaves(place: Place) -> None:
    """The diff names the meta that has left; a second untrack says nothing."""
    talker = await joined(place, "alice")
    meta = await tracked(talker, {"n": 1})
    await untrack(talker)
    assert await diff(talker) == {"joins": {}, "leaves": {"alice": {"metas": [meta]}}}
    assert (await talker.hear_event("phx_reply")).payload == OK
    await untrack(talker)
    assert (await talker.hear_event("phx_reply")).payload == OK


async def test_two_may_share_a_key(place: Place) -> None:
    """Each has a meta of its own under it, and leaves alone."""
    first, second = await joined(place, "both"), await joined(place, "both")
    mine = await tracked(first, {"n": 1})
    await diff(second)
    theirs = await tracked(second, {"n": 2})
    await diff(first)
    late = await place.talker()
    await late.join("a", presence={"enabled": True})
    assert (await late.hear_event("presence_state")).payload == {"both": {"metas": [mine, theirs]}}
    await untrack(first)
    assert await diff(second) == {"joins": {}, "leaves": {"both": {"metas": [mine]}}}


async def test_a_missing_key_is_made(place: Place) -> None:
    """Without a key the server takes a uuid."""
    talker = await joined(place)
    await track(talker, {})
    [key] = (await diff(talker))["joins"]
    assert UUID(key).version == 1


@pytest.mark.parametrize("how", ["leave", "close", "abort"])
async def test_whoever_goes_leaves(place: Place, how: str) -> None:
    """A leave, a close and a lost connection are told to those who stay, and not to who goes."""
    other, talker = await joined(place), await joined(place, "alice")
    meta = await tracked(talker, {})
    await diff(other)
    if how == "leave":
        assert await talker.ask("realtime:a", "phx_leave") == OK
        await talker.hear_event("phx_close")
        await talker.hear_nothing()
    elif how == "close":
        await talker.socket.close()
    else:
        talker.socket.transport.abort()
    assert await diff(other) == {"joins": {}, "leaves": {"alice": {"metas": [meta]}}}


async def test_the_event_ignores_case(place: Place) -> None:
    """`TRACK` is track."""
    talker = await joined(place)
    await talker.say("realtime:a", "presence", {"event": "TRACK", "payload": {"n": 1}})
    assert (await diff(talker))["joins"]


async def test_bad_presence_messages_are_answered(place: Place) -> None:
    """An unknown event and a meta that is no object get an error, a message without an event an ok."""
    talker = await joined(place)
    assert await talker.ask("realtime:a", "presence", {"event": "foo"}) == {"status": "error", "response": {}}
    assert await talker.ask("realtime:a", "presence", {}) == OK
    reply = await talker.ask("realtime:a", "presence", {"event": "track", "payload": 5})
    assert reply["response"] == {"reason": "Presence track payload must be a map"}


async def test_too_many_calls_close_the_channel(serve: Serve) -> None:
    """The sixth call within the window is answered by a system message and phx_close; the socket stays."""
    talker = await joined(await serve(limits=Limits(presence_calls=5, presence_window_s=30)))
    for number in range(5):
        await tracked(talker, {"n": number})
    await track(talker, {"n": 5})
    system = await talker.hear_event("system")
    assert system.payload["message"] == "Client presence rate limit exceeded"
    assert (system.payload["status"], system.payload["extension"]) == ("error", "system")
    await talker.hear_event("phx_close")
    await talker.hear_nothing()


async def test_calls_are_allowed_again_when_the_window_is_over(serve: Serve) -> None:
    """A window opens with its first call and lasts its time."""
    talker = await joined(await serve(limits=Limits(presence_calls=1, presence_window_s=0.0)))
    for number in range(3):
        await tracked(talker, {"n": number})


async def test_a_meta_over_the_limit_closes_the_channel(serve: Serve) -> None:
    """A meta longer than the payload limit is not spread."""
    talker = await joined(await serve(limits=Limits(payload_bytes=1000)))
    await track(talker, {"x": "x" * 1000})
    assert (await talker.hear_event("system")).payload["message"] == "Track message size exceeded"
    await talker.hear_event("phx_close")


async def test_any_number_of_keys(place: Place) -> None:
    """The plans' "presence keys per object: 10" is a line of their page; the genuine server checks no such number."""
    talker, others = await joined(place), [await joined(place, f"key {number}") for number in range(11)]
    meta = await tracked(talker, {f"field {number}": number for number in range(11)})
    assert len(meta.keys() - {"phx_ref"}) == 11
    for other in others:
        await track(other, {})
        await diff(talker)
    await talker.hear_nothing()
