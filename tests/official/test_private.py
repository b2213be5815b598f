"""Private channels and replay, as the official clients use them."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import psycopg
import pytest

from helpers.lab import Lab
from tests.official.clients import Channel, ClientError, Status
from tests.official.conftest import Connect, ConnectJavaScript, ConnectPython
from tests.official.javascript_client import JavaScriptChannel


async def test_allowed(connect: Connect, lab: Lab, room: int) -> None:
    """Users whom the policies let read and write talk to each other, and are not heard in public."""
    topic = f"chat:{room}"
    sender, receiver = [
        await (await (await connect(token=lab.token())).channel(topic, private=True, broadcast={"ack": True})).joined()
        for _ in range(2)
    ]
    public = await (await (await connect()).channel(topic)).joined()
    assert await sender.send("secret", {"n": 1}) == "ok"
    assert (await receiver.next("broadcast"))["payload"] == {"n": 1}
    await (await (await connect()).channel(topic)).http_send("open", {"n": 2})
    assert (await public.next("broadcast"))["event"] == "open"
    assert receiver.is_quiet("broadcast")


async def test_refused(connect: Connect, room: int) -> None:
    """Whom no policy lets read is told so by the server, through the status callback."""
    channel = await (await connect()).channel(f"chat:{room}", private=True)
    state, message = await channel.subscribe()
    assert state == "CHANNEL_ERROR"
    assert f"Unauthorized: You do not have permissions to read from this Channel topic: chat:{room}" in message


async def test_read_only(connect: Connect, lab: Lab, owner: psycopg.AsyncConnection, room: int) -> None:
    """Without permission to write, broadcasts and presence of a client reach nobody; it hears the others."""
    topic = f"news:{room}"
    reader, other = [
        await (await (await connect(token=lab.token())).channel(topic, private=True, presence=True)).joined()
        for _ in range(2)
    ]
    assert await reader.send("unheard", {}) == "ok"  # sent, and dropped by the server
    with contextlib.suppress(ClientError):  # JavaScript tells that it is refused, Python does not
        await reader.track({"n": 1})
    await owner.execute("select realtime.send('{\"id\": 1}', 'heard', %s)", (topic,))
    for channel in (reader, other):
        assert (await channel.next("broadcast"))["event"] == "heard"
        assert await channel.presence_state() == {}


async def test_dropped_broadcast_is_not_acknowledged(javascript: ConnectJavaScript, lab: Lab, room: int) -> None:
    """A broadcast without permission gets no answer even with `ack`: the client's own limit ends the wait."""
    client = await javascript(token=lab.token(), timeout=500)
    channel = await (await client.channel(f"news:{room}", private=True, broadcast={"ack": True})).joined()
    assert await channel.send("unheard", {}) == "timed out"


async def test_over_http(connect: Connect, lab: Lab, room: int) -> None:
    """Over HTTP a broadcast to a private topic is delivered or refused as the policies say."""
    receiver = await (await (await connect(token=lab.token())).channel(f"chat:{room}", private=True)).joined()
    await (await (await connect(token=lab.token())).channel(f"chat:{room}", private=True)).http_send("in", {"n": 1})
    assert (await receiver.next("broadcast"))["payload"] == {"n": 1}
    with pytest.raises(ClientError, match="Unauthorized"):
        await (await (await connect()).channel(f"chat:{room}", private=True)).http_send("in", {"n": 2})
    assert receiver.is_quiet("broadcast")


async def written(owner: psycopg.AsyncConnection, topic: str, count: int) -> list[int]:
    """Broadcast from the database so often; returns when each was written, in Unix milliseconds."""
    times = []
    for number in range(count):
        await owner.execute("select pg_sleep(0.002)")  # so that no two are of one millisecond
        found = await owner.execute("select floor(extract(epoch from clock_timestamp()) * 1000)::bigint")
        times.append(((await found.fetchone()) or ())[0])
        await owner.execute("select realtime.send(jsonb_build_object('n', %s::int), 'past', %s)", (number, topic))
    return times


async def replayed(channel: Channel, count: int) -> list[Any]:
    """What the past messages hold, oldest first; each is marked."""
    messages = await channel.take("broadcast", count)
    assert all(message["meta"]["replayed"] is True and message["meta"]["id"] for message in messages)
    return [message["payload"]["n"] for message in messages]


async def test_replay(connect: Connect, lab: Lab, owner: psycopg.AsyncConnection, room: int) -> None:
    """A channel hears the newest messages since a time, 25 at most, each marked as replayed, and then what comes."""
    topic = f"chat:{room}"
    times = await written(owner, topic, 30)
    wishes = {(times[0], None): range(5, 30), (times[0], 3): range(27, 30), (times[28], 25): range(28, 30)}
    for (since, limit), expected in wishes.items():
        replay = {"since": since} | ({"limit": limit} if limit else {})
        channel = await (await connect(token=lab.token())).channel(topic, private=True, broadcast={"replay": replay})
        await channel.joined()
        assert sorted(await replayed(channel, len(expected))) == list(expected)
    await owner.execute("select realtime.send('{\"n\": 30}', 'now', %s)", (topic,))
    now = await channel.next("broadcast")
    assert (now["payload"]["n"], "replayed" in now.get("meta", {})) == (30, False)


async def test_replay_of_bytes(
    javascript: ConnectJavaScript, lab: Lab, owner: psycopg.AsyncConnection, room: int
) -> None:
    """Binary broadcasts of the past come as bytes, marked."""
    topic, since = f"chat:{room}", int(time.time() * 1000) - 1000
    await owner.execute("select realtime.send_binary('\\x00ff', 'past', %s)", (topic,))
    channel = await (await javascript(token=lab.token())).channel(
        topic, private=True, broadcast={"replay": {"since": since}}
    )
    message = await (await channel.joined()).next("broadcast")
    assert (message["payload"], message["meta"]["replayed"]) == (b"\x00\xff", True)


@pytest.mark.parametrize("replay", [{"since": 0, "limit": 26}, {"since": "yesterday"}])
async def test_refused_replay(connect: Connect, lab: Lab, room: int, replay: dict[str, Any]) -> None:
    """Replay with parameters that are none is refused."""
    channel = await (await connect(token=lab.token())).channel(
        f"chat:{room}", private=True, broadcast={"replay": replay}
    )
    state, message = await channel.subscribe()
    assert state == "CHANNEL_ERROR"
    assert "UnableToReplayMessages: Replay params are not valid" in message


async def test_replay_in_public(python: ConnectPython, javascript: ConnectJavaScript, topic: str) -> None:
    """Replay on a public channel is refused, to JavaScript by the client and to Python by the server."""
    wish: dict[str, Any] = {"broadcast": {"replay": {"since": 0}}}
    with pytest.raises(ClientError, match="It must be a private channel"):
        await (await javascript()).channel(topic, **wish)
    state, message = await (await (await python()).channel(topic, **wish)).subscribe()
    assert state == "CHANNEL_ERROR"
    assert "UnableToReplayMessages: Replay is not allowed for public channels" in message


async def test_storing_broadcasts(javascript: ConnectJavaScript, lab: Lab, room: int) -> None:
    """Servers newer than this one store a broadcast with `persist`; this one delivers it all the same."""
    topic, since = f"chat:{room}", int(time.time() * 1000) - 1000
    clients = [await javascript(token=lab.token()) for _ in range(3)]
    config: dict[str, Any] = {"private": True, "broadcast": {"ack": True}}
    sender, receiver = [await (await client.channel(topic, **config)).joined() for client in clients[:2]]
    assert isinstance(sender, JavaScriptChannel)
    assert await sender.send("kept", {"n": 1}, persist=True) == "ok"
    assert await sender.call("httpSend", "kept", {"n": 2}, {"persist": {"ttl": 60}}) == {"success": True}
    assert [(await receiver.next("broadcast"))["payload"] for _ in range(2)] == [{"n": 1}, {"n": 2}]
    later = await clients[2].channel(topic, private=True, broadcast={"replay": {"since": since}})
    await later.joined()
    await sender.send("now", {"n": 3})
    assert (await later.next("broadcast"))["payload"] == {"n": 3}


async def test_joining_again_after_a_refusal(connect: Connect, lab: Lab, room: int) -> None:
    """A client that was refused tries again by itself, and is let in once it has a token that may."""
    client = await connect()
    channel = await client.channel(f"chat:{room}", private=True)
    assert (await channel.subscribe()).state == "CHANNEL_ERROR"
    await client.set_auth(lab.token())
    await channel.until("status", Status("SUBSCRIBED"))
    assert await client.topics() == [f"realtime:chat:{room}"]
