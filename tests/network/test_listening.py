"""Where a network listens, and that nothing stays when it ends."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import psutil
import pytest

from helpers.client import RealtimeClient
from helpers.lab.network import BLACK_HOLE, DOWN, PERFECT, Ending, Family, has_ipv6, network
from helpers.target import Target
from tests.network.echo import connected

v6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


def refused(family: socket.AddressFamily, address: str, port: int) -> bool:
    with socket.socket(family) as sock:
        return sock.connect_ex((address, port)) != 0


@v6
async def test_on_ipv6_alone(target: Target) -> None:
    """Realtime is reached at ::1, and 127.0.0.1 refuses."""
    async with network(target, family=Family.V6) as via, RealtimeClient(via.target) as client:
        assert await client.heartbeat() > 0
        port = urlsplit(via.target.api_url).port or 0
        assert via.target.api_url == f"http://[::1]:{port}"
        assert refused(socket.AF_INET, "127.0.0.1", port)


@v6
async def test_on_both_families_at_one_port(target: Target) -> None:
    """Both addresses lead to the lab, and both refuse when the network is down."""
    async with network(target, family=Family.BOTH) as via:
        port = urlsplit(via.target.api_url).port or 0
        assert via.target.api_url == f"http://localhost:{port}"
        for conditions, is_refused in ((PERFECT, False), (DOWN, True), (PERFECT, False)):
            via.set(conditions)
            assert refused(socket.AF_INET, "127.0.0.1", port) is is_refused
            assert refused(socket.AF_INET6, "::1", port) is is_refused


async def test_it_listens_on_loopback_alone(target: Target) -> None:
    """No other machine can reach what is a door to the lab."""
    async with network(target) as via:
        port = urlsplit(via.target.api_url).port
        listening = [
            c for c in psutil.Process().net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port
        ]
        assert [c.laddr.ip for c in listening] == ["127.0.0.1"]


@pytest.mark.parametrize("moment", ["open", "held", "half-open", "down"])
async def test_nothing_stays_when_it_ends(echoing: Target, moment: str) -> None:
    """However its connections stand, the end of the block ends them, the port and every task."""
    before = asyncio.all_tasks()
    async with network(echoing) as via, connected(via.target) as (reader, writer):
        writer.write(b"hello")
        await reader.readexactly(5)
        match moment:
            case "held":
                via.set(BLACK_HOLE)
                writer.write(b"held back")
            case "half-open":
                via.cut(Ending.CLIENT_GONE)
                await reader.read()
            case "down":
                via.set(DOWN)
        await via.stop()
        assert via.open_connections == 0
    assert {task for task in asyncio.all_tasks() - before if "helpers/lab/network" in repr(task)} == set()
    assert refused(socket.AF_INET, "127.0.0.1", urlsplit(via.target.api_url).port or 0)


async def test_an_interrupted_block_leaves_nothing(target: Target) -> None:
    """Ctrl-C cancels the task in which the block runs: the network goes with it, and the client sees the end."""
    inside: asyncio.Future[Target] = asyncio.get_running_loop().create_future()

    async def block() -> None:
        async with network(target, BLACK_HOLE) as via:
            inside.set_result(via.target)
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    via_target = await inside
    async with connected(via_target) as (reader, _):
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises((ConnectionResetError, EOFError)):
            await reader.readexactly(1)
