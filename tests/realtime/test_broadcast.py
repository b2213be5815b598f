"""Broadcast from client to clients."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.lab.realtime.settings import Limits
from helpers.wire.frames import BinaryBroadcast, BinaryPush, Encoding, Frame, Version, encode_binary
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place, Talker

VERSIONS = pytest.mark.parametrize("version", list(Version))
OK = {"status": "ok", "response": {}}
MESSAGE = {"type": "broadcast", "event": "e", "payload": {"n": 1}}


async def joined(place: Place, version: Version = Version.V2, **broadcast: bool) -> Talker:
    talker = await place.talker(version=version)
    await talker.join("a", broadcast=broadcast)
    return talker


@VERSIONS
@pytest.mark.parametrize("ack", [False, True])
@pytest.mark.parametrize("own", [False, True])
async def test_ack_and_self(place: Place, version: Version, ack: bool, own: bool) -> None:
    """`self` sends the broadcast back to its sender, `ack` a reply after it; the others always get it."""
    other = await joined(place, version)
    talker = await joined(place, version, ack=ack, self=own)
    ref = await talker.say("realtime:a", "broadcast", MESSAGE)
    assert (await other.hear_event("broadcast")).payload == MESSAGE
    if own:
        assert (await talker.hear_event("broadcast")).payload == MESSAGE
    if ack:
        reply = await talker.hear_event("phx_reply")
        assert (reply.ref, reply.payload) == (ref, OK)
    await talker.hear_nothing()
    await other.hear_nothing()


@pytest.mark.parametrize("sender", list(Version))
@pytest.mark.parametrize("receiver", list(Version))
@pytest.mark.parametrize(
    "payload",
    [
        {"event": "e", "payload": {}},
        {"type": "foo", "event": "e", "payload": {}},
        {"type": "broadcast", "payload": {}},
        MESSAGE | {"x": 1},
        MESSAGE | {"payload": [1]},
        {},
        MESSAGE | {"event": "é", "payload": {"s": "\u2028😀", "big": 12345678901234567890, "small": 1.50}},
    ],
)
async def test_a_payload_passes_as_it_is(place: Place, sender: Version, receiver: Version, payload: Any) -> None:
    """Between all versions, whatever is in it; a broadcast carries neither ref nor join_ref."""
    other, talker = await joined(place, receiver), await joined(place, sender)
    await talker.say("realtime:a", "broadcast", payload)
    message = await other.hear_event("broadcast")
    assert message == Frame("realtime:a", "broadcast", payload)


@pytest.mark.parametrize("payload", ["null", '"s"', "[1]", "5"])
async def test_version_two_crashes_on_a_payload_that_is_no_object(place: Place, payload: str) -> None:
    """The sender's channel is gone, its socket stays, the others hear nothing."""
    other, talker = await joined(place), await joined(place)
    await talker.socket.send(f'["1","2","realtime:a","broadcast",{payload}]')
    crash = await talker.hear_event("phx_error")
    assert (crash.ref, crash.join_ref, crash.payload) == ("1", "1", {"reason": "channel_crash"})
    await other.hear_nothing()
    assert (await talker.ask("realtime:a", "broadcast", MESSAGE))["response"] == {"reason": "unmatched topic"}


@pytest.mark.parametrize("payload", [None, "s", [1]])
async def test_version_one_passes_a_payload_that_is_no_object(place: Place, payload: Any) -> None:
    """Version 1.0.0 lets anything through, to both versions."""
    talker, first, second = await joined(place, Version.V1), await joined(place, Version.V1), await joined(place)
    text = {None: "null", "s": '"s"'}.get(payload if not isinstance(payload, list) else "", "[1]")
    await talker.socket.send(f'{{"topic":"realtime:a","event":"broadcast","payload":{text},"ref":"2"}}')
    for receiver in (first, second):
        assert (await receiver.hear_event("broadcast")).payload == payload


async def test_the_reply_has_the_joins_own_ref(place: Place) -> None:
    """Whatever join_ref the client sends, the reply carries that of the join."""
    talker = await joined(place, ack=True)
    await talker.socket.send('["12345","901","realtime:a","broadcast",{}]')
    reply = await talker.hear_event("phx_reply")
    assert (reply.join_ref, reply.ref) == ("1", "901")


async def test_other_topics_hear_nothing(place: Place) -> None:
    """A broadcast stays on its topic."""
    talker, other = await joined(place), await place.talker()
    await other.join("b")
    await talker.broadcast("a", "e", {})
    await other.hear_nothing()


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_a_binary_push_reaches_version_two_as_binary(place: Place, encoding: Encoding) -> None:
    """The payload passes untouched, whatever it is; the client's metadata does not."""
    other, talker = await joined(place), await joined(place, ack=True)
    push = BinaryPush("realtime:a", "e", b"\x00{oops\xff", encoding, "7", "1", {"k": "v"})
    await talker.socket.send(encode_binary(push))
    assert await other.hear() == BinaryBroadcast("realtime:a", "e", b"\x00{oops\xff", encoding)
    assert (await talker.hear_event("phx_reply")).ref == "7"


async def test_a_binary_push_of_json_reaches_version_one_as_text(place: Place) -> None:
    """JSON is spliced into a text message; other bytes do not reach version 1.0.0."""
    other, talker = await joined(place, Version.V1), await joined(place)
    await talker.socket.send(encode_binary(BinaryPush("realtime:a", "e", b"\xff", Encoding.BINARY)))
    await talker.socket.send(encode_binary(BinaryPush("realtime:a", "e", b'{"a": 1}', Encoding.JSON)))
    assert (await other.hear_event("broadcast")).payload == MESSAGE | {"payload": {"a": 1}}


async def test_json_that_is_not_utf8_stays_away_from_version_one(place: Place) -> None:
    """As text it would end the receivers' connections; version 2.0.0 gets the bytes."""
    first, second, talker = await joined(place, Version.V1), await joined(place), await joined(place)
    await talker.socket.send(encode_binary(BinaryPush("realtime:a", "e", b'"\xff"', Encoding.JSON)))
    assert await second.hear() == BinaryBroadcast("realtime:a", "e", b'"\xff"', Encoding.JSON)
    await first.hear_nothing()


async def test_phoenix_own_binary_push_is_passed_on(place: Place) -> None:
    """Kind 0 becomes kind 2; version 1.0.0 gets the genuine server's broken text for it."""
    second, first, talker = await joined(place), await joined(place, Version.V1), await joined(place)
    await talker.socket.send(encode_binary(Frame("realtime:a", "broadcast", b"\x01\x02", "2", "1")))
    assert await second.hear() == Frame("realtime:a", "broadcast", b"\x01\x02")
    text = await first.socket.recv()
    assert '"payload":%{error: "unable to parse response"}' in str(text)


async def test_a_binary_push_without_a_join_is_unmatched(place: Place) -> None:
    """It is answered as text."""
    talker = await place.talker()
    await talker.socket.send(encode_binary(BinaryPush("realtime:a", "e", b"", Encoding.BINARY, "7", "1")))
    reply = await talker.hear_event("phx_reply")
    assert (reply.ref, reply.join_ref, reply.payload["response"]) == ("7", None, {"reason": "unmatched topic"})


async def test_version_one_passes_binary_over(place: Place) -> None:
    """A binary frame on a socket of version 1.0.0 is no message."""
    talker = await joined(place, Version.V1, ack=True)
    await talker.socket.send(encode_binary(BinaryPush("realtime:a", "e", b"", Encoding.BINARY, "7", "1")))
    await talker.hear_nothing()


async def test_a_payload_over_the_limit_is_dropped(serve: Serve) -> None:
    """Nobody gets it, and with `ack` the sender is told."""
    place = await serve(limits=Limits(payload_bytes=1000))
    other, talker = await joined(place), await joined(place, ack=True)
    ref = await talker.broadcast("a", "e", "x" * 1000)
    reply = await talker.hear_event("phx_reply")
    assert (reply.ref, reply.payload["status"]) == (ref, "error")
    await other.hear_nothing()


async def test_order_is_kept(place: Place) -> None:
    """A receiver gets one sender's broadcasts in the order in which they were sent, none twice."""
    other, talker = await joined(place), await joined(place)
    for number in range(500):
        await talker.broadcast("a", "e", number)
    numbers = [(await other.hear_event("broadcast")).payload["payload"] for _ in range(500)]
    assert numbers == list(range(500))


async def test_too_many_messages_close_the_receivers_channel(serve: Serve) -> None:
    """The receiver is told and its channel closed; its socket and the sender, who receives nothing, go on."""
    place = await serve(limits=Limits(events_per_s=50), rate_tick_s=0.05)
    other, talker = await joined(place), await joined(place, ack=True)
    received = 0
    while True:
        assert (await talker.ask("realtime:a", "broadcast", MESSAGE)) == OK
        message = await other.hear()
        assert isinstance(message, Frame)
        if message.event != "broadcast":
            break
        received += 1
        assert received < 100_000
    assert message.payload["message"] == "Too many messages per second"
    assert message.payload["status"] == "error"
    closed = await other.hear_event("phx_close")
    assert (closed.ref, closed.join_ref) == ("1", "1")
    await other.hear_nothing()
    assert (await talker.ask("realtime:a", "broadcast", MESSAGE)) == OK
