"""Attacks on a lab while honest clients use it, and what must hold all the time.

Honest clients hear each other in time and in order, nobody else hears them, no SQL of the enemy has run, the lab lives,
logs no fault, holds no connections of those who are gone and no memory for them.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
import psutil
import psycopg

from helpers.client import RealtimeClient
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.wire.join import ChangeBinding, JoinConfig
from tests.fuzz.attacks import ATTACKS, WEIGHTS, Battlefield
from tests.fuzz.hostile import Hostile

__all__ = ["SETTINGS", "Siege", "Toll"]

#: No delays, and no quotas that honest clients would share with their enemy; a reader is given up early.
SETTINGS = LabSettings(
    realtime=RealtimeSettings(
        join_error_delay_s=0.01,
        handshake_error_delay_s=0.01,
        write_buffer_bytes=2_000_000,
        limits=Limits(
            users=10_000,
            channels_per_client=400,
            joins_per_s=1e9,
            events_per_s=1e9,
            presence_events_per_s=1e9,
            presence_calls=1_000_000,
        ),
    )
)
_AT_ONCE = 4
_PATIENCE_S = 15.0
_MEMORY_BYTES = 400 * 2**20
_TABLES = """
    create table canary (id int primary key);
    insert into canary values (1);
    create table fuzzed (id bigint generated always as identity primary key, body text, tags text[], doc jsonb);
    create table honest (id bigint generated always as identity primary key, body text);
    alter table honest enable row level security;
    create policy listener on honest for select to authenticated using ((select auth.jwt()) ->> 'listener' = 'honest');
    grant select on canary, fuzzed, honest to anon, authenticated;
    grant insert, update, delete, truncate on canary to postgres;
    alter publication supabase_realtime add table fuzzed, honest;
"""
#: Of the lab, of asyncio, and of PostgreSQL, which a syntax error would tell of text that had become SQL.
_FAULT = re.compile(
    r"Traceback|,\d{3} \S+ (ERROR|CRITICAL) |never (awaited|retrieved)|was terminated by signal|PANIC: |syntax error"
)


class Broken(AssertionError):  # noqa: N818 - it is a finding
    """Something did not hold."""


@dataclass
class Toll:
    """What the siege has seen.

    Attributes:
        attacks: how many of each kind.
        rounds: how often honest clients heard each other.
        slowest_s: the longest that one of their messages took.
    """

    attacks: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    slowest_s: float = 0.0

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(self.attacks.items()))
        return f"{kinds}; {self.rounds} honest rounds, the slowest {self.slowest_s:.2f} s"


class Siege:
    """One lab under attack; `async with Siege(seed) as siege: await siege.run(seconds)`."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._stack = AsyncExitStack()
        self.toll = Toll()

    async def __aenter__(self) -> Siege:
        self.lab = await self._stack.enter_async_context(Lab(SETTINGS))
        self.database = await self._stack.enter_async_context(
            await psycopg.AsyncConnection.connect(self.lab.info["database_url"], autocommit=True)
        )
        await self.database.execute(_TABLES.encode())
        self._secret = uuid.uuid4().hex
        self._field = Battlefield(self.lab, Hostile(self._seed, self.lab), self._secret.encode())
        self._server = psutil.Process(self.lab.pid)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self, seconds: float, progress: Callable[[Toll], None] = lambda toll: None) -> None:
        """Attack for so long.

        Raises:
            Broken: something did not hold.
        """
        deadline = time.monotonic() + seconds
        async with Honest(self.lab, self._secret, self.database) as honest:
            memory = self._server.memory_info().rss
            attackers = [asyncio.create_task(self._attack(deadline)) for _ in range(_AT_ONCE)]
            try:
                while time.monotonic() < deadline:
                    self.toll.slowest_s = max(self.toll.slowest_s, await honest.round())
                    self.toll.rounds += 1
                    self._look(memory, attackers)
                    progress(self.toll)
                    await asyncio.sleep(0.1)
                await asyncio.gather(*attackers)
            finally:
                for attacker in attackers:
                    attacker.cancel()
            await honest.round()
            await self._aftermath()

    async def _attack(self, deadline: float) -> None:
        names, weights = list(ATTACKS), [WEIGHTS.get(name, 2) for name in ATTACKS]
        chance = self._field.hostile.chance
        while time.monotonic() < deadline:
            (name,) = chance.choices(names, weights)
            async with asyncio.timeout(60):
                await ATTACKS[name](self._field)
            self.toll.attacks[name] += 1
            if chance.random() < 0.3:
                await self.database.execute("insert into fuzzed (body, tags, doc) values ('x', '{a,b}', '{\"a\": 1}')")

    def _look(self, memory: int, attackers: list[asyncio.Task[None]]) -> None:
        if not self.lab.running:
            raise Broken("the lab has ended")
        for attacker in attackers:
            if attacker.done() and attacker.exception() is not None:
                raise Broken("an attacker got no connection") from attacker.exception()
        if self._field.leaks:
            raise Broken(f"an attacker has heard an honest client: {self._field.leaks[0]!r}")
        if self._field.intrusions:
            raise Broken("a forged token has opened a socket")
        fault = _FAULT.search(self.lab.log.read_text(errors="replace"))
        if fault:
            text = self.lab.log.read_text(errors="replace")
            raise Broken("the lab logged a fault:\n" + text[max(0, fault.start() - 500) : fault.start() + 3000])
        grown = self._server.memory_info().rss - memory
        if grown > _MEMORY_BYTES:
            raise Broken(f"the lab has grown by {grown / 2**20:.0f} MiB")

    async def _aftermath(self) -> None:
        """When everybody has gone."""
        found = await self.database.execute("select array_agg(id) from canary")
        if await found.fetchone() != ([1],):
            raise Broken("SQL of an attacker has run")
        limit = time.monotonic() + _PATIENCE_S
        while (left := await self._open_sockets()) != Honest.SOCKETS:
            if time.monotonic() > limit:
                raise Broken(f"{left} sockets are open, of which {Honest.SOCKETS} are honest")
            await asyncio.sleep(0.2)

    async def _open_sockets(self) -> int:
        headers = {"Authorization": f"Bearer {self.lab.info['secret_key']}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.lab.info['api_url']}/metrics", headers=headers) as response,
        ):
            found = re.search(r"^phoenix_connections_total (\d+)$", await response.text(), re.MULTILINE)
        assert found
        return int(found[1])


class Honest:
    """Two clients that talk to each other and listen to a table."""

    SOCKETS = 2

    def __init__(self, lab: Lab, secret: str, database: psycopg.AsyncConnection) -> None:
        self._target = lab.target
        # Attackers may know the names of tables, and ask for all of them: policies keep the rows from them.
        self._token = lab.token(listener="honest", lifetime_s=7 * 86_400)
        self._secret = secret
        self._database = database
        self._number = 0
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Honest:
        topic = f"honest:{self._secret}"
        listener = await self._stack.enter_async_context(RealtimeClient(self._target, token=self._token))
        speaker = await self._stack.enter_async_context(RealtimeClient(self._target))
        hearing = listener.channel(topic, JoinConfig(changes=(ChangeBinding(table="honest"),)))
        hearing.on_event(lambda event: self._heard.put_nowait(repr(event)))
        await hearing.subscribe(timeout=_PATIENCE_S)
        self._channel = speaker.channel(topic, JoinConfig())
        await self._channel.subscribe(timeout=_PATIENCE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def round(self) -> float:
        """Say something and write something; returns how long it took until both were heard, in seconds.

        Raises:
            Broken: they were not, or something else was.
        """
        self._number += 1
        words = f"{self._secret}-{self._number}-"
        began = time.monotonic()
        await self._channel.broadcast("said", {"words": words + "said"})
        await self._database.execute("insert into honest (body) values (%s)", (words + "written",))
        expected = {words + "said", words + "written"}
        while expected:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    event = await self._heard.get()
            except TimeoutError:
                raise Broken(f"an honest client was not heard: {expected}") from None
            meant = next((words for words in expected if words in event), None)
            if meant is None:
                if "Change(" in event or "Broadcast(" in event:
                    raise Broken(f"an honest client heard something else: {event[:1000]}")
                continue
            expected.remove(meant)
        return time.monotonic() - began
