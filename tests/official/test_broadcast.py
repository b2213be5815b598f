"""Broadcasts, as the official clients send and hear them."""

from __future__ import annotations

import psycopg
import pytest

from helpers.lab import Lab
from tests.official.clients import Channel, ClientError, eventually
from tests.official.conftest import Connect, ConnectJavaScript, ConnectPython

HELLO = {"text": "Grüße ☃", "deep": [1, {"a": None}]}


async def heard(channel: Channel) -> tuple[str, object]:
    """The event and the payload of the next broadcast."""
    message = await channel.next("broadcast")
    return message["event"], message["payload"]


async def test_to_others(connect: Connect, topic: str) -> None:
    """A broadcast reaches the others on its topic, and its sender only with `self`."""
    sender = await (await (await connect()).channel(topic)).joined()
    echoing = await (await (await connect()).channel(topic, broadcast={"self": True})).joined()
    assert await sender.send("greeting", HELLO) == "ok"
    assert await heard(echoing) == ("greeting", HELLO)
    assert await echoing.send("reply", {"n": 1}) == "ok"
    assert await heard(echoing) == await heard(sender) == ("reply", {"n": 1})


async def test_acknowledgement(connect: Connect, topic: str) -> None:
    """With `ack` the server answers a broadcast."""
    sender = await (await (await connect()).channel(topic, broadcast={"ack": True})).joined()
    assert await sender.send("greeting", HELLO) == "ok"


async def test_too_large(python: ConnectPython, javascript: ConnectJavaScript, topic: str) -> None:
    """A broadcast above the payload limit is refused, in words that the Python client cannot read: it waits in vain."""
    receiver = await (await (await javascript()).channel(topic)).joined()
    for client, answer in ((await javascript(), "error"), (await python(timeout=1), "timed out")):
        sender = await (await client.channel(topic, broadcast={"ack": True})).joined()
        assert await sender.send("large", {"text": "x" * 3_000_000}) == answer
        await sender.send("small", {})
    assert [await heard(receiver) for _ in range(2)] == [("small", {})] * 2


async def test_listening_to_one_event(connect: Connect, topic: str) -> None:
    """A listener hears the events of its name, in any case; one of `*` hears all."""
    sender = await (await (await connect()).channel(topic)).joined()
    receiver = await (await (await connect()).channel(topic, broadcasts=("wanted", "*"))).joined()
    for event in ("unwanted", "Wanted", "last"):
        await sender.send(event, {})
    events = [(await receiver.next("broadcast"))["event"] for _ in range(4)]
    assert events == ["unwanted", "Wanted", "Wanted", "last"]


async def test_before_joining(javascript: ConnectJavaScript, topic: str) -> None:
    """The JavaScript client's `send` goes over HTTP as long as its channel has not joined."""
    receiver = await (await (await javascript()).channel(topic)).joined()
    assert await (await (await javascript()).channel(topic)).send("early", HELLO) == "ok"
    assert await heard(receiver) == ("early", HELLO)


async def test_before_joining_in_python(python: ConnectPython, topic: str) -> None:
    """The Python client refuses to broadcast on a channel that has not joined."""
    channel = await (await python()).channel(topic)
    with pytest.raises(Exception, match="before joining"):
        await channel.send("early", HELLO)


async def test_over_http(connect: Connect) -> None:
    """A broadcast over HTTP reaches a topic and an event of whatever name, without a join."""
    topic, event = "Räume/1:2 ☃?&%2F", "a/b ☃"
    receiver = await (await (await connect()).channel(topic)).joined()
    await (await (await connect()).channel(topic)).http_send(event, HELLO)
    assert await heard(receiver) == (event, HELLO)


async def test_too_large_over_http(connect: Connect, topic: str) -> None:
    """A broadcast over HTTP that is too large is refused with the server's words."""
    channel = await (await connect()).channel(topic)
    with pytest.raises(ClientError, match="Unprocessable"):
        await channel.http_send("large", {"text": "x" * 3_000_001})


async def test_binary(javascript: ConnectJavaScript, topic: str) -> None:
    """Bytes that one JavaScript client sends arrive at another as they were; version 1.0.0 cannot hear them."""
    sender = await (await (await javascript()).channel(topic, broadcast={"self": True, "ack": True})).joined()
    receiver = await (await (await javascript()).channel(topic)).joined()
    older = await (await (await javascript(vsn="1.0.0")).channel(topic)).joined()
    content = bytes(range(256)) * 4
    assert await sender.send("bytes", content) == "ok"
    assert await sender.send("nothing", b"") == "ok"
    assert await sender.send("text", HELLO) == "ok"
    for channel in (sender, receiver):
        assert [await heard(channel) for _ in range(3)] == [("bytes", content), ("nothing", b""), ("text", HELLO)]
    assert await heard(older) == ("text", HELLO)


async def test_binary_over_http(connect: Connect, javascript: ConnectJavaScript, topic: str) -> None:
    """Bytes that either client sends over HTTP arrive at a JavaScript client."""
    receiver = await (await (await javascript()).channel(topic)).joined()
    await (await (await connect()).channel(topic)).http_send("bytes", b"\x00\xff")
    assert await heard(receiver) == ("bytes", b"\x00\xff")


async def test_among_versions_and_clients(python: ConnectPython, javascript: ConnectJavaScript, topic: str) -> None:
    """What a client of any version sends reaches those of all versions."""
    clients = [await python(), await javascript(vsn="1.0.0"), await javascript(vsn="2.0.0")]
    channels = [await (await client.channel(topic)).joined() for client in clients]
    for number, sender in enumerate(channels):
        await sender.send("from", {"number": number})
        others = [channel for channel in channels if channel is not sender]
        assert [await heard(channel) for channel in others] == [("from", {"number": number})] * 2


async def test_from_the_database(connect: Connect, lab: Lab, owner: psycopg.AsyncConnection, room: int) -> None:
    """`realtime.send` reaches private and public channels, each its own, and payloads get an id."""
    topic = f"chat:{room}"
    private = await (await (await connect(token=lab.token())).channel(topic, private=True)).joined()
    public = await (await (await connect()).channel(topic)).joined()
    send = "select realtime.send(%s, %s, %s, %s)"
    await owner.execute(send, ('{"n": 1}', "private", topic, True))
    await owner.execute(send, ('{"n": 2, "id": "mine"}', "public", topic, False))
    event, payload = await heard(private)
    assert isinstance(payload, dict)
    assert (event, payload["n"], len(payload["id"])) == ("private", 1, 36)
    assert await heard(public) == ("public", {"n": 2, "id": "mine"})
    assert private.is_quiet("broadcast")


async def test_bytes_from_the_database(
    javascript: ConnectJavaScript, python: ConnectPython, owner: psycopg.AsyncConnection, topic: str
) -> None:
    """`realtime.send_binary` reaches version 2.0.0 as bytes; the Python client, of version 1.0.0, cannot hear it."""
    receiver = await (await (await javascript()).channel(topic)).joined()
    older = await (await (await python()).channel(topic)).joined()
    await owner.execute("select realtime.send_binary('\\x00ff', 'bytes', %s, false)", (topic,))
    await owner.execute("select realtime.send('{\"id\": 1}', 'text', %s, false)", (topic,))
    assert [await heard(receiver) for _ in range(2)] == [("bytes", b"\x00\xff"), ("text", {"id": 1})]
    assert await heard(older) == ("text", {"id": 1})


async def test_changes_by_trigger(connect: Connect, lab: Lab, owner: psycopg.AsyncConnection, room: int) -> None:
    """`realtime.broadcast_changes` in a trigger tells of inserted, updated and deleted rows."""
    channel = await (await (await connect(token=lab.token())).channel(f"chat:{room}", private=True)).joined()
    await owner.execute("insert into plain (room, number) values (%s, 1)", (room,))
    await owner.execute("update plain set number = 2 where room = %s", (room,))
    await owner.execute("delete from plain where room = %s", (room,))
    told = []
    for message in await channel.take("broadcast", 3):
        payload = message["payload"]
        assert (message["event"], payload["schema"], payload["table"]) == (payload["operation"], "public", "plain")
        rows = (payload["record"], payload["old_record"])
        told.append((message["event"], *(row and row["number"] for row in rows)))
    assert told == [("INSERT", 1, None), ("UPDATE", 2, 1), ("DELETE", None, 2)]


async def test_readiness_of_the_database(connect: Connect, lab: Lab, room: int) -> None:
    """With `replication_ready` a channel is told when broadcasts come from the database."""
    client = await connect(token=lab.token())
    channel = await client.channel(f"chat:{room}", private=True, broadcast={"replication_ready": True})
    await channel.joined()
    told = await channel.next("system")
    assert (told["status"], told["message"]) == ("ok", "Replication connection established")


async def test_several_channels(connect: Connect, topic: str) -> None:
    """Channels of one client share its socket, hear what is theirs, and go one by one."""
    client, other = await connect(), await connect()
    names = [f"{topic}/{number}" for number in range(4)]
    channels = [await (await client.channel(name)).joined() for name in names]
    senders = [await (await other.channel(name)).joined() for name in names]
    await client.remove(channels[0])
    assert sorted(await client.topics()) == [f"realtime:{name}" for name in names[1:]]
    for name, sender in zip(names, senders, strict=True):
        await sender.send("to", {"name": name})
    assert [await heard(channel) for channel in channels[1:]] == [("to", {"name": name}) for name in names[1:]]
    assert channels[0].is_quiet("broadcast")
    await client.remove_all()
    await eventually(client.is_connected, False)
    assert await client.topics() == []


async def test_leaving_and_coming_back(connect: Connect, topic: str) -> None:
    """A channel that is left is CLOSED, hears nothing more, and its topic can be joined anew."""
    client = await connect()
    sender = await (await (await connect()).channel(topic)).joined()
    left = await (await client.channel(topic)).joined()
    await left.leave()
    assert (await left.next("status")).state == "CLOSED"
    back = await (await client.channel(topic)).joined()
    await sender.send("news", HELLO)
    assert await heard(back) == ("news", HELLO)
    assert left.is_quiet("broadcast")
