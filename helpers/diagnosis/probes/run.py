"""One run of the whole way, from the host's name to the first delivered change, on one connection."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection

from helpers.diagnosis.evidence import Connection, Live, Missing, TableName
from helpers.diagnosis.probes import connection
from helpers.diagnosis.probes.connection import WayIn
from helpers.diagnosis.probes.dialogue import Dialogue, is_reply, is_system
from helpers.diagnosis.probes.stopwatch import Refused, StepFailed, Stopwatch
from helpers.diagnosis.probes.writer import RowWriter
from helpers.target import Target
from helpers.wire.frames import Frame
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["LIVE_NAMES", "POLL_IDLE_S", "Run", "access_token", "probe_run"]

LIVE_NAMES = ("ping", "heartbeat", "join", "system ok", "broadcast", "change")
PING_LIMIT_S = 2.0
HEARTBEAT_LIMIT_S = 3.0
#: Realtime answers a refused join after 5 s (config/runtime.exs, CHANNEL_ERROR_BACKOFF_MS).
JOIN_LIMIT_S = 8.0
#: A cold start takes 1.2–2.7 s, and threads report 4.4 s (realtime-js#525); one retry comes after 5–10 s.
READY_LIMIT_S = 10.0
BROADCAST_LIMIT_S = 3.0
#: How long the server waits between two polls of an idle slot (replication_poller.ex:189).
POLL_IDLE_S = 0.5
CHANGE_LIMIT_S = 4.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run saw."""

    connection: Connection
    live: Live

    @property
    def repeatable(self) -> bool:
        """Whether another run would tell more: the channel was joined, and nothing took all of its time."""
        joined = bool(self.live.step("join").samples_ms)
        return joined and not any(step.fault == "timeout" for step in self.live.steps if step.name != "ping")


@dataclass(slots=True)
class _Channel:
    """What is learnt on the channel in the course of a run."""

    target: Target
    watch: Stopwatch
    dialogue: Dialogue
    binding: TableName | None
    topic: str = field(default_factory=lambda: f"realtime:diagnosis:{secrets.token_hex(6)}")
    join_ref: str = ""
    join_reason: str = ""
    system_message: str = ""
    write_ms: tuple[float, ...] = ()
    change_bytes: int = 0

    async def ping(self) -> None:
        """The WebSocket's own ping, which the next hop may answer; a heartbeat is answered by Realtime."""
        async with self.watch.step("ping", PING_LIMIT_S):
            await (await self.dialogue.websocket.ping())

    async def heartbeat(self) -> None:
        async with self.watch.step("heartbeat", HEARTBEAT_LIMIT_S):
            ref = await self.dialogue.send("phoenix", "heartbeat", {})
            await self.dialogue.frame(is_reply(ref))

    async def join(self) -> None:
        """Ask for broadcasts of our own and for the changes of one table (of all tables in `public` without one)."""
        async with self.watch.step("join", JOIN_LIMIT_S) as note:
            payload = _join_config(self.binding).payload(access_token(self.target))
            self.join_ref = await self.dialogue.send(self.topic, "phx_join", payload)
            reply = await self.dialogue.frame(is_reply(self.join_ref))
            if reply.payload.get("status") != "ok":
                self.join_reason = reason_of(reply)
                raise Refused(self.join_reason)
            note.detail = "a public channel"

    async def ready(self) -> None:
        """The join's reply only opens the channel; changes are delivered from the `system` message on."""
        async with self.watch.step("system ok", READY_LIMIT_S) as note:
            frame = await self.dialogue.frame(is_system(self.topic))
            self.system_message = str(frame.payload.get("message", ""))
            if frame.payload.get("status") != "ok":
                raise Refused(self.system_message)
            note.detail = f"changes of {self.binding or 'all tables in public'}: {self.system_message}"

    async def broadcast(self) -> None:
        async with self.watch.step("broadcast", BROADCAST_LIMIT_S) as note:
            message = {"type": "broadcast", "event": "diagnosis", "payload": {"hello": "there"}}
            await self.dialogue.send(self.topic, "broadcast", message, self.join_ref)
            await self.dialogue.broadcast_on(self.topic, "diagnosis")
            note.detail = "sent by this client, received by this client"

    async def change(self, writer: RowWriter, phase: float) -> None:
        """From the moment at which the INSERT is sent to the moment at which its change has arrived.

        A pause goes before it, `phase` of the time between two polls: the subscription's own poll sets the rhythm of
        the next ones, and an INSERT right behind it would always meet the longest wait.
        """
        marker = f"diagnosis {secrets.token_hex(8)}"
        await asyncio.sleep(phase * POLL_IDLE_S)
        async with self.watch.step("change", CHANGE_LIMIT_S) as note:
            before = time.monotonic()
            await writer.write(marker)
            write_ms = (time.monotonic() - before) * 1000
            await self.dialogue.frame(lambda frame: _brings(frame, self.topic, marker))
            note.detail = f"INSERT into {writer.table}, of which {write_ms:.1f} ms until its commit"
        self.write_ms = (write_ms,)
        self.change_bytes = self.dialogue.received_bytes


async def probe_run(target: Target, binding: TableName | None, writer: RowWriter | Missing, phase: float) -> Run:
    """Take every step once; a step that fails ends its branch, and the run says where and how.

    Args:
        target: which Supabase.
        binding: the table whose changes are subscribed to; None for all in `public`.
        writer: writes the row whose change is awaited, or the reason why none is written.
        phase: when the row is written between two polls of an idle server, 0 to 1; spread it over the runs.
    """
    watch = Stopwatch(*connection.NAMES, *LIVE_NAMES)
    way = WayIn(target)
    try:
        await way.open(watch)
        live = await _talk(target, watch, way.websocket, binding, writer, phase)
    finally:
        await way.close()
    return Run(way.evidence(watch), live)


async def _talk(
    target: Target,
    watch: Stopwatch,
    websocket: ClientConnection | None,
    binding: TableName | None,
    writer: RowWriter | Missing,
    phase: float,
) -> Live:
    if websocket is None:
        return Live(steps=_live_steps(watch))
    channel = _Channel(target, watch, Dialogue(websocket), binding)
    await _branch(channel, writer, phase)
    steps = _live_steps(watch)
    return Live(
        steps=steps,
        join_reason=channel.join_reason,
        system_message=channel.system_message,
        overheard=tuple(dict.fromkeys(channel.dialogue.overheard)),
        table=str(binding or ""),
        write_ms=channel.write_ms,
        change_bytes=channel.change_bytes,
        took_ms=sum(step.took_ms for step in steps),
    )


async def _branch(channel: _Channel, writer: RowWriter | Missing, phase: float) -> None:
    """Broadcast does not need the database: it is tried also when the changes are not to be had."""
    await _succeeds(channel.ping())
    try:
        await channel.heartbeat()
        await channel.join()
    except StepFailed:
        return
    ready = await _succeeds(channel.ready())
    await _succeeds(channel.broadcast())
    if isinstance(writer, Missing):
        channel.watch.skip("change", f"not measured, because {writer.reason}")
    elif ready:
        await _succeeds(channel.change(writer, phase))


async def _succeeds(step: Any) -> bool:
    try:
        await step
    except StepFailed:
        return False
    return True


def access_token(target: Target) -> str | None:
    """What the official clients send with a join: the key if it is a JWT, else nothing."""
    return None if target.publishable_key.startswith("sb_") else target.publishable_key


def reason_of(reply: Frame) -> str:
    """The server's sentence in a reply that refuses."""
    response = reply.payload.get("response")
    return str(response.get("reason", response) if isinstance(response, dict) else response)


def _join_config(binding: TableName | None) -> JoinConfig:
    if binding is None:
        change = ChangeBinding(event="*", schema="public")
    else:
        change = ChangeBinding(event="*", schema=binding.schema, table=binding.table)
    return JoinConfig(broadcast_self=True, changes=(change,))


def _brings(frame: Frame, topic: str, marker: str) -> bool:
    if frame.topic != topic or frame.event != "postgres_changes" or not isinstance(frame.payload, dict):
        return False
    data = frame.payload.get("data")
    record = data.get("record") if isinstance(data, dict) else None
    return isinstance(record, dict) and record.get("body") == marker


def _live_steps(watch: Stopwatch) -> tuple[Any, ...]:
    return tuple(step for step in watch.finished() if step.name in LIVE_NAMES)
