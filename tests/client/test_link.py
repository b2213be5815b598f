"""What a server may do to a WebSocket that the lab does not do: fragments, closing codes, noise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.utils import accept_key

from helpers.client import ClientState, RealtimeClient
from helpers.errors import ConnectionFailed
from helpers.target import Target
from helpers.wire.events import Broadcast
from helpers.wire.frames import BinaryBroadcast, Version, encode

JOINED = '["1","1","realtime:room","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]'
HELLO = '[null,null,"realtime:room","broadcast",{"type":"broadcast","event":"hello","payload":{"text":"é😀"}}]'


@asynccontextmanager
async def serving(target: Target, answer: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[Target]:
    """A server that reads one message and then does what `answer` does, until the client is gone."""

    async def handle(connection: ServerConnection) -> None:
        await connection.recv()
        await answer(connection)
        await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield replace(target, api_url=f"http://127.0.0.1:{port}")


async def test_a_message_in_fragments_is_one_message(target: Target) -> None:
    """Text and binary, cut anywhere, also inside a character."""
    binary = encode(BinaryBroadcast("realtime:room", "bytes", bytes(range(100))), Version.V2)
    assert isinstance(binary, bytes)

    async def answer(connection: ServerConnection) -> None:
        await connection.send(JOINED)
        await connection.send((HELLO.encode()[i : i + 7] for i in range(0, len(HELLO.encode()), 7)), text=True)
        await connection.send(binary[i : i + 7] for i in range(0, len(binary), 7))

    async with serving(target, answer) as there, RealtimeClient(there) as client:
        channel = client.channel("room")
        await channel.subscribe()
        events = channel.events()
        text, raw = [await asyncio.wait_for(anext(events), 30) for _ in range(2)]
    assert isinstance(text, Broadcast) and isinstance(raw, Broadcast)
    assert (text.payload, text.size_bytes) == ({"text": "é😀"}, len(HELLO.encode()))
    assert raw.payload == bytes(range(100))
    assert client.counters.frames_in == 3


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (1000, "", "code 1000, after 66 s without any traffic"),
        (1001, "", "code 1001, after too many joins"),
        (1012, "", "code 1012, because it restarts"),
        (4000, "", "code 4000"),
        (4000, "maintenance", "code 4000, maintenance"),
    ],
)
async def test_a_closing_code_is_put_into_words(target: Target, code: int, reason: str, words: str) -> None:
    """A server that closes is not a network that breaks."""

    async def answer(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with serving(target, answer) as there, RealtimeClient(there) as client:
        with pytest.raises(ConnectionFailed, match="the server closed the connection with " + words):
            await client.channel("room").subscribe()
        assert (client.state, client.close_code) == (ClientState.LOST, code)


async def test_noise_is_counted_and_passed_over(target: Target) -> None:
    """Malformed messages, those of other topics, and those of an earlier join, harm nobody."""
    stale = '["0","0","realtime:room","phx_close",{}]'
    noise: list[str | bytes] = ["{", b"\x09", '[null,null,["t"],"e",{}]', '[null,null,"realtime:other","e",{}]', stale]

    async def answer(connection: ServerConnection) -> None:
        for message in (*noise, JOINED, HELLO):
            await connection.send(message)

    async with serving(target, answer) as there, RealtimeClient(there) as client:
        channel = client.channel("room")
        await channel.subscribe()
        assert isinstance(await asyncio.wait_for(anext(channel.events()), 30), Broadcast)
    counters = client.counters
    assert (counters.malformed, counters.unmatched, counters.stale) == (2, 2, 1)


async def test_a_server_that_closes_as_soon_as_it_has_granted(target: Target) -> None:
    """Upgrade and close frame in one packet: the client is lost, not open."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split(": ")[1] for line in head.decode().split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        granted = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + granted.encode() + b"\x88\x02\x03\xf4")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    there = replace(target, api_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with RealtimeClient(there) as client:
        await asyncio.wait_for(client.wait_closed(), 30)
        assert (client.state, client.close_code) == (ClientState.LOST, 1012)
        with pytest.raises(ConnectionFailed, match="code 1012"):
            await client.heartbeat()
    server.close()


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100_000])
async def test_messages_are_whole_wherever_reads_cut_them(target: Target, cut: int) -> None:
    """From the handshake's last bytes on, at every length a header can tell, with a ping and a fragment between."""
    sizes = (0, 125 - 40, 126, 65_535, 65_536)
    bodies = [_server_frame(0x81, (HELLO + " " * size).encode()) for size in sizes]
    between = _server_frame(0x89, b"ping") + _server_frame(0x01, HELLO[:9].encode())
    frames = b"".join(bodies) + between + _server_frame(0x80, HELLO[9:].encode())

    async def serve_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        sent = f"{answer}Sec-WebSocket-Accept: {accept_key(key.decode())}\r\n\r\n".encode() + frames
        writer.write(sent[:-5000])
        for begin in range(len(sent) - 5000, len(sent), cut):
            writer.write(sent[begin : begin + cut])
            await asyncio.sleep(0)
        pong = await reader.readexactly(10)
        writer.write(_server_frame(0x88, b"\x03\xe8") if pong[0] == 0x8A else b"")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve_bytes, "127.0.0.1", 0) as server:
        there = replace(target, api_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with RealtimeClient(there) as client:
            await asyncio.wait_for(client.wait_closed(), 30)
    assert (client.counters.frames_in, client.counters.unmatched, client.counters.malformed) == (6, 6, 0)
    assert client.counters.bytes_in == 6 * len(HELLO.encode()) + sum(sizes)
    assert client.close_code == 1000


def _server_frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    long = size > 65_535
    return bytes((first, 127 if long else 126)) + size.to_bytes(8 if long else 2, "big") + payload
