"""Asks the server itself, table by table, whether it would subscribe this key to its changes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence

from helpers.diagnosis.evidence import Missing, TableName, TableVerdict
from helpers.diagnosis.probes.connection import WayIn
from helpers.diagnosis.probes.dialogue import Dialogue, is_reply, is_system
from helpers.diagnosis.probes.run import READY_LIMIT_S, access_token, reason_of
from helpers.diagnosis.probes.stopwatch import WORLD, Stopwatch
from helpers.target import Target
from helpers.wire.frames import Frame
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["MOST_TABLES", "probe_subscriptions"]

#: One bad binding silences its whole channel (subscriptions.ex:27-52), so that each table has a channel of its own;
#: a socket holds 100 of them.
MOST_TABLES = 20


async def probe_subscriptions(target: Target, tables: Sequence[TableName]) -> tuple[TableVerdict, ...] | Missing:
    """One verdict for each table, in the order given; all within one limit of time."""
    if not tables:
        return Missing('no table is named: pass tables=["messages"], or set DATABASE_URL')
    way, watch = WayIn(target), Stopwatch("DNS", "TCP", "TLS", "HTTP upgrade")
    await way.open(watch)
    if way.websocket is None:
        return Missing("the connection could not be opened again")
    try:
        return await _ask(target, Dialogue(way.websocket), tables[:MOST_TABLES])
    finally:
        await way.close()


async def _ask(target: Target, dialogue: Dialogue, tables: Sequence[TableName]) -> tuple[TableVerdict, ...]:
    pending: dict[str, TableName] = {}
    joins: dict[str, str] = {}
    verdicts: dict[TableName, TableVerdict] = {}
    started = time.monotonic()
    with contextlib.suppress(*WORLD):
        async with asyncio.timeout(READY_LIMIT_S):
            for table in tables:
                topic = f"realtime:diagnosis:{secrets.token_hex(6)}"
                pending[topic] = table
                changes = (ChangeBinding(event="*", schema=table.schema, table=table.table),)
                payload = JoinConfig(changes=changes).payload(access_token(target))
                joins[await dialogue.send(topic, "phx_join", payload)] = topic
            while pending:
                frame = await dialogue.frame(lambda frame: _decides(frame, pending, joins))
                table = pending.pop(frame.topic)
                verdicts[table] = _verdict(table, frame, (time.monotonic() - started) * 1000)
    silent = f"no answer within {READY_LIMIT_S:g} s"
    return tuple(verdicts.get(table) or TableVerdict(str(table), None, silent) for table in tables)


def _decides(frame: Frame, pending: dict[str, TableName], joins: dict[str, str]) -> bool:
    """A `system` message decides, and so does a refused join."""
    if frame.topic not in pending:
        return False
    if is_system(frame.topic)(frame):
        return True
    refused = any(topic == frame.topic and is_reply(ref)(frame) for ref, topic in joins.items())
    return refused and frame.payload.get("status") != "ok"


def _verdict(table: TableName, frame: Frame, took_ms: float) -> TableVerdict:
    if frame.event == "system":
        message = str(frame.payload.get("message", ""))
        return TableVerdict(str(table), frame.payload.get("status") == "ok", message, took_ms)
    return TableVerdict(str(table), False, reason_of(frame), took_ms)
