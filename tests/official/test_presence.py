"""Presence, as the official clients see each other."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from helpers.lab import Lab
from tests.official.clients import LIMIT_S, Channel, Presence, eventually
from tests.official.conftest import Connect, ConnectPython


def bare(metas: Any) -> list[dict[str, Any]]:
    """Metas without the reference that the server gave them."""
    return [{name: value for name, value in meta.items() if name != "presence_ref"} for meta in metas]


async def event(channel: Channel, name: str) -> Presence:
    """The next presence event of that name."""
    while True:
        heard: Presence = await channel.next("presence")
        if heard.event == name:
            return heard


async def state_of(channel: Channel) -> dict[str, list[dict[str, Any]]]:
    """Who is present, and how often with what."""
    return {key: bare(metas) for key, metas in (await channel.presence_state()).items()}


async def until_state(channel: Channel, wanted: dict[str, Any]) -> None:
    """Wait for syncs until exactly these are present."""
    async with asyncio.timeout(LIMIT_S):
        while await state_of(channel) != wanted:
            await event(channel, "sync")


async def test_coming_and_going(connect: Connect, topic: str) -> None:
    """Join, sync and leave are told to everybody, with the metas of who came or went."""
    ada, bob = [
        await (await (await connect()).channel(topic, presence=True, presence_config={"key": key})).joined()
        for key in ("ada", "bob")
    ]
    await ada.track({"mood": "fine"})
    for channel in (ada, bob):
        came = await event(channel, "join")
        assert (came.key, came.before, bare(came.metas)) == ("ada", [], [{"mood": "fine"}])
        await until_state(channel, {"ada": [{"mood": "fine"}]})
    await bob.track({"mood": "busy"})
    await until_state(ada, {"ada": [{"mood": "fine"}], "bob": [{"mood": "busy"}]})
    await ada.untrack()
    went = await event(bob, "leave")
    assert (went.key, went.before, bare(went.metas)) == ("ada", [], [{"mood": "fine"}])
    await until_state(ada, {"bob": [{"mood": "busy"}]})


async def test_who_comes_later(connect: Connect, topic: str) -> None:
    """Whoever joins later is told the state at once."""
    early = await (await (await connect()).channel(topic, presence=True, presence_config={"key": "early"})).joined()
    await early.track({"n": 1})
    await until_state(early, {"early": [{"n": 1}]})
    late = await (await (await connect()).channel(topic, presence=True)).joined()
    await until_state(late, {"early": [{"n": 1}]})


async def test_one_key_twice(connect: Connect, topic: str) -> None:
    """Clients of one key are that key's several metas, and it leaves with the last of them."""
    first, second = [
        await (await (await connect()).channel(topic, presence=True, presence_config={"key": "same"})).joined()
        for _ in range(2)
    ]
    await first.track({"n": 1})
    await until_state(second, {"same": [{"n": 1}]})
    await second.track({"n": 2})
    await until_state(first, {"same": [{"n": 1}, {"n": 2}]})
    await first.leave()
    await until_state(second, {"same": [{"n": 2}]})


async def test_key_of_the_server(connect: Connect, topic: str) -> None:
    """Without a key of its own each client gets another one from the server."""
    channels = [await (await (await connect()).channel(topic, presence=True)).joined() for _ in range(2)]
    for number, channel in enumerate(channels):
        await channel.track({"n": number})
    keys = [(await event(channels[0], "join")).key for _ in channels]
    assert [len(key) for key in keys] == [36, 36]
    assert len(set(keys)) == 2


async def test_tracking_anew(connect: Connect, topic: str) -> None:
    """A second track replaces the first one's meta."""
    client = await connect()
    channel = await (await client.channel(topic, presence=True, presence_config={"key": "me"})).joined()
    await channel.track({"typing": False})
    await until_state(channel, {"me": [{"typing": False}]})
    await channel.track({"typing": True})
    await until_state(channel, {"me": [{"typing": True}]})


async def test_a_socket_that_closes(connect: Connect, topic: str) -> None:
    """Whoever closes the socket leaves."""
    watcher = await (await (await connect()).channel(topic, presence=True)).joined()
    client = await connect()
    channel = await (await client.channel(topic, presence=True, presence_config={"key": "brief"})).joined()
    await channel.track({"n": 1})
    assert (await event(watcher, "join")).key == "brief"
    await client.remove_all()
    assert (await event(watcher, "leave")).key == "brief"
    assert await watcher.presence_state() == {}


async def test_without_listening(connect: Connect, topic: str) -> None:
    """A client that does not listen to presence is seen by others, and has no state itself."""
    watcher = await (await (await connect()).channel(topic, presence=True)).joined()
    silent = await (await (await connect()).channel(topic, presence_config={"key": "silent"})).joined()
    await silent.track({"n": 1})
    assert (await event(watcher, "join")).key == "silent"
    await watcher.send("seen", {})
    await silent.next("broadcast")
    assert silent.is_quiet("presence")


async def test_enabled_without_listening(connect: Connect, topic: str) -> None:
    """With `enabled` a client keeps the state although it has no listener."""
    other = await (await (await connect()).channel(topic, presence=True, presence_config={"key": "other"})).joined()
    await other.track({"n": 1})
    await event(other, "join")
    channel = await (await (await connect()).channel(topic, presence_config={"enabled": True, "key": ""})).joined()
    await eventually(partial(state_of, channel), {"other": [{"n": 1}]})


async def test_listening_later(python: ConnectPython, topic: str) -> None:
    """The Python client joins anew when the first presence listener comes after the join."""
    other = await (await (await python()).channel(topic, presence=True, presence_config={"key": "other"})).joined()
    await other.track({"n": 1})
    client = await python()
    channel = await (await client.channel(topic)).joined()
    client.official.get_channels()[0].on_presence_sync(lambda: channel.hear("presence", Presence("sync")))
    await until_state(channel, {"other": [{"n": 1}]})


async def test_on_a_private_channel(connect: Connect, lab: Lab, room: int) -> None:
    """On a private channel presence needs a policy of its own: one that names only broadcast shows nobody."""
    for name, seen in (("chat", {"me": [{"n": 1}]}), ("wire", {})):
        client = await connect(token=lab.token())
        channel = await client.channel(f"{name}:{room}", private=True, presence=True, presence_config={"key": "me"},
                                       broadcast={"self": True})  # fmt: skip
        await channel.joined()
        await channel.track({"n": 1})
        if seen:
            await until_state(channel, seen)
        await channel.send("after", {})
        await channel.next("broadcast")
        assert await state_of(channel) == seen


async def test_too_many_calls(connect: Connect, topic: str) -> None:
    """More than five calls within 30 s close the channel, and the client is told why."""
    channel = await (await (await connect()).channel(topic, presence=True)).joined()
    for number in range(5):
        await channel.track({"n": number})
    sixth = asyncio.create_task(channel.track({"n": 5}))  # which the server does not answer
    assert "Client presence rate limit exceeded" in await channel.closed()
    sixth.cancel()
