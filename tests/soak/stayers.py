"""Subscribers who join once, before anything happens, and note all they hear until everything is over."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from helpers.client import Channel, RealtimeClient
from helpers.lab import Lab
from helpers.wire.events import Broadcast, Change, Event, PresenceDiff
from helpers.wire.frames import Version
from helpers.wire.join import ChangeBinding, JoinConfig, Replay
from tests.soak.ledger import Committed, Ledger, change_key, said_key
from tests.soak.plan import Plan
from tests.soak.senders import PUBLIC_TOPIC
from tests.soak.verdict import Fact, Heard
from tests.soak.world import ALICE, BOB
from tests.soak.writers import PRIVATE_TOPIC

__all__ = ["PRESENCE_TOPIC", "REPLAYED", "Stayer", "stayers"]

PRESENCE_TOPIC = "soak:presence"
#: Broadcasts that were there before: as many as a replay gives (docs: realtime/broadcast).
REPLAYED = 25
#: Of a subscriber with a token of its own; each renewal makes the lab look with new claims.
_RENEW_S = (5.0, 15.0)

Expected = Callable[[Ledger], list[Fact]]


@dataclass
class Stayer:
    """One subscriber, on a socket of its own.

    Attributes:
        expected: what of the ledger is for it.
        sub: the user it is; None for the public key alone.
        heard: everything, in the order of receipt.
        failures: what must not happen to it: a closed channel, an error.
    """

    name: str
    topic: str
    config: JoinConfig
    expected: Expected
    sub: str | None = None
    version: Version = Version.V2
    heard: list[Heard] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def join(self, lab: Lab, plan: Plan, stack: AsyncExitStack) -> None:
        """Connect and subscribe."""
        self._lab = lab
        client = RealtimeClient(lab.target, token=self._token(), version=self.version, heartbeat_s=plan.heartbeat_s)
        self._client = await stack.enter_async_context(client)
        self.channel: Channel = client.channel(self.topic, self.config, buffer=1)
        self.channel.on_event(self._hear)
        await self.channel.subscribe(timeout=20)

    async def renew(self, deadline: float, chance: random.Random) -> None:
        """Take a new token now and then, as a client does whose session is refreshed."""
        while self.sub is not None and time.monotonic() < deadline:
            await asyncio.sleep(min(chance.uniform(*_RENEW_S), max(0.0, deadline - time.monotonic())))
            await self._client.set_token(self._lab.token(sub=self.sub))

    def complaints(self) -> list[str]:
        """Why it did not stay; empty if it did."""
        left = [] if self.channel.state == "ready" else [f"its channel is {self.channel.state}: {self.channel.reason}"]
        return [f"{self.name}: {what}" for what in [*self.failures, *left]]

    def _token(self) -> str | None:
        return None if self.sub is None else self._lab.token(sub=self.sub)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Change):
            self._hear_change(event)
        elif isinstance(event, Broadcast):
            self._add(said_key(*_said_by(event.payload)), event.payload, event.received_at)
        elif isinstance(event, PresenceDiff):
            for what, metas in (("joined", event.joins), ("left", event.leaves)):
                for who in metas:
                    self._add((what, who), None, event.received_at)
        elif getattr(event, "status", "ok") != "ok":
            self.failures.append(repr(event))

    def _hear_change(self, change: Change) -> None:
        row = change.record or change.old_record
        key = change_key(change.type, change.table, row["id"], row.get("version", 0))
        self._add(key, _content(change.record, change.old_record) | {"errors": change.errors}, change.received_at)

    def _add(self, key: Any, content: Any, at: float) -> None:
        self.heard.append(Heard(key, content, at))


def _said_by(payload: Any) -> tuple[str, int]:
    if isinstance(payload, bytes):
        source, number, _ = payload.split(b" ", 2)
        return source.decode(), int(number)
    return payload["from"], payload["id"]


def _content(new: Any, old: Any) -> dict[str, Any]:
    return {"new": new or {}, "old": old or {}}


def _change(row: Committed, *, only_key: bool) -> Fact:
    """What is sent of a change; before it, only the primary key under row level security or without a full identity."""
    old = {"id": row.id} if only_key and row.old else row.old
    key = change_key(row.kind, row.subject, row.id, row.version)
    lanes = (("connection", row.source), (row.subject, row.id))
    return Fact(key, _content(row.new, old) | {"errors": ()}, row.number, lanes)


def _open(wanted: Callable[[Committed], bool] = lambda row: True) -> Expected:
    """Changes of the table that everybody may read."""
    return lambda ledger: [
        _change(row, only_key=False) for row in ledger.changes if row.subject == "open_rows" and wanted(row)
    ]


def _own(sub: str) -> Expected:
    """A user's own rows, and whatever is deleted: of that everybody hears the key."""
    return lambda ledger: [
        _change(row, only_key=True)
        for row in ledger.changes
        if row.subject == "own_rows" and (row.new is None or row.new["owner"] == sub)
    ]


def _said(topic: str, *, binary: bool = True) -> Expected:
    return lambda ledger: [
        fact for fact in ledger.broadcasts.get(topic, []) if binary or not isinstance(fact.content, bytes)
    ]


def _room(row: Committed) -> Any:
    """What a filter looks at: the new row, or the old one of a DELETE."""
    return (row.new or row.old or {})["room"]


def stayers(since_ms: int) -> Sequence[Stayer]:
    """All of them; the one with a replay (of what was sent since then) joins last."""
    everything = JoinConfig(changes=(ChangeBinding(table="open_rows"),))
    one_room = JoinConfig(changes=(ChangeBinding(table="open_rows", filter="room=eq.3"),))
    some_inserts = JoinConfig(changes=(ChangeBinding(event="INSERT", table="open_rows", filter="room=in.(1,2)"),))
    own_rows = JoinConfig(changes=(ChangeBinding(table="own_rows"),))
    private = JoinConfig(private=True)
    replay = JoinConfig(private=True, replay=Replay(since_ms, REPLAYED))
    present = JoinConfig(presence_enabled=True)
    return (
        Stayer("every change", "soak:all", everything, _open()),
        Stayer("every change, 1.0.0", "soak:all", everything, _open(), version=Version.V1),
        Stayer("one room", "soak:room", one_room, _open(lambda row: _room(row) == 3)),
        Stayer(
            "inserts of two rooms", "soak:inserts", some_inserts,
            _open(lambda row: row.kind == "INSERT" and _room(row) in (1, 2)),
        ),
        Stayer("Alice's own rows", "soak:own", own_rows, _own(ALICE), sub=ALICE),
        Stayer("Bob's own rows, 1.0.0", "soak:own", own_rows, _own(BOB), sub=BOB, version=Version.V1),
        Stayer("public broadcasts", PUBLIC_TOPIC, JoinConfig(), _said(PUBLIC_TOPIC)),
        Stayer("public, 1.0.0", PUBLIC_TOPIC, JoinConfig(), _said(PUBLIC_TOPIC, binary=False), version=Version.V1),
        Stayer("presence", PRESENCE_TOPIC, present, lambda ledger: ledger.presences),
        Stayer("private broadcasts", PRIVATE_TOPIC, private, _said(PRIVATE_TOPIC), sub=BOB),
        Stayer("private with replay", PRIVATE_TOPIC, replay, _said(PRIVATE_TOPIC), sub=ALICE),
    )  # fmt: skip
