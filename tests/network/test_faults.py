"""Real clients of the real lab, and what each fault looks like to them."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from helpers.client import ClientState, RealtimeClient
from helpers.errors import ConnectionFailed
from helpers.lab.network import (
    BAD_GATEWAY,
    BLACK_HOLE,
    CAPTIVE_PAGE,
    CAPTIVE_REDIRECT,
    DOWN,
    PERFECT,
    PROXY_PASSWORD,
    STRIPPED_UPGRADE,
    UNAVAILABLE,
    Conditions,
    Ending,
    Lifetime,
    network,
)
from helpers.target import Target
from tests.network.echo import LIMIT_S, connected, until


async def test_nothing_is_between_when_nothing_is_set(target: Target) -> None:
    """A client that goes through a network without conditions is served as ever, and its bytes are counted."""
    async with network(target) as via, RealtimeClient(via.target) as client:
        assert await client.heartbeat() > 0
        assert via.open_connections == 1
        assert via.counters.bytes_to_client >= client.counters.wire_bytes_in > 0


@pytest.mark.parametrize("ending", [Ending.RESET, Ending.CLOSE])
async def test_a_cut_is_seen_at_once(target: Target, ending: Ending) -> None:
    """A reset and a close end the connection without the handshake of a WebSocket; the next one is accepted."""
    async with network(target) as via:
        async with RealtimeClient(via.target) as client:
            assert via.cut(ending) == 1
            async with asyncio.timeout(LIMIT_S):
                await client.wait_closed()
            assert client.state is ClientState.LOST
            assert client.close_code in (None, 1006)
        async with RealtimeClient(via.target) as client:
            await client.heartbeat()
        assert via.counters.taken == 1


async def test_a_reset_is_a_reset(target: Target) -> None:
    """On the socket it is ECONNRESET and not an end."""
    async with network(target) as via, connected(via.target) as (reader, _):
        await until(lambda: via.open_connections == 1)
        via.cut(Ending.RESET)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)


async def test_a_half_open_connection_is_found_by_its_heartbeat_alone(target: Target) -> None:
    """The server has gone and nobody says so: the connection stays open, and a heartbeat is not answered."""
    async with network(target) as via, RealtimeClient(via.target, timeout_s=0.3) as client:
        await client.heartbeat()
        via.cut(Ending.SERVER_GONE)
        await asyncio.sleep(0.1)
        assert client.state is ClientState.OPEN
        with pytest.raises(ConnectionFailed, match="a heartbeat was not answered"):
            await client.heartbeat()
        assert client.state is ClientState.DEAD


async def test_a_client_that_is_gone_leaves_its_server_in_the_dark(echoing: Target) -> None:
    """The client's end is over at once, and the server's stays open until the server gives up."""
    async with network(echoing) as via, connected(via.target) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        via.cut(Ending.CLIENT_GONE)
        assert await reader.read(1) == b""
        assert via.open_connections == 1


async def test_in_a_black_hole_nothing_answers(target: Target) -> None:
    """The address accepts, and that is all; when the hole is lifted clients come through again."""
    async with network(target, BLACK_HOLE) as via:
        with pytest.raises(ConnectionFailed, match=r"nothing answered within 0\.3 s"):
            await RealtimeClient(via.target, timeout_s=0.3).connect()
        via.set(PERFECT)
        async with RealtimeClient(via.target) as client:
            await client.heartbeat()


async def test_a_black_hole_swallows_from_a_moment_on(target: Target) -> None:
    """An open connection falls silent; what it had sent is answered when the hole is lifted in time."""
    async with network(target) as via, RealtimeClient(via.target, timeout_s=LIMIT_S) as client:
        via.set(BLACK_HOLE)
        waiting = asyncio.create_task(client.heartbeat())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        via.set(PERFECT)
        assert await waiting >= 200


async def test_a_server_that_is_down_refuses_and_keeps_its_port(target: Target) -> None:
    """Open connections are reset, new ones refused, and it comes up again at the same address, time and again."""
    async with network(target) as via:
        for _ in range(3):
            async with RealtimeClient(via.target) as client:
                via.set(DOWN)
                async with asyncio.timeout(LIMIT_S):
                    await client.wait_closed()
            with pytest.raises(ConnectionFailed, match="no connection could be made"):
                await RealtimeClient(via.target).connect()
            via.set(PERFECT)


async def test_what_is_behind_may_be_down(target: Target) -> None:
    """A network whose target refuses resets its clients, and counts them."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        nobody = replace(target, api_url=f"http://127.0.0.1:{held.getsockname()[1]}")
        async with network(nobody) as via:
            with pytest.raises(ConnectionFailed):
                await RealtimeClient(via.target).connect()
            assert via.counters.unreachable == 1


async def test_an_idle_connection_is_closed_and_one_with_traffic_is_not(target: Target) -> None:
    """As a load balancer does it: silence is what counts, not age."""
    async with network(target, Conditions(lifetime=Lifetime(idle_s=0.6))) as via:
        async with RealtimeClient(via.target, heartbeat_s=0.1) as lively, RealtimeClient(via.target) as silent:
            async with asyncio.timeout(LIMIT_S):
                await silent.wait_closed()
            assert silent.state is ClientState.LOST
            assert lively.state is ClientState.OPEN
        assert via.counters.taken == 1


async def test_a_connection_may_have_an_age(target: Target) -> None:
    """Traffic does not help against a limit to a connection's age."""
    aged = Conditions(lifetime=Lifetime(age_s=0.3, ending=Ending.RESET))
    async with network(target, aged) as via, RealtimeClient(via.target, heartbeat_s=0.05) as client:
        async with asyncio.timeout(LIMIT_S):
            await client.wait_closed()
        assert client.state is ClientState.LOST


@pytest.mark.parametrize(
    ("conditions", "status"),
    [(PROXY_PASSWORD, 407), (CAPTIVE_PAGE, 200), (BAD_GATEWAY, 502), (UNAVAILABLE, 503)],
    ids=lambda value: str(value),
)
async def test_something_in_between_answers(target: Target, conditions: Conditions, status: int) -> None:
    """A client sees the status that the thing in between gives, and the server sees nothing."""
    async with network(target, conditions) as via:
        with pytest.raises(ConnectionFailed) as refused:
            await RealtimeClient(via.target).connect()
        assert refused.value.status == status
        assert (via.counters.answered, via.counters.bytes_to_server) == (1, 0)


async def test_a_captive_portal_may_redirect(target: Target) -> None:
    """The answer is a 302 to a page of the portal's own, with a body, and then the end."""
    async with network(target, CAPTIVE_REDIRECT) as via, connected(via.target) as (reader, writer):
        writer.write(b"GET /realtime/v1/websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
        answer = await reader.read(-1)
        assert answer.startswith(b"HTTP/1.1 302 Found\r\nLocation: http://")
        assert answer.endswith(b"</form>")


async def test_without_upgrade_the_server_gets_a_plain_request(target: Target) -> None:
    """The proxy passes the request on without `Upgrade`, so that the answer is the server's own, and no 101."""
    async with network(target, STRIPPED_UPGRADE) as via:
        with pytest.raises(ConnectionFailed) as refused:
            await RealtimeClient(via.target).connect()
        assert refused.value.status == 400
        assert via.counters.answered == 0
        assert via.counters.bytes_to_server > 0
