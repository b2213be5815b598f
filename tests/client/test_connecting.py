"""Connecting, refusals, and how a connection ends."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helpers.client import ClientState, RealtimeClient
from helpers.errors import ConnectionFailed, InputError, JoinFailed
from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, Conditions, Lifetime, network
from helpers.target import Target
from helpers.wire.frames import Version
from helpers.wire.join import JoinConfig


async def refused(target: Target, timeout_s: float = 10.0) -> ConnectionFailed:
    """The error with which connecting fails."""
    with pytest.raises(ConnectionFailed) as caught:
        async with RealtimeClient(target, timeout_s=timeout_s):
            pass
    assert target.publishable_key not in str(caught.value) or not target.publishable_key
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("version", Version)
async def test_a_connection_opens_and_closes_without_a_trace(target: Target, version: Version) -> None:
    """It knows how long connecting took, and leaves no task behind."""
    before = asyncio.all_tasks()
    async with RealtimeClient(target, version=version) as client:
        assert client.state is ClientState.OPEN
        assert client.connect_ms > 0
        assert await client.heartbeat() > 0
    assert (client.state, client.close_code) == (ClientState.CLOSED, 1000)
    assert asyncio.all_tasks() == before


async def test_the_legacy_anon_key_connects_as_well(lab: Lab, target: Target) -> None:
    """Publishable keys and the older JWT keys are both in use."""
    async with RealtimeClient(replace(target, publishable_key=lab.info["anon_key"])) as client:
        assert client.state is ClientState.OPEN


async def test_a_wrong_key_is_refused_in_the_servers_words(target: Target) -> None:
    """Status, sentence and advice; the key itself is not repeated."""
    error = await refused(replace(target, publishable_key="eyJwrong.eyJwrong.wrong"))
    assert error.status == 401
    assert "The token provided is not a valid JWT" in error.happened
    assert "belongs to this project" in error.advice


async def test_an_expired_key_is_told_from_a_wrong_one(lab: Lab, target: Target) -> None:
    """The advice is another one: the clock, or a fresh token."""
    error = await refused(replace(target, publishable_key=lab.token("anon", lifetime_s=-60)))
    assert (error.status, "Token has expired" in error.happened) == (401, True)
    assert "clock" in error.advice


async def test_a_port_where_nothing_listens(target: Target) -> None:
    """The address is in the error, and what to check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = await refused(replace(target, api_url=url))
    assert url in error.tried
    assert "no connection could be made" in error.happened


async def test_a_name_that_nobody_knows(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The top-level domain .invalid never resolves (RFC 6761)."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    error = await refused(replace(target, api_url="http://no-such-project.invalid"), timeout_s=30)
    assert error.happened == "the name no-such-project.invalid is not known"


@asynccontextmanager
async def answering(data: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that is no Supabase: it answers every connection with `data`, or never if there is none."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if data:
            writer.write(data)
            writer.close()
        else:
            await reader.read()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (b"", None, "nothing answered within 0.5 s"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None, "does not speak WebSocket"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "HTTP status 200"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "HTTP status 404"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, "HTTP status 403"),
        (
            b'HTTP/1.1 429 Slow\r\nContent-Length: 36\r\n\r\n{"error":"Too many connected users"}',
            429,
            "connected users",
        ),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\n[[[[[", 500, "HTTP status 500"),
    ],
)
async def test_what_is_no_supabase_is_named(target: Target, answer: bytes, status: int | None, words: str) -> None:
    """Silence, another protocol, a web page, and refusals with and without a sentence."""
    async with answering(answer) as url:
        error = await refused(replace(target, api_url=url), timeout_s=0.5)
    assert (error.status, words in error.happened) == (status, True), str(error)
    assert error.advice


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem, secret = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "server.pem"
    private = key.private_bytes(pem, secret, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_a_certificate_that_is_not_trusted(target: Target, tmp_path: Path) -> None:
    """TLS fails by name, not as just another broken connection."""
    async with answering(b"", self_signed(tmp_path)) as url:
        error = await refused(replace(target, api_url=url))
    assert "the TLS connection failed" in error.happened
    assert "certificates" in error.advice


async def test_a_client_connects_once(target: Target) -> None:
    """A measurement starts with a new client, so that its counters are its own."""
    async with RealtimeClient(target) as client:
        with pytest.raises(InputError, match="this client is open"):
            await client.connect()
    with pytest.raises(InputError, match="this client is closed"):
        await client.connect()


async def test_nothing_is_sent_before_and_after(target: Target) -> None:
    """A client that is not open says so, and a channel on it stays closed."""
    client = RealtimeClient(target)
    channel = client.channel("room")
    with pytest.raises(ConnectionFailed, match="the connection is new"):
        await channel.subscribe()
    async with client:
        await channel.subscribe()
    with pytest.raises(ConnectionFailed, match="the connection is closed"):
        await client.heartbeat()
    with pytest.raises(JoinFailed, match="the channel is closed"):
        await channel.broadcast("e", {})


async def test_heartbeats_go_by_themselves(target: Target) -> None:
    """Each round trip is kept."""
    async with RealtimeClient(target, heartbeat_s=0.02) as client:
        async with asyncio.timeout(30):
            while len(client.round_trips_ms) < 3:  # noqa: ASYNC110 - heartbeats tell nobody of themselves
                await asyncio.sleep(0.02)
    assert all(round_trip > 0 for round_trip in client.round_trips_ms)
    assert client.counters.frames_in >= 3


async def test_a_dead_link_is_noticed(target: Target) -> None:
    """When a heartbeat is not answered, the connection is dead, waiters are told, and channels are errored."""
    async with network(target) as via:
        client = RealtimeClient(via.target, heartbeat_s=0.1, timeout_s=0.4)
        await client.connect()
        channel = client.channel("room", JoinConfig(broadcast_ack=True))
        await channel.subscribe()
        via.set(BLACK_HOLE)
        with pytest.raises(ConnectionFailed, match="a heartbeat was not answered within"):
            await channel.broadcast("lost", {})
        await asyncio.wait_for(client.wait_closed(), 30)
        assert client.state is ClientState.DEAD
        assert (channel.state, channel.reason) == ("errored", "a heartbeat was not answered within 0.4 s")
        await client.close()


async def test_a_link_that_breaks_is_lost(target: Target) -> None:
    """Readers of events, waiting pushes and later calls all hear the same reason."""
    async with network(target) as via, RealtimeClient(via.target) as client:
        channel = client.channel("room")
        await channel.subscribe()
        reading = asyncio.create_task(anext(channel.events()))
        await asyncio.sleep(0)
        via.cut()
        with pytest.raises(ConnectionFailed, match="broke off without a closing handshake"):
            await asyncio.wait_for(reading, 30)
        assert client.state is ClientState.LOST
        with pytest.raises(ConnectionFailed, match="broke off"):
            await client.heartbeat()
    assert client.state is ClientState.LOST


async def test_a_link_that_breaks_while_joining(target: Target) -> None:
    """Subscribing fails as a connection does, not as a refused join."""
    async with network(target) as via, RealtimeClient(via.target) as client:
        via.set(BLACK_HOLE)
        joining = asyncio.create_task(client.channel("room").subscribe())
        await asyncio.sleep(0.05)
        via.cut()
        with pytest.raises(ConnectionFailed, match="broke off"):
            await asyncio.wait_for(joining, 30)


async def test_a_push_that_is_stuck_in_the_socket_fails_once(target: Target) -> None:
    """The pusher hears of the lost link, and no exception is left that nobody took."""
    reported: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    async with network(target) as via, RealtimeClient(via.target) as client:
        channel = client.channel("stuck", JoinConfig(broadcast_ack=True))
        await channel.subscribe()
        via.set(BLACK_HOLE)
        pushing = asyncio.create_task(channel.broadcast("big", bytes(30_000_000)))
        await asyncio.sleep(0.1)
        via.cut()
        with pytest.raises(ConnectionFailed, match="broke off"):
            await asyncio.wait_for(pushing, 30)
    del pushing
    gc.collect()
    loop.set_exception_handler(None)
    assert reported == []


async def test_a_lost_connection_tells_its_silence(target: Target) -> None:
    """Seconds since the last frame in either direction: those of an idle limit, and none after traffic."""
    async with network(target, Conditions(lifetime=Lifetime(idle_s=0.4))) as via, RealtimeClient(via.target) as client:
        async with asyncio.timeout(30):
            await client.heartbeat()
            await client.wait_closed()
        assert client.silent_s >= 0.4
    async with network(target) as via, RealtimeClient(via.target) as client:
        await asyncio.sleep(0.3)
        await client.heartbeat()
        via.cut()
        async with asyncio.timeout(30):
            await client.wait_closed()
        assert client.silent_s < 0.3
