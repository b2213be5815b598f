"""Sockets: when they end, when they come back, and what can be set about them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from helpers.lab import Lab, LabSettings
from tests.official.clients import Binding, Status, eventually
from tests.official.conftest import SETTINGS, Connect, ConnectJavaScript, ConnectPython
from tests.official.javascript_client import JavaScriptClient, NodeProcess
from tests.official.python_client import PythonClient

#: What the Python client brings upon itself.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed.(code|reason) is deprecated:DeprecationWarning")

Disconnect = Callable[[], Awaitable[None]]


@pytest_asyncio.fixture
async def disconnect(lab: Lab) -> Disconnect:
    """Lets the operator disconnect everybody."""

    async def post() -> None:
        url = f"{lab.info['api_url']}/realtime/v1/api/tenants/lab/reload"
        headers = {"Authorization": f"Bearer {lab.info['service_role_key']}"}
        async with httpx.AsyncClient() as http:
            assert (await http.post(url, headers=headers)).status_code == 204

    return post


#: Options with which a client comes back at once; by themselves both wait a second or more.
QUICK: dict[str, dict[str, Any]] = {"python": {"initial_backoff": 0.02}, "javascript": {"reconnectAfterMs": 20}}


@pytest.fixture(params=QUICK)
def persistent(request: pytest.FixtureRequest, python: ConnectPython, javascript: ConnectJavaScript) -> Connect:
    """Makes clients of either kind that come back at once."""
    connect: Connect = {"python": python, "javascript": javascript}[request.param]
    return partial(connect, **QUICK[request.param])


async def test_operator_disconnects(
    persistent: Connect,
    disconnect: Disconnect,
    lab: Lab,
    owner: psycopg.AsyncConnection,
    room: int,
) -> None:
    """A disconnected client comes back by itself, and all its channels go on, private ones too."""
    client = await persistent(token=lab.token())
    binding = Binding(table="items", filter=f"room=eq.{room}")
    changes = await (await client.channel("changes", changes=[binding])).ready()
    private = await (await client.channel(f"chat:{room}", private=True, broadcast={"self": True})).joined()
    await disconnect()
    for channel in (changes, private):
        await channel.until("status", Status("SUBSCRIBED"))
    while (await changes.next("system"))["message"] != "Subscribed to PostgreSQL":
        pass
    await owner.execute("insert into items (room, number) values (%s, 1)", (room,))
    assert (await changes.next("change")).new["number"] == 1
    await private.send("back", {})
    assert (await private.next("broadcast"))["event"] == "back"


async def test_statuses_of_a_disconnect(persistent: Connect, disconnect: Disconnect, topic: str) -> None:
    """The status callback hears of the error with the close code, and of the return."""
    channel = await (await (await persistent()).channel(topic)).joined()
    await disconnect()
    state, message = await channel.next("status")
    assert state == "CHANNEL_ERROR"
    assert "1012" in message
    assert await channel.next("status") == Status("SUBSCRIBED")


async def test_message_of_a_disconnect(javascript: ConnectJavaScript, disconnect: Disconnect, topic: str) -> None:
    """The JavaScript client hears the operator's message; the Python client misses in it a channel's name."""
    channel = await (await (await javascript(**QUICK["javascript"])).channel(topic)).joined()
    await disconnect()
    message = {"message": "Server requested disconnect", "status": "ok", "extension": "system"}
    assert await channel.next("system") == message


async def test_without_coming_back(python: ConnectPython, disconnect: Disconnect, topic: str) -> None:
    """The Python client stays away with `auto_reconnect=False`."""
    client = await python(auto_reconnect=False)
    channel = await (await client.channel(topic)).joined()
    await disconnect()
    assert (await channel.next("status")).state == "CHANNEL_ERROR"
    await eventually(client.is_connected, False)
    assert channel.is_quiet("status")


async def test_restart(node: NodeProcess, place: Path, room: int) -> None:
    """When a lab with a folder of its own ends and comes again, clients of both kinds find it by themselves."""
    first = await Lab.start(LabSettings(data_dir=place, realtime=SETTINGS.realtime))
    url, key = first.info["api_url"], first.info["publishable_key"]
    python = await PythonClient.start(url, key, initial_backoff=0.2, max_retries=50)
    javascript = await JavaScriptClient.start(node, url, key, reconnectAfterMs=100)
    channels = [await (await client.channel(f"room {room}")).joined() for client in (python, javascript)]
    await first.stop()
    for channel in channels:
        assert (await channel.next("status")).state == "CHANNEL_ERROR"
    port = int(url.rpartition(":")[2])
    async with Lab(LabSettings(data_dir=place, port=port, realtime=SETTINGS.realtime)):
        for channel in channels:
            await channel.until("status", Status("SUBSCRIBED"))
        await channels[0].send("back", {})
        assert (await channels[1].next("broadcast"))["event"] == "back"
        await python.stop()
        await javascript.stop()


@pytest.mark.parametrize("vsn", ["1.0.0", "2.0.0"])
async def test_heartbeats(javascript: ConnectJavaScript, topic: str, vsn: str) -> None:
    """The JavaScript client's callback is told of each heartbeat that is sent and of its answer's latency."""
    client = await javascript(heartbeatIntervalMs=50, heartbeatCallback=True, vsn=vsn)
    await (await client.channel(topic)).joined()
    told = [await client.told("heartbeat") for _ in range(4)]
    assert [status for status, *_ in told] == ["sent", "ok"] * 2
    assert all(0 <= latency < 1000 for status, *rest in told if status == "ok" for latency in rest)


async def test_heartbeats_of_a_worker(javascript: ConnectJavaScript, topic: str) -> None:
    """With `worker` a thread of its own sets the pace of the heartbeats."""
    client = await javascript(heartbeatIntervalMs=50, worker=True)
    await client.ask("onHeartbeat")
    await (await client.channel(topic)).joined()
    assert [(await client.told("heartbeat"))[0] for _ in range(4)] == ["sent", "ok"] * 2


async def test_logger_and_parameters(javascript: ConnectJavaScript, topic: str) -> None:
    """Parameters of one's own and the log level go into the address; the logger is told what is said."""
    client = await javascript(logger=True, logLevel="info", params={"shard": "7"})
    channel = await (await client.channel(topic, broadcast={"self": True})).joined()
    address = str(await client.realtime("endpointURL"))
    assert all(part in address for part in ("shard=7", "log_level=info", "vsn=2.0.0", "apikey="))
    await channel.send("heard", {})
    await channel.next("broadcast")
    logged: set[str] = set()
    while not {"push", "receive", "transport"} <= logged:
        logged.add((await client.told("log"))[0])


async def test_parameters_of_the_python_client(python: ConnectPython, topic: str) -> None:
    """Parameters of one's own go into the address beside the key and the version, which the client sets."""
    client = await python(params={"log_level": "info", "shard": "7"})
    await (await client.channel(topic)).joined()
    address = client.official.realtime.endpoint_url()
    assert all(part in address for part in ("shard=7", "log_level=info", "vsn=1.0.0", "apikey="))


async def test_parts_of_ones_own(javascript: ConnectJavaScript, topic: str) -> None:
    """A transport, an encoder, a decoder and a fetch of one's own are used in place of the client's."""
    own: dict[str, Any] = {"vsn": "1.0.0", "encode": True, "decode": True, "fetch": True, "transport": "ws"}
    client = await javascript(**own)
    channel = await client.channel(topic)
    await channel.http_send("early", {})
    assert "/realtime/v1/api/broadcast/" in (await client.told("fetch"))[0]
    await channel.joined()
    assert await client.told("encode") == ["phx_join"]
    assert (await client.told("decode"))[0] > 0


async def test_leaving_the_last_channel(javascript: ConnectJavaScript, topic: str) -> None:
    """A client without channels closes its socket, after a time that can be set, and opens it for the next one."""
    client = await javascript(disconnectOnEmptyChannelsAfterMs=0)
    await client.remove(await (await client.channel(topic)).joined())
    await eventually(client.is_connected, False)
    await (await client.channel(topic)).joined()
    assert await client.is_connected()


async def test_many_channels(connect: Connect, topic: str) -> None:
    """A client's hundredth channel is its last: the next one is refused, the others stay."""
    client = await connect()
    channels = [await client.channel(f"{topic}/{number}") for number in range(101)]
    states = await asyncio.gather(*(channel.subscribe() for channel in channels))
    refused = [status for status in states if status != Status("SUBSCRIBED")]
    assert [status.state for status in refused] == ["CHANNEL_ERROR"]
    assert "ChannelRateLimitReached: Too many channels" in refused[0].message
