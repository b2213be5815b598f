"""A client may leave what comes in its socket for a while, and loses nothing by it."""

from __future__ import annotations

import asyncio

from helpers.client import ClientState, RealtimeClient
from helpers.target import Target
from helpers.wire.frames import Encoding, encode_json
from helpers.wire.join import JoinConfig

LIMIT_S = 30.0


async def test_nothing_comes_while_reading_is_paused_and_everything_after(target: Target) -> None:
    """A heartbeat of the other client shows that the server is done; then the messages wait in the socket."""
    async with RealtimeClient(target) as sender, RealtimeClient(target) as receiver:
        sending, receiving = sender.channel("test:pause", JoinConfig()), receiver.channel("test:pause", JoinConfig())
        await sending.subscribe()
        await receiving.subscribe()
        receiver.pause_reading()
        frames = receiver.counters.frames_in
        for number in range(5):
            await sending.broadcast("n", {"number": number})
        await sender.heartbeat()
        assert receiver.counters.frames_in == frames
        receiver.resume_reading()
        events = receiving.events()
        async with asyncio.timeout(LIMIT_S):
            assert [(await anext(events)).payload for _ in range(5)] == [{"number": number} for number in range(5)]


async def test_a_paused_client_can_be_closed(target: Target) -> None:
    """At once: the server's part of the closing handshake is read all the same. Before and after, pausing is fine."""
    client = RealtimeClient(target)
    client.pause_reading()
    assert client.tcp_socket is None
    async with client:
        assert client.tcp_socket is not None
        client.pause_reading()
        async with asyncio.timeout(5.0):
            await client.close()
    assert client.state is ClientState.CLOSED
    client.resume_reading()


async def test_bytes_may_say_that_they_are_json(target: Target) -> None:
    """As the vendor's JavaScript client sends: they reach others as the value that they hold."""
    async with RealtimeClient(target) as sender, RealtimeClient(target) as receiver:
        sending, receiving = sender.channel("test:json", JoinConfig()), receiver.channel("test:json", JoinConfig())
        await sending.subscribe()
        await receiving.subscribe()
        await sending.broadcast("n", encode_json({"a": [1, None]}), encoding=Encoding.JSON)
        await sending.broadcast("n", b"\x00\x01")
        events = receiving.events()
        async with asyncio.timeout(LIMIT_S):
            assert (await anext(events)).payload == {"a": [1, None]}
            assert (await anext(events)).payload == b"\x00\x01"
