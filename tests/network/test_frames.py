"""Rules about messages of one kind, between real clients and the real lab."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg
import pytest
import pytest_asyncio

from helpers.client import Channel, ClientState, RealtimeClient
from helpers.errors import ConnectionFailed, InputError, JoinFailed
from helpers.lab import Lab
from helpers.lab.network import (
    PERFECT,
    Conditions,
    FrameRule,
    TlsFault,
    Way,
    broadcasts,
    changes,
    delay,
    drop,
    everything,
    heartbeats,
    named,
    network,
    on_topic,
    repeat,
    replies,
    system,
    tls_front,
)
from helpers.target import Target
from helpers.wire.channel import ChannelState
from helpers.wire.events import Broadcast, Change, Event
from helpers.wire.frames import Version
from helpers.wire.join import ChangeBinding, JoinConfig
from tests.network.echo import LIMIT_S, until

OWN = JoinConfig(broadcast_self=True)


def name() -> str:
    return f"network:{secrets.token_hex(4)}"


def to_client(*rules: FrameRule) -> Conditions:
    return Conditions(to_client=Way(frames=rules))


def to_server(*rules: FrameRule) -> Conditions:
    return Conditions(to_server=Way(frames=rules))


def heard(channel: Channel) -> list[Event]:
    events: list[Event] = []
    channel.on_event(events.append)
    return events


@dataclass
class Table:
    """A published table of this module."""

    name: str
    connection: psycopg.AsyncConnection

    async def insert(self, body: str) -> None:
        await self.connection.execute(f"insert into public.{self.name} (body) values (%s)".encode(), [body])


@pytest_asyncio.fixture
async def table(lab: Lab) -> AsyncIterator[Table]:
    made = f"network_{secrets.token_hex(4)}"
    url = lab.info["database_url"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            f"create table public.{made} (id bigint generated always as identity primary key, body text);"
            f"grant select on public.{made} to anon;"
            f"alter publication supabase_realtime add table public.{made}".encode()
        )
        yield Table(made, connection)
        await connection.execute(f"drop table public.{made}".encode())


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("conditions", [to_client(drop(heartbeats)), to_server(drop(heartbeats))], ids=["down", "up"])
async def test_dropped_heartbeats_leave_all_else_alive(
    target: Target, version: Version, conditions: Conditions
) -> None:
    """Broadcasts come and go, and yet the client must think that its connection is dead."""
    async with network(target, conditions) as via, RealtimeClient(via.target, version=version, timeout_s=0.4) as client:
        channel = client.channel(name(), OWN)
        events = heard(channel)
        await channel.subscribe()
        await channel.broadcast("greeting", {"n": 1})
        await until(lambda: any(isinstance(event, Broadcast) for event in events))
        with pytest.raises(ConnectionFailed, match="heartbeat was not answered"):
            await client.heartbeat()
        assert client.state is ClientState.DEAD
        assert via.counters.dropped == 1


async def test_without_the_system_message_a_subscription_is_never_ready(target: Target, table: Table) -> None:
    """The join is answered, and what says that changes are delivered from now on does not come."""
    config = JoinConfig(changes=(ChangeBinding(table=table.name),))
    async with network(target, to_client(drop(system))) as via, RealtimeClient(via.target) as client:
        channel = client.channel(name(), config)
        joining = asyncio.create_task(channel.subscribe(timeout=LIMIT_S))
        await until(lambda: via.counters.dropped == 1)
        assert channel.state is ChannelState.JOINED
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)


async def test_dropped_changes_are_lost_without_a_word(target: Target, table: Table) -> None:
    """What is written while they are dropped never comes, and nobody is told; what is written later does."""
    config = JoinConfig(changes=(ChangeBinding(table=table.name),))
    async with network(target) as via, RealtimeClient(via.target) as client:
        channel = client.channel(name(), config)
        events = heard(channel)
        await channel.subscribe(timeout=LIMIT_S)
        via.set(to_client(drop(changes)))
        await table.insert("lost")
        await until(lambda: via.counters.dropped == 1)
        via.set(PERFECT)
        await table.insert("found")
        await until(lambda: any(isinstance(event, Change) for event in events))
        assert [event.record["body"] for event in events if isinstance(event, Change)] == ["found"]
        assert client.state is ClientState.OPEN


async def test_a_late_message_is_overtaken(target: Target) -> None:
    """Of two broadcasts the first is delayed, and comes second."""
    rules = to_client(delay(lambda message: getattr(message, "event", "") == "late", 150))
    async with network(target, to_client(delay(broadcasts, 150))) as via, RealtimeClient(via.target) as client:
        channel = client.channel(name(), OWN)
        events = heard(channel)
        await channel.subscribe()
        await channel.broadcast("greeting", {"n": 1})
        await until(lambda: via.counters.delayed == 1)
        via.set(rules)
        await channel.broadcast("greeting", {"n": 2})
        await until(lambda: sum(isinstance(event, Broadcast) for event in events) == 2)
        assert [event.payload["n"] for event in events if isinstance(event, Broadcast)] == [2, 1]


async def test_a_message_may_come_more_than_once(target: Target) -> None:
    """Each broadcast arrives as often as the rule says, one right after the other, and its acknowledgement once."""
    config = JoinConfig(broadcast_self=True, broadcast_ack=True)
    async with network(target, to_client(repeat(broadcasts, 3))) as via, RealtimeClient(via.target) as client:
        channel = client.channel(name(), config)
        events = heard(channel)
        await channel.subscribe()
        for number in (1, 2):
            await channel.broadcast("greeting", {"n": number})
        await until(lambda: sum(isinstance(event, Broadcast) for event in events) == 6)
        assert [event.payload["n"] for event in events if isinstance(event, Broadcast)] == [1, 1, 1, 2, 2, 2]
        assert via.counters.repeated == 4


async def test_a_rule_may_be_about_one_topic_or_one_event(target: Target) -> None:
    """The other channel of the same socket is not touched, nor are other events."""
    deaf, lucky = name(), name()
    async with network(target) as via, RealtimeClient(via.target) as client:
        via.set(to_client(drop(lambda message: on_topic(deaf)(message) and named("phx_reply")(message))))
        await client.channel(lucky, OWN).subscribe()
        with pytest.raises(JoinFailed):
            await client.channel(deaf, OWN).subscribe(timeout=0.4)


async def test_no_reply_at_all(target: Target) -> None:
    """A join that is not answered is a TIMED_OUT of the official clients."""
    async with network(target, to_client(drop(replies))) as via, RealtimeClient(via.target) as client:
        with pytest.raises(JoinFailed):
            await client.channel(name(), OWN).subscribe(timeout=0.4)
        assert client.state is ClientState.OPEN


async def test_rules_look_through_tls_that_ends_before_them(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network behind the TLS front sees messages; one before it sees bytes alone, and says so."""
    async with network(target, to_client(drop(everything))) as via, tls_front(via.target, TlsFault.NONE) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
        async with RealtimeClient(front.target, timeout_s=2.0) as client:
            with pytest.raises(ConnectionFailed, match="not answered"):
                await client.heartbeat()
        async with network(front.target) as outside:
            with pytest.raises(InputError, match="encrypted"):
                outside.set(to_client(drop(everything)))


async def test_messages_of_megabytes_pass_whole(target: Target) -> None:
    """Looking into messages does not limit their size."""
    body = "x" * 2_000_000
    conditions = Conditions(to_server=Way(frames=(drop(heartbeats),)), to_client=Way(frames=(drop(heartbeats),)))
    async with network(target, conditions) as via, RealtimeClient(via.target) as client:
        channel = client.channel(name(), OWN)
        events = heard(channel)
        await channel.subscribe()
        async with asyncio.timeout(LIMIT_S):
            await channel.broadcast("large", {"body": body})
            await until(lambda: any(isinstance(event, Broadcast) for event in events))
        assert next(event for event in events if isinstance(event, Broadcast)).payload["body"] == body


async def test_a_rule_that_fails_is_told(target: Target) -> None:
    """A mistake in somebody's own rule ends the connection, and the event loop hears which one it was."""
    told: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    try:
        async with network(target, to_client(drop(lambda message: 1 / 0 > 1))) as via:
            async with RealtimeClient(via.target) as client:
                with pytest.raises(ConnectionFailed):
                    await client.heartbeat()
            await until(lambda: bool(told))
    finally:
        loop.set_exception_handler(None)
    found: BaseException = told[0]
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, ZeroDivisionError)
