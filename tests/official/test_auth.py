"""Keys and tokens: who a client is, becomes, and ceases to be."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest

from helpers.lab import Lab
from tests.official.clients import Binding, Status
from tests.official.conftest import Connect, ConnectJavaScript, ConnectPython
from tests.official.javascript_client import JavaScriptChannel

MEMBER: dict[str, Any] = {"member": "yes"}


async def write(owner: psycopg.AsyncConnection, room: int, user: str, body: str) -> None:
    """Write a note of that user's."""
    await owner.execute("insert into notes (owner, room, body) values (%s, %s, %s)", (user, room, body))


@pytest.mark.parametrize("key", ["publishable_key", "anon_key"])
async def test_keys_for_clients(connect: Connect, owner: psycopg.AsyncConnection, room: int, key: str) -> None:
    """Both keys that may be published stand for anon, who sees no notes."""
    bindings = [Binding(table=table, filter=f"room=eq.{room}") for table in ("notes", "items")]
    channel = await (await (await connect(key=key)).channel("rows", changes=bindings)).ready()
    await write(owner, room, str(uuid.uuid4()), "hidden")
    await owner.execute("insert into items (room) values (%s)", (room,))
    assert (await channel.next("change")).binding == 1


@pytest.mark.parametrize("key", ["secret_key", "service_role_key"])
async def test_keys_for_servers(connect: Connect, owner: psycopg.AsyncConnection, room: int, key: str) -> None:
    """Both secret keys stand for the service role, who sees every row and may use every topic."""
    client = await connect(key=key)
    channel = await (await client.channel("rows", changes=[Binding(table="notes", filter=f"room=eq.{room}")])).ready()
    await write(owner, room, str(uuid.uuid4()), "seen")
    assert (await channel.next("change")).new["body"] == "seen"
    private = await (await client.channel(f"any:{room}", private=True, broadcast={"self": True, "ack": True})).joined()
    assert await private.send("here", {}) == "ok"
    assert (await private.next("broadcast"))["event"] == "here"


async def test_wrong_key_in_javascript(javascript: ConnectJavaScript, topic: str) -> None:
    """With a key that is none the JavaScript client's channel never joins, and its status callback is told so."""
    channel = await (await javascript(key="sb_publishable_wrong")).channel(topic)
    assert (await channel.subscribe()).state == "CHANNEL_ERROR"


async def test_wrong_key_in_python(python: ConnectPython, topic: str) -> None:
    """With a key that is none the Python client gives up with the server's answer."""
    channel = await (await python(key="sb_publishable_wrong", max_retries=1)).channel(topic)
    with pytest.raises(Exception, match="401"):
        await channel.subscribe()


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
async def test_algorithms(connect: Connect, lab: Lab, room: int, algorithm: str) -> None:
    """Tokens signed with the project's secret and with its asymmetric key are good for private channels."""
    token = lab.token(algorithm=algorithm)  # type: ignore[arg-type]
    await (await (await connect(token=token)).channel(f"chat:{room}", private=True)).joined()


async def test_becoming_somebody_else(connect: Connect, lab: Lab, owner: psycopg.AsyncConnection, room: int) -> None:
    """With a new token a joined channel hears, once the server has said so, what its new user may see."""
    ada, bob = str(uuid.uuid4()), str(uuid.uuid4())
    client = await connect(token=lab.token(sub=ada))
    channel = await (await client.channel("notes", changes=[Binding(table="notes", filter=f"room=eq.{room}")])).ready()
    for number, (user, other) in enumerate(((ada, bob), (bob, ada))):
        if number:
            await client.set_auth(lab.token(sub=bob))
            assert (await channel.next("system"))["message"] == "Subscribed to PostgreSQL"
        await write(owner, room, other, "hidden")
        await write(owner, room, user, f"seen {number}")
        assert (await channel.next("change")).new["body"] == f"seen {number}"


async def test_losing_permission(connect: Connect, lab: Lab, room: int) -> None:
    """A new token that may not read closes the private channel, and says why; the socket and other channels stay."""
    client = await connect(token=lab.token(**MEMBER))
    channel = await (await client.channel(f"club:{room}", private=True)).joined()
    other = await (await client.channel(f"chat:{room}", private=True, broadcast={"self": True})).joined()
    await client.set_auth(lab.token())
    assert f"You do not have permissions to read from this Channel topic: club:{room}" in await channel.closed()
    await other.send("still", {})
    assert (await other.next("broadcast"))["event"] == "still"


async def test_gaining_permission(connect: Connect, lab: Lab, room: int) -> None:
    """What a client may write is asked anew with a new token."""
    listener = await (await (await connect(token=lab.token(**MEMBER))).channel(f"club:{room}", private=True)).joined()
    client = await connect(token=lab.token(**MEMBER))
    channel = await (await client.channel(f"club:{room}", private=True)).joined()
    await channel.send("unheard", {})
    await client.set_auth(lab.token(speaker="yes", **MEMBER))
    await channel.send("heard", {})
    assert (await listener.next("broadcast"))["event"] == "heard"


async def test_expiry(connect: Connect, lab: Lab, topic: str) -> None:
    """When its token ends, a channel is closed and told so; a new token in time keeps it open."""
    token = lab.token(lifetime_s=3)
    ending = await (await (await connect(token=token)).channel(topic)).joined()
    client = await connect(token=token)
    staying = await (await client.channel(topic, broadcast={"self": True})).joined()
    await client.set_auth(lab.token())
    assert "Token has expired 0 seconds ago" in await ending.closed()
    await staying.send("still", {})
    assert (await staying.next("broadcast"))["event"] == "still"


async def test_broken_token(connect: Connect, lab: Lab, topic: str) -> None:
    """A token of another project closes the channel and says what is wrong with it."""
    client = await connect(token=lab.token())
    channel = await (await client.channel(topic)).joined()
    await client.set_auth(lab.token()[:-8] + "AAAAAAAA")
    assert "signature" in (await channel.closed()).lower()


async def test_callback_for_tokens(
    javascript: ConnectJavaScript, lab: Lab, owner: psycopg.AsyncConnection, room: int
) -> None:
    """The JavaScript client asks its `accessToken` with each heartbeat, and the server goes on with what it gives."""
    ada, bob = str(uuid.uuid4()), str(uuid.uuid4())
    client = await javascript(token=lab.token(sub=ada), heartbeatIntervalMs=100)
    binding = Binding(table="notes", filter=f"room=eq.{room}")
    channel = await (await client.channel("notes", changes=[binding])).ready()
    await client.ask("giveToken", token=lab.token(sub=bob))
    assert (await channel.next("system"))["message"] == "Subscribed to PostgreSQL"
    await write(owner, room, ada, "hidden")
    await write(owner, room, bob, "seen")
    assert (await channel.next("change")).new["body"] == "seen"


async def test_too_slow_a_join(javascript: ConnectJavaScript, room: int) -> None:
    """A join that is not answered within the client's limit has timed out: the server makes refusals wait."""
    channel = await (await javascript()).channel(f"chat:{room}", private=True)
    assert isinstance(channel, JavaScriptChannel)
    assert await channel.subscribe_within(20) == Status("TIMED_OUT")
