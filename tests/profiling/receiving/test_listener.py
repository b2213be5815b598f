"""The load path against the lab: joins, messages of each kind, refusals, tokens, ends."""

from __future__ import annotations

import asyncio
import pickle
import resource
import time
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from websockets.asyncio.server import ServerConnection, serve

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, JoinFailed, SettingsError
from helpers.lab import Lab
from helpers.profiling.histogram import Histogram
from helpers.profiling.receiving import Listening, Received, listen, listener, receive
from helpers.profiling.receiving.intake import Intake
from helpers.profiling.receiving.listener import Rendezvous
from helpers.profiling.receiving.socket import LoadSocket
from helpers.target import Target
from helpers.wire.frames import Frame, Version, encode
from helpers.wire.join import ChangeBinding, JoinConfig
from helpers.wire.numbered import STAMP
from tests.thorough import so_many

MESSAGES = 20
EMPTY = {"lost": 0, "duplicated": 0, "reordered": 0, "strays": 0, "early": 0, "malformed": 0, "unmatched": 0}


def sending(client: RealtimeClient, topic: str, make: Callable[[int], object]) -> Rendezvous:
    """What sends, as soon as all listen."""

    async def send() -> None:
        channel = client.channel(topic)
        await channel.subscribe()
        for number in range(MESSAGES):
            await channel.broadcast("m", make(number))
        await channel.leave()

    async def rendezvous(joined: int) -> float:
        client.sender = asyncio.create_task(send())  # type: ignore[attr-defined]
        return time.monotonic()

    return rendezvous


def as_json(number: int) -> object:
    return {"seq": number, "due": time.monotonic(), "body": "é" * 100}


def as_bytes(number: int) -> object:
    return STAMP.pack(number, time.monotonic()) + bytes(100)


def flaws(received: Received) -> dict[str, int]:
    return {name: getattr(received, name) for name in EMPTY}


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("make", [as_json, as_bytes])
async def test_every_message_of_every_socket_is_in_the_books(
    wide: Target, version: Version, make: Callable[[int], object]
) -> None:
    """Text and binary, in both protocol versions (bytes reach version 1.0.0 as nothing at all)."""
    topic = f"books:{version}:{make.__name__}"
    order = Listening(target=wide, channels=(topic,), sockets=5, messages=MESSAGES, limit_s=3, version=version)
    async with RealtimeClient(wide) as client:
        received = await listen(order, sending(client, topic, make))
    if make is as_bytes and version is Version.V1:
        assert (received.joined, received.received, received.lost) == (5, 0, 5 * MESSAGES)
        return
    assert (received.streams, received.joined, received.distinct) == (5, 5, 5 * MESSAGES)
    assert flaws(received) == EMPTY and not received.failures
    latency = Histogram.merged([received.latency])
    assert latency.count == 5 * MESSAGES and 0 < latency.min_s <= latency.max_s < 3


async def test_bytes_are_counted_as_the_measuring_client_counts_them(wide: Target) -> None:
    """Sizes of messages, and what goes over the wire, of a whole life of a subscription."""
    async with RealtimeClient(wide) as sender, RealtimeClient(wide) as twin:
        channel = twin.channel("bytes")
        await channel.subscribe()
        order = Listening(target=wide, channels=("bytes",), sockets=1, messages=MESSAGES, limit_s=3)
        received = await listen(order, sending(sender, "bytes", as_json))
        counted = twin.counters
        assert received.frames == counted.frames_in
        assert (received.payload_bytes, received.wire_bytes) == (counted.bytes_in, counted.wire_bytes_in)


async def test_rows_are_numbered_messages_too(tables: Target) -> None:
    """A change's `seq` column is its number; it has no due time, so no latency."""

    async def rendezvous(joined: int) -> float:
        assert tables.database_url is not None
        async with await psycopg.AsyncConnection.connect(tables.database_url, autocommit=True) as database:
            rows = (
                "insert into events (seq, room_id, body, meta) select n, 123, 'load', '{}' from generate_series(0, 9) n"
            )
            await database.execute(rows)
        return time.monotonic()

    config = JoinConfig(changes=(ChangeBinding("INSERT", table="events"),))
    order = Listening(target=tables, channels=("rows",), sockets=2, messages=10, limit_s=5, config=config)
    received = await listen(order, rendezvous)
    assert (received.joined, received.distinct, received.lost) == (2, 20, 0)
    assert received.latency.buckets == ()


async def test_what_never_came_is_lost(wide: Target) -> None:
    """At the end of the time, and no sooner, with all subscriptions counted."""
    order = Listening(target=wide, channels=("silence", "silence:2"), sockets=2, messages=3, limit_s=0.3)
    started = time.monotonic()
    received = await listen(order)
    assert time.monotonic() - started >= 0.3
    assert (received.streams, received.joined, received.lost, received.received) == (4, 4, 12, 0)
    assert (received.seconds, received.cpu_s) == (0, 0)


async def test_refused_sockets_do_not_stop_the_others(lab: Lab) -> None:
    """Without rights nobody joins the private channel, everybody the public one; the result says so with numbers."""
    order = Listening(
        target=lab.target, channels=("closed",), sockets=3, messages=1, limit_s=0.1, config=JoinConfig(private=True)
    )
    received = await listen(order)
    (happened,) = received.failures
    assert received.failures[happened] == 3 and "permissions to read" in happened
    assert (received.joined, received.lost) == (0, 3)


async def test_a_server_that_is_not_there_is_told(target: Target) -> None:
    """Each socket's failure counts, and none of them holds the key."""
    order = Listening(
        target=replace(target, api_url="http://127.0.0.1:1"), channels=("a",), sockets=2, messages=1, limit_s=0.1
    )
    received = await listen(order)
    assert sum(received.failures.values()) == 2
    assert "no connection could be made" in next(iter(received.failures))


async def test_a_wrong_key_is_refused_with_the_servers_words(target: Target) -> None:
    """As the measuring client tells it."""
    with pytest.raises(ConnectionFailed, match="status 401") as caught:
        await LoadSocket(Intake(Version.V2)).open(replace(target, publishable_key="nonsense"))
    assert caught.value.status == 401 and "nonsense" not in str(caught.value)


async def test_a_token_is_used_and_a_bad_one_ends_the_channel(lab: Lab) -> None:
    """A user's token opens with the join; one that the server does not accept closes the channel, with its words."""
    socket = LoadSocket(Intake(Version.V2), token=lab.token())
    await socket.open(lab.target)
    await socket.join("tokens", JoinConfig(), 0)
    socket.set_token(lab.token())
    socket.beat()
    assert socket.streams == {"realtime:tokens": 0}
    socket.set_token(lab.token(exp=1))
    async with asyncio.timeout(30):
        while not socket.reason:  # noqa: ASYNC110 - the server decides when
            await asyncio.sleep(0.01)
    assert not socket.streams and socket.is_open
    with pytest.raises(JoinFailed):
        await socket.join("another", JoinConfig(), 1)
    socket.close()
    await socket.wait_closed()


async def test_heartbeats_are_answered_and_a_dead_connection_is_ended(target: Target) -> None:
    """The one that answers lives on; the one that does not is given up at the next beat."""

    async def mute(connection: ServerConnection) -> None:
        await connection.wait_closed()

    alive, dead = LoadSocket(Intake(Version.V2)), LoadSocket(Intake(Version.V2))
    async with serve(mute, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await alive.open(target)
        await dead.open(replace(target, api_url=f"http://127.0.0.1:{port}"))
        for _ in range(3):
            alive.beat()
            dead.beat()
            await asyncio.sleep(0.2)
        await dead.wait_closed()
        assert alive.is_open and not dead.is_open
        assert "heartbeat was not answered" in dead.reason
        alive.close()
        await alive.wait_closed()


async def test_flaws_of_a_server_are_in_the_books(target: Target) -> None:
    """Doubled, reordered, lost, unnumbered, malformed, for nobody, in fragments: each is told as what it is."""

    def message(seq: object, topic: str = "realtime:room") -> str | bytes:
        return encode(Frame(topic, "broadcast", {"event": "m", "payload": {"seq": seq}}), Version.V2)

    listening = asyncio.Event()

    async def answer(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('["1","1","realtime:room","phx_reply",{"status":"ok","response":{}}]')
        await listening.wait()
        for seq in (0, 2, 1, 2, 99, "x"):
            await connection.send(message(seq))
        await connection.send("no frame")
        await connection.send(message(3, "realtime:elsewhere"))
        whole = message(4)
        assert isinstance(whole, str)
        await connection.send([whole[:10], whole[10:20], whole[20:]])
        await connection.close(1012, "restart")

    async def rendezvous(joined: int) -> float:
        listening.set()
        return time.monotonic()

    async with serve(answer, "127.0.0.1", 0) as server:
        there = replace(target, api_url=f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}")
        order = Listening(target=there, channels=("room",), sockets=1, messages=6, limit_s=1)
        received = await listen(order, rendezvous)
    assert (received.received, received.distinct, received.duplicated, received.reordered) == (5, 4, 1, 1)
    assert (received.lost, received.strays, received.malformed, received.unmatched) == (2, 2, 1, 1)
    assert received.failures == {"the server closed the connection with code 1012, restart": 1}


def test_an_order_is_carried_out_by_a_plain_function(target: Target) -> None:
    """For pools and clusters: settings in, a result out that pickle carries."""
    order = Listening(target=target, channels=("plain",), sockets=2, messages=1, limit_s=0.1)
    received = receive(pickle.loads(pickle.dumps(order)))
    assert pickle.loads(pickle.dumps(received)) == received and received.joined == 2


async def test_nothing_to_listen_to_is_refused(target: Target) -> None:
    """Before anything is opened."""
    for sockets, channels in ((0, ("a",)), (1, ())):
        with pytest.raises(SettingsError):
            await listen(Listening(target=target, channels=channels, sockets=sockets, messages=1, limit_s=1))


async def test_thousands_of_sockets_receive_a_broadcast_each(wide: Target) -> None:
    """In one process, joined and alive at once; none is refused, nothing is lost, and each takes little memory."""
    sockets = _sockets(so_many(3_000, 10_000))
    order = Listening(target=wide, channels=("many",), sockets=sockets, messages=1, limit_s=60, join_limit_s=60)
    async with RealtimeClient(wide) as client:
        channel = client.channel("many")
        await channel.subscribe()

        async def rendezvous(joined: int) -> float:
            await channel.broadcast("m", as_json(0))
            return time.monotonic()

        received = await listen(order, rendezvous)
    assert (received.joined, received.distinct, received.failures) == (order.sockets, order.sockets, {})
    assert flaws(received) == EMPTY
    assert received.memory_bytes < 64 * 1024


def _sockets(wanted: int) -> int:
    """As many as this system lets a process open, server and client each."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(wanted, soft - 500)


@pytest.mark.parametrize(("pause_s", "answers"), [(listener.HEARTBEAT_S, 0), (0.3, 3)])
async def test_a_socket_sends_its_first_heartbeat_after_a_pause(
    wide: Target, monkeypatch: pytest.MonkeyPatch, pause_s: float, answers: int
) -> None:
    """As the vendor's clients do; before, only what it receives wakes a process that is measured."""
    monkeypatch.setattr(listener, "HEARTBEAT_S", pause_s)
    topic = f"heartbeats:{pause_s}"
    orders = [Listening(target=wide, channels=(topic,), sockets=3, messages=1, limit_s=s) for s in (0.05, 0.55)]
    brief, longer = [await listen(order) for order in orders]
    assert brief.joined == longer.joined == 3
    assert (longer.frames - brief.frames >= answers) if answers else (longer.frames == brief.frames)
