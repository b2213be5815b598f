"""A socket: heartbeats, messages that are none, silence, the ways in which it ends."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from websockets.frames import Close, Frame, Opcode

from helpers.lab.realtime.settings import Limits
from helpers.wire.frames import Version
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place, Talker

VERSIONS = pytest.mark.parametrize("version", list(Version))
UNMATCHED = {"status": "error", "response": {"reason": "unmatched topic"}}


@VERSIONS
@pytest.mark.parametrize("ref", ["1", "abc", None, 7])
async def test_a_heartbeat_is_answered_with_its_ref(place: Place, version: Version, ref: Any) -> None:
    """The reply repeats whatever ref the client gave."""
    talker = await place.talker(version=version)
    texts = {
        Version.V1: f'{{"topic":"phoenix","event":"heartbeat","payload":{{}},"ref":{_json(ref)}}}',
        Version.V2: f'[null,{_json(ref)},"phoenix","heartbeat",{{}}]',
    }
    await talker.socket.send(texts[version])
    reply = await talker.hear_event("phx_reply")
    assert (reply.topic, reply.ref, reply.payload) == ("phoenix", ref, {"status": "ok", "response": {}})


def _json(ref: Any) -> str:
    return "null" if ref is None else f'"{ref}"' if isinstance(ref, str) else str(ref)


@VERSIONS
@pytest.mark.parametrize(("topic", "event"), [("phoenix", "other"), ("realtime:a", "broadcast"), ("room", "phx_join")])
async def test_what_belongs_to_no_channel_is_unmatched(place: Place, version: Version, topic: str, event: str) -> None:
    """An event for a topic that is not joined, or cannot be, is answered with an error at once."""
    talker = await place.talker(version=version)
    assert await talker.ask(topic, event) == UNMATCHED


async def test_a_topic_that_is_no_string_is_echoed(place: Place) -> None:
    """The reply repeats the topic as it came."""
    talker = await place.talker()
    await talker.socket.send('[null,"1",5,"heartbeat",{}]')
    reply = await talker.hear_event("phx_reply")
    assert (reply.topic, reply.payload) == (5, UNMATCHED)


@VERSIONS
async def test_leaving_a_topic_that_is_not_joined_is_fine(place: Place, version: Version) -> None:
    """A leave is always answered ok."""
    talker = await place.talker(version=version)
    assert await talker.ask("realtime:a", "phx_leave") == {"status": "ok", "response": {}}


@VERSIONS
@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "",
        "5",
        "null",
        '"x"',
        '{"event":"heartbeat","payload":{},"ref":"1"}',
        '{"topic":"phoenix","event":"heartbeat","ref":"1"}',
        '["1","1","phoenix"]',
        '{"topic":"phoen',
        '[null,"1","phoenix","heartbeat",{}] x',
        b"hello",
        b"",
        b"\x03\xc8",
        b"\x02\x01\x01ab",
        b"\x04\x01\x01\x00\x01ab{}",
        "[" * 4000,
    ],
)
async def test_what_is_no_message_is_passed_over(place: Place, version: Version, message: str | bytes) -> None:
    """Nothing is answered, and the socket stays."""
    talker = await place.talker(version=version)
    await talker.socket.send(message)
    await talker.hear_nothing()


@VERSIONS
async def test_text_that_is_not_utf8_is_passed_over(place: Place, version: Version) -> None:
    """Neither answered nor passed on: a receiver would have to hang up."""
    talker, other = await place.talker(version=version), await place.talker()
    await other.join("a")
    await talker.join("a")
    bad = b'["1","2","realtime:a","broadcast",{"x":"\xff"}]'
    if version is Version.V1:
        bad = b'{"topic":"realtime:a","event":"broadcast","payload":{"x":"\xff"},"ref":"2"}'
    await talker.socket.send(bad, text=True)
    await talker.hear_nothing()
    await other.hear_nothing()


@VERSIONS
async def test_the_form_of_the_other_version_is_passed_over(place: Place, version: Version) -> None:
    """An array in version 1 and an object in version 2 are no messages."""
    talker = await place.talker(version=version)
    other = {
        Version.V1: '["1","1","phoenix","heartbeat",{}]',
        Version.V2: '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}',
    }
    await talker.socket.send(other[version])
    await talker.hear_nothing()


async def test_a_fragmented_message_is_put_together(place: Place) -> None:
    """A message may come in several WebSocket frames."""
    talker = await place.talker()
    await talker.socket.send(['[null,"1","phoe', 'nix","heart', 'beat",{}]'])
    assert (await talker.hear_event("phx_reply")).ref == "1"


async def test_a_ping_is_answered(place: Place) -> None:
    """WebSocket pings get their pong."""
    talker = await place.talker()
    async with asyncio.timeout(30):
        await (await talker.socket.ping(b"hi"))


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4000, 4999])
async def test_a_close_is_answered_with_its_code(place: Place, code: int) -> None:
    """The server repeats the code with which the client closes."""
    talker = await place.talker()
    await talker.socket.close(code)
    assert talker.socket.close_code == code


@pytest.mark.parametrize("pieces", [1, 10])
async def test_a_message_that_is_too_long_closes_the_socket(serve: Serve, pieces: int) -> None:
    """One over the limit, whole or in fragments, ends the connection with 1009."""
    place = await serve(limits=Limits(frame_bytes=50_000))
    talker = await place.talker()
    parts = ["x" * (60_000 // pieces)] * pieces
    await talker.socket.send(parts if pieces > 1 else parts[0])
    assert await talker.closed() == 1009


async def test_a_silent_socket_is_closed(serve: Serve) -> None:
    """After the idle time the server closes with 1000."""
    place = await serve(idle_timeout_s=0.22)
    talker = await place.talker()
    started = time.monotonic()
    assert await talker.closed() == 1000
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.TEXT])
async def test_any_traffic_keeps_a_socket_open(serve: Serve, opcode: Opcode) -> None:
    """Pings count as well as messages do."""
    place = await serve(idle_timeout_s=0.22)
    talker = await place.talker()
    for _ in range(10):
        await asyncio.sleep(0.05)
        talker.socket.transport.write(Frame(opcode, b"x").serialize(mask=True))
    await talker.hear_nothing()


async def test_a_socket_that_joins_nothing_is_closed(serve: Serve) -> None:
    """Heartbeats do not help it; it is closed with 1000 while one that has joined goes on."""
    place = await serve(no_channel_timeout_s=0.3)
    idle, user = await place.talker(), await place.talker()
    await user.join("a")
    await idle.hear_nothing()
    assert await idle.closed() == 1000
    await user.hear_nothing()


async def test_a_socket_that_has_left_everything_is_ended(serve: Serve) -> None:
    """The server looks now and then, and hangs up without a closing handshake."""
    place = await serve(no_channel_timeout_s=0.3)
    talker = await place.talker()
    await talker.join("a")
    await talker.ask("realtime:a", "phx_leave")
    await talker.hear_event("phx_close")
    assert await talker.closed() == 1006
    assert not place.server.hub.users


async def test_a_reader_that_does_not_read_is_cut_off(serve: Serve) -> None:
    """One client that reads nothing is closed when its buffer is full, while the others get everything."""
    place = await serve(write_buffer_bytes=100_000)
    sender, reader, slow = [await place.talker() for _ in range(3)]
    for talker in (sender, reader, slow):
        await talker.join("a")
    slow.socket.transport.pause_reading()
    count = 400
    for number in range(count):
        await sender.broadcast("a", "e", {"n": number, "x": "x" * 50_000})
        assert (await reader.hear_event("broadcast")).payload["payload"]["n"] == number
    assert len(place.server.hub.sockets) == 2
    slow.socket.transport.abort()


async def test_a_server_that_stops_closes_its_sockets(serve: Serve) -> None:
    """Those with a channel with 1012; those without are cut off a little later."""
    place = await serve()
    talker, idler = await place.talker(), await place.talker()
    await talker.join("a")
    await asyncio.gather(place.server.stop(), _closed_with(talker, 1012))
    assert await idler.closed() == 1006


async def test_an_operator_can_disconnect_everybody(place: Place) -> None:
    """Each channel is told, then the sockets are closed with 1012."""
    talker = await place.talker()
    await talker.join("a")
    place.server.disconnect_all()
    notice = await talker.hear_event("system")
    assert (notice.join_ref, notice.topic) == (None, "realtime:a")
    assert notice.payload == {"message": "Server requested disconnect", "status": "ok", "extension": "system"}
    await _closed_with(talker, 1012)


async def test_a_stop_does_not_wait_for_the_dead(serve: Serve) -> None:
    """A client that never answers a close is hung up on."""
    place = await serve()
    talker = await place.talker()
    talker.socket.transport.pause_reading()
    async with asyncio.timeout(5):
        await place.server.stop()
    talker.socket.transport.abort()


async def _closed_with(talker: Talker, code: int) -> None:
    assert await talker.closed() == code
    assert talker.socket.protocol.close_rcvd == Close(code, "")
