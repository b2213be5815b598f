"""Reading from sockets: one buffer for all of them, and no client that takes more than its turn."""

from __future__ import annotations

import asyncio

from tests.realtime.talker import Place, Talker

_SHORT = b'["1","9","realtime:room","noise",{}]'  # passed over without an answer
_MASKED = 0x80


async def test_a_flood_of_short_frames_swells_nothing(place: Place) -> None:
    """However much comes at once, the server keeps no larger buffer for that connection than before."""
    client = await place.talker()
    await client.join("room")
    before = _parser_bytes(place)
    client.socket.transport.write((bytes((0x81, _MASKED | len(_SHORT), 0, 0, 0, 0)) + _SHORT) * 20_000)
    await client.hear_nothing()
    assert _parser_bytes(place) == before


async def test_long_messages_do_not_mix(place: Place) -> None:
    """Messages of several reads each, from several clients at a time, arrive as they were sent."""
    listener = await place.talker()
    await listener.join("room")
    senders = [await place.talker() for _ in range(3)]
    for sender in senders:
        await sender.join("room")
    bodies = [str(number) * 300_000 for number in range(len(senders))]
    await asyncio.gather(*map(_send, senders, bodies))
    heard = [(await listener.hear_event("broadcast")).payload["payload"] for _ in senders]
    assert sorted(heard) == bodies


async def _send(sender: Talker, body: str) -> None:
    await sender.broadcast("room", "long", body)


def _parser_bytes(place: Place) -> int:
    """The room in the parser's buffer of the only connection."""
    (socket,) = place.server.hub.sockets
    reader = socket._transport.underlying_transport.get_protocol()
    return len(reader._parser.get_buffer(0))  # type: ignore[union-attr]
