"""Clients that come and go: politely, rudely, silently, with a wrong key, without reading. One function each."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, JoinFailed
from helpers.lab import Lab
from helpers.target import Target
from helpers.wire.events import System
from helpers.wire.frames import Frame, Version
from helpers.wire.join import ChangeBinding, JoinConfig, Replay
from tests.realtime.talker import Talker
from tests.soak.ledger import Ledger
from tests.soak.plan import Plan
from tests.soak.senders import PUBLIC_TOPIC
from tests.soak.stayers import PRESENCE_TOPIC
from tests.soak.world import ALICE, BOB, ROOMS
from tests.soak.writers import PRIVATE_TOPIC, paced

__all__ = ["VISITS", "Visitors"]

_PATIENCE_S = 20.0
_CHANGES = JoinConfig(changes=(ChangeBinding(table="open_rows"),))


@dataclass
class Visitors:
    """Everybody who does not stay.

    Attributes:
        visits: how many of each kind have ended as they should.
        surprises: what did not go as it should.
    """

    lab: Lab
    plan: Plan
    ledger: Ledger
    visits: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.plan.seed} visitors")
        self._there: set[asyncio.Task[None]] = set()

    async def run(self, deadline: float) -> None:
        """Let visitors come until then, first one of each kind, and wait until the last has gone."""
        names, weights = list(VISITS), [_WEIGHTS.get(name, 4) for name in VISITS]
        first = list(names)
        async for _ in paced(self.plan.visits_per_s, deadline, self.chance):
            task = asyncio.create_task(self._visit(first.pop() if first else self.chance.choices(names, weights)[0]))
            self._there.add(task)
            task.add_done_callback(self._there.discard)
        await asyncio.gather(*self._there)

    async def _visit(self, name: str) -> None:
        try:
            async with asyncio.timeout(self.plan.idle_timeout_s + _PATIENCE_S):
                await VISITS[name](self)
        except Exception as error:
            self.surprises.append(f"{name}: {type(error).__name__}: {error}")
        else:
            self.visits[name] += 1

    @property
    def version(self) -> Version:
        return self.chance.choice(list(Version))

    async def stay(self, most_s: float = 2.0) -> None:
        await asyncio.sleep(self.chance.uniform(0, most_s))

    def client(self, token: str | None = None, *, key: str | None = None) -> RealtimeClient:
        target = self.lab.target
        if key is not None:
            target = Target(kind=target.kind, api_url=target.api_url, publishable_key=key)
        return RealtimeClient(target, token=token, version=self.version, heartbeat_s=self.plan.heartbeat_s)

    @contextlib.asynccontextmanager
    async def raw(self, version: Version | None = None) -> AsyncIterator[Talker]:
        """A socket that only does what it is told, and whose receive buffer is small; it ends rudely."""
        version, host = version or self.version, urlsplit(self.lab.info["api_url"])
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, (host.hostname, host.port))
        key = quote(self.lab.info["anon_key"])
        url = f"ws://{host.netloc}/realtime/v1/websocket?apikey={key}&vsn={version.value}"
        link = await connect(url, sock=own, proxy=None, compression=None, ping_interval=None, max_size=None)
        try:
            yield Talker(link, version)
        finally:
            _hang_up(link, reset=self.chance.random() < 0.5)
            await link.wait_closed()


def _hang_up(link: ClientConnection, *, reset: bool) -> None:
    """End a connection without a closing handshake, by RST or by FIN."""
    if reset:
        with contextlib.suppress(OSError):
            own = link.transport.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.transport.abort()


async def polite(visitors: Visitors) -> None:
    """Subscribes to changes, listens, leaves and closes."""
    room = visitors.chance.randrange(ROOMS)
    changes = (ChangeBinding(table="open_rows", filter=f"room=eq.{room}"), ChangeBinding(table="open_rows"))
    async with visitors.client() as client:
        channel = client.channel(visitors.chance.choice(("soak:all", "soak:room")), JoinConfig(changes=changes))
        await channel.subscribe(timeout=_PATIENCE_S)
        await visitors.stay()
        await channel.leave()


async def busy(visitors: Visitors) -> None:
    """Joins several channels on one socket, public and private, rejoins one, and closes without leaving."""
    async with visitors.client(visitors.lab.token(sub=visitors.chance.choice((ALICE, BOB)))) as client:
        for topic, config in (
            (PUBLIC_TOPIC, JoinConfig()),
            (PRIVATE_TOPIC, JoinConfig(private=True)),
            ("soak:own", JoinConfig(changes=(ChangeBinding(table="own_rows"),))),
            (f"soak:{visitors.chance.random()}", _CHANGES),
        ):
            await client.channel(topic, config).subscribe(timeout=_PATIENCE_S)
        again = client.channel("soak:again", _CHANGES)
        for _ in range(2):
            await again.subscribe(timeout=_PATIENCE_S)
            await again.leave()
        await visitors.stay()


async def rude(visitors: Visitors) -> None:
    """Subscribes, and cuts the connection, often before the answer."""
    async with visitors.raw() as talker:
        binding = {"event": "*", "schema": "public", "table": "open_rows"}
        await talker.say("realtime:soak:all", "phx_join", {"config": {"postgres_changes": [binding]}})
        await talker.say(f"realtime:{PUBLIC_TOPIC}", "phx_join", {"config": {}})
        await visitors.stay(0.3)


async def half_open(visitors: Visitors) -> None:
    """Joins a quiet topic and falls silent; the lab must close it."""
    async with visitors.raw() as talker:
        await talker.join(f"soak:{visitors.chance.random()}")
        assert await _closed_by_server(talker, visitors.plan.idle_timeout_s + 5), "it was never closed"


async def slow_reader(visitors: Visitors) -> None:
    """Stops reading while another sends it more than it may have waiting; the lab must close it, and only it."""
    topic = f"soak:{visitors.chance.random()}"
    async with visitors.raw() as reader, visitors.client() as sender:
        await reader.join(topic)
        reader.socket.transport.pause_reading()
        channel = sender.channel(topic, JoinConfig(broadcast_ack=True))
        await channel.subscribe()
        for _ in range(40):
            await channel.broadcast("flood", {"text": "x" * 200_000})
        reader.socket.transport.resume_reading()
        assert await _closed_by_server(reader, 10), "a reader that does not read was kept"


async def _closed_by_server(talker: Talker, within_s: float) -> bool:
    """Read on until the server ends the connection."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                await talker.socket.recv()
    except ConnectionClosed:
        return True
    except TimeoutError:
        return False


async def present(visitors: Visitors) -> None:
    """Tracks its presence, and goes in one of four ways."""
    who, way = str(uuid.UUID(int=visitors.chance.getrandbits(128))), visitors.chance.randrange(4)
    async with visitors.client() as client:
        channel = client.channel(PRESENCE_TOPIC, JoinConfig(presence_enabled=True, presence_key=who))
        await channel.subscribe()
        await channel.track({"way": way})
        visitors.ledger.came(who)
        await visitors.stay()
        if way == 0:
            await channel.untrack()
        elif way == 1:
            await channel.leave()
    visitors.ledger.went(who)


async def vanishing(visitors: Visitors) -> None:
    """Tracks its presence and cuts the connection."""
    who = str(uuid.UUID(int=visitors.chance.getrandbits(128)))
    async with visitors.raw() as talker:
        await talker.say(f"realtime:{PRESENCE_TOPIC}", "phx_join", {"config": {"presence": {"key": who}}})
        ref = await talker.say(f"realtime:{PRESENCE_TOPIC}", "presence", {"event": "track", "payload": {}})
        while not (isinstance(heard := await talker.hear(), Frame) and heard.ref == ref):
            pass
        visitors.ledger.came(who)
        await visitors.stay()
    visitors.ledger.went(who)


async def renewing(visitors: Visitors) -> None:
    """Takes a new token, waits until the lab looks with it, and goes."""
    async with visitors.client(visitors.lab.token(sub=ALICE)) as client:
        channel = client.channel("soak:own", JoinConfig(changes=(ChangeBinding(table="own_rows"),)))
        await channel.subscribe(timeout=_PATIENCE_S)
        renewed = asyncio.Event()
        channel.on_event(lambda event: renewed.set() if isinstance(event, System) else None)
        await client.set_token(visitors.lab.token(sub=BOB))
        async with asyncio.timeout(_PATIENCE_S):
            await renewed.wait()


async def expiring(visitors: Visitors) -> None:
    """Has a token that ends while it listens; the lab must close its channel."""
    async with visitors.client(visitors.lab.token(lifetime_s=2)) as client:
        channel = client.channel(PRIVATE_TOPIC, JoinConfig(private=True))
        await channel.subscribe()
        with contextlib.suppress(JoinFailed):
            async for _ in channel.events():
                pass
        assert "expired" in channel.reason or channel.state == "closed", channel.reason


async def rereading(visitors: Visitors) -> None:
    """Joins a private channel with a replay."""
    async with visitors.client(visitors.lab.token()) as client:
        await client.channel(PRIVATE_TOPIC, JoinConfig(private=True, replay=Replay(1, 25))).subscribe()
        await visitors.stay(0.5)


async def refused(visitors: Visitors) -> None:
    """Asks for what there is not: a topic of others, a table, a filter, with a token of another secret."""
    forged = visitors.lab.token().rsplit(".", 1)[0] + "." + "A" * 43
    table = ChangeBinding(table=visitors.chance.choice(("nowhere", "ledger_of_nobody")))
    strange = ChangeBinding(table="open_rows", filter=visitors.chance.choice(("nothing=eq.1", "room=eq.x")))
    token, config = visitors.chance.choice((
        (None, JoinConfig(private=True)),
        (forged, JoinConfig()),
        (None, JoinConfig(changes=(table,))),
        (None, JoinConfig(changes=(_CHANGES.changes[0], strange))),
    ))  # fmt: skip
    async with visitors.client(token) as client:
        try:
            await client.channel("soak:refused", config).subscribe(timeout=_PATIENCE_S)
        except JoinFailed as failed:
            assert failed.reason, f"it was not refused, but {failed.happened}"
        else:
            raise AssertionError(f"{config} was accepted")


async def turned_away(visitors: Visitors) -> None:
    """Has a key of nobody."""
    try:
        async with visitors.client(key="sb_publishable_of_nobody"):
            raise AssertionError("it was let in")
    except ConnectionFailed:
        pass


async def resting(visitors: Visitors) -> None:
    """Reads a table over REST, which goes through the door to Node."""
    url, headers = visitors.lab.info["api_url"], {"apikey": visitors.lab.info["anon_key"]}
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as session,
        session.get(f"{url}/rest/v1/open_rows?limit=20") as response,
    ):
        await response.read()


Visit = Callable[[Visitors], Awaitable[None]]
#: How often each comes compared with the others.
_WEIGHTS = {"half_open": 1, "slow_reader": 1, "expiring": 1}
VISITS: dict[str, Visit] = {
    visit.__name__: visit
    for visit in (
        polite, busy, rude, half_open, slow_reader, present, vanishing, renewing, expiring, rereading, refused,
        turned_away, resting,
    )
}  # fmt: skip
