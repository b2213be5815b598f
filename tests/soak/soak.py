"""A soak from its start to its end."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import psycopg

from helpers.lab import Lab
from tests.lab.footprint import Footprint
from tests.soak.ledger import Ledger
from tests.soak.leftovers import DROPS, HELD, differences, read_metrics, settled
from tests.soak.memory import Sample, Sampler
from tests.soak.plan import Plan
from tests.soak.senders import PUBLIC_TOPIC, HttpSender, SocketSender
from tests.soak.stayers import REPLAYED, stayers
from tests.soak.verdict import Judgement, judge
from tests.soak.visitors import Visitors
from tests.soak.world import TABLES
from tests.soak.writers import PRIVATE_TOPIC, Migrator, Writer

__all__ = ["Outcome", "Soak"]

_PATIENCE_S = 20.0
#: After the last delivery; a change that comes twice comes with the next poll.
_QUIET_S = 2.0
#: Of the lab and of asyncio, in its log.
_FAULT = re.compile(r"Traceback|,\d{3} \S+ (ERROR|CRITICAL) |never (awaited|retrieved)|PANIC: |terminated by signal")


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        judgements: one for each stayer.
        troubles: everything else that was not as it should be.
        samples: of memory, each second of the load.
        before, after: the lab's metrics with nobody but the stayers, before the load and after.
        done: how much of what was done; `visits`, how many.
        files_after: open descriptors of the lab process, with nobody but the stayers.
    """

    plan: Plan
    judgements: list[Judgement] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    visits: int = 0
    files_after: int = 0

    @property
    def problems(self) -> list[str]:
        """In words; empty if all held."""
        wrong = [line for judgement in self.judgements for line in judgement.examples()]
        silent = [f"{one.name}: nothing was to be heard" for one in self.judgements if not one.expected]
        return [*wrong, *silent, *self.troubles]


class Soak:
    """`outcome = await Soak(plan).run()`; with a lab of its own."""

    def __init__(self, plan: Plan, progress: Callable[[str], None] = lambda line: None) -> None:
        self._plan = plan
        self._progress = progress
        self.outcome = Outcome(plan)

    async def run(self) -> Outcome:
        """All of it; takes some seconds longer than the load."""
        lab = await Lab.start(self._plan.settings)
        try:
            footprint = Footprint.of_lab(lab)
            async with AsyncExitStack() as stack:
                await self._set_up(lab, stack)
                await self._load()
                await self._look_back()
            await self._look_at_leftovers(dict.fromkeys(HELD, 0.0))
        finally:
            await lab.stop()
        self.outcome.troubles += [f"{what} is left of the lab" for what in await footprint.gone()]
        return self.outcome

    async def _set_up(self, lab: Lab, stack: AsyncExitStack) -> None:
        """Tables, and everybody who has a part in it; those who stay are subscribed."""
        self._lab = lab
        connections = [await stack.enter_async_context(await self._connect()) for _ in range(self._plan.writers + 2)]
        await connections[0].execute(TABLES.encode())
        self._ledger = Ledger(connections[0])
        self._migrator = Migrator(connections[1], self._plan)
        self._writers = [Writer(one, self._plan, number) for number, one in enumerate(connections[2:])]
        self._senders = [
            kind(lab, self._plan, self._ledger, name, topic)
            for kind, name, topic in (
                (SocketSender, "socket-public", PUBLIC_TOPIC), (SocketSender, "socket-private", PRIVATE_TOPIC),
                (HttpSender, "http-public", PUBLIC_TOPIC), (HttpSender, "http-private", PRIVATE_TOPIC),
            )
        ]  # fmt: skip
        self._visitors = Visitors(lab, self._plan, self._ledger)
        for sender in self._senders:
            await sender.connect(stack)
        await self._seat(stack, connections[0])

    async def _seat(self, stack: AsyncExitStack, database: psycopg.AsyncConnection) -> None:
        """Let those who stay join; broadcasts of the past have been sent and heard before the last asks for them."""
        self._stayers = stayers(since_ms=int(time.time() * 1000) - 1000)
        *early, late = self._stayers
        for stayer in early:
            await stayer.join(self._lab, self._plan, stack)
        for number in range(REPLAYED):
            await database.execute("select say(%s, jsonb_build_object('text', %s::int))", (PRIVATE_TOPIC, number))
        async with asyncio.timeout(_PATIENCE_S):
            while len(early[-1].heard) < REPLAYED:  # noqa: ASYNC110 - it only notes what it hears
                await asyncio.sleep(0.05)
        await late.join(self._lab, self._plan, stack)

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(self._lab.info["database_url"], autocommit=True)

    async def _load(self) -> None:
        """Everything at once, until the time is over and the last visitor has gone."""
        self.outcome.before = await read_metrics(self._lab)
        self._sampler = Sampler(self._lab)
        began = time.monotonic()
        deadline = began + self._plan.seconds
        chance = random.Random(f"{self._plan.seed} tokens")
        async with asyncio.TaskGroup() as group:
            for writer in (*self._writers, self._migrator, *self._senders, self._visitors, self._sampler):
                group.create_task(writer.run(deadline))
            for stayer in self._stayers:
                group.create_task(stayer.renew(deadline, chance))
            group.create_task(self._keep_books(began, deadline))
        self.outcome.samples = self._sampler.samples

    async def _keep_books(self, began: float, deadline: float) -> None:
        """Empty the database's ledger and tell how far we are, every ten seconds."""
        while time.monotonic() < deadline:
            await asyncio.sleep(min(10.0, max(0.0, deadline - time.monotonic())))
            await self._ledger.drain()
            now = self._sampler.samples[-1]
            self._progress(
                f"{time.monotonic() - began:5.0f} s  {len(self._ledger.changes):,} changes, "
                f"{sum(map(len, self._ledger.broadcasts.values())):,} broadcasts, "
                f"{self._visitors.visits.total():,} visits; lab {now.lab_kib / 1024:.1f} MiB, "
                f"PostgreSQL {now.postgres_kib / 1024:.1f}, Node {now.node_kib / 1024:.1f}, {now.files} files"
            )

    async def _look_back(self) -> None:
        """Wait until nothing comes any more, and compare."""
        await self._ledger.drain()
        expected = [stayer.expected(self._ledger) for stayer in self._stayers]
        await self._until_quiet([len(facts) for facts in expected])
        outcome = self.outcome
        outcome.judgements = [
            judge(one.name, facts, one.heard) for one, facts in zip(self._stayers, expected, strict=True)
        ]
        outcome.troubles += [complaint for stayer in self._stayers for complaint in stayer.complaints()]
        outcome.troubles += [f"a visit went wrong: {surprise}" for surprise in self._visitors.surprises]
        outcome.visits = self._visitors.visits.total()
        outcome.done = self._done()
        await self._look_at_leftovers({name: outcome.before[name] for name in HELD})
        outcome.files_after = (await self._sampler.look()).files
        outcome.troubles += differences(outcome.after, dict.fromkeys(DROPS, 0.0))
        present = [one.channel.presence for one in self._stayers if one.config.presence_enabled]
        outcome.troubles += [f"still present: {who}" for who in present if who]
        outcome.troubles += _faults(self._lab)

    async def _until_quiet(self, expected: Sequence[int]) -> None:
        """Wait until everybody has heard so much, and then nothing more."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            latest = max((stayer.heard[-1].at for stayer in self._stayers if stayer.heard), default=0.0)
            missing = any(len(one.heard) < count for one, count in zip(self._stayers, expected, strict=True))
            if not missing and time.monotonic() - latest > _QUIET_S:
                return
            await asyncio.sleep(0.5)

    async def _look_at_leftovers(self, expected: dict[str, float]) -> None:
        metrics = await settled(self._lab, expected, _PATIENCE_S)
        self.outcome.after = self.outcome.after or metrics
        self.outcome.troubles += [f"left over: {what}" for what in differences(metrics, expected)]

    def _done(self) -> dict[str, str]:
        kinds = sum((writer.transactions for writer in self._writers), start=Counter[str]())
        spread = {topic: len(facts) for topic, facts in self._ledger.broadcasts.items()}
        return {
            "transactions": ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items())),
            "changes": f"{len(self._ledger.changes):,} committed rows",
            "migrations": f"{self._migrator.migrations:,} of the publication",
            "broadcasts": ", ".join(f"{count:,} to {topic}" for topic, count in spread.items()),
            "visits": ", ".join(f"{count:,} {kind}" for kind, count in sorted(self._visitors.visits.items())),
        }


def _faults(lab: Lab) -> list[str]:
    """What the lab's log holds that it should not."""
    text = lab.log.read_text(errors="replace")
    return [f"the lab's log: {text[fault.start() : fault.start() + 1500]}" for fault in list(_FAULT.finditer(text))[:3]]
