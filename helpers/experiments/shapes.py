"""Connection shapes: the same subscriptions on one channel, on many channels of one socket, or on many sockets."""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from functools import partial

from helpers.client import RealtimeClient
from helpers.errors import FailureError, SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.experiments.tables import OwnTable, own_table
from helpers.probes.crowd import Begin, Grow, Receive
from helpers.profiling.memory import MAX_SUBSCRIPTIONS, ask_crowd
from helpers.profiling.meters import Meters
from helpers.profiling.results import Skipped
from helpers.profiling.worker import Worker
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["MANY_SOCKETS", "ONE_CHANNEL", "ONE_SOCKET", "compare_shapes"]

QUESTION = "The same subscriptions to one table: on one channel, on many channels of one socket, or on many sockets?"

ONE_CHANNEL, ONE_SOCKET, MANY_SOCKETS = "one channel", "one socket", "many sockets"

SUBSCRIBED = Metric("all subscribed", "ms")
RATE = Metric("subscriptions per second", "1/s", higher_is_better=True)
CONNECT = Metric("connect", "ms")
JOIN = Metric("join", "ms")
READY = Metric("ready", "ms")
CLIENT, SERVER, DATABASE = (Metric(f"{who} CPU", "ms") for who in ("client", "server", "database"))
MEMORY = Metric("client memory", "KiB")
BYTES = Metric("bytes to subscribe", "B")
METRICS = (SUBSCRIBED, RATE, CONNECT, JOIN, READY, CLIENT, SERVER, DATABASE, MEMORY, BYTES)

#: How many subscriptions, and rounds.
COUNTS = {Size.SMALL: 60, Size.FULL: MAX_SUBSCRIPTIONS}
ROUNDS = {Size.SMALL: 3, Size.FULL: 12}

#: "Subscribed to PostgreSQL" has taken up to 4.4 s after a cold start (supabase/realtime#281).
COLD_LIMIT_S = 20.0

#: Between two runs on a target with a quota: keeps 90 joins and 90 deliveries a run below 100 a second.
POLITE_PAUSE_S = 1.0

#: An idle server looks for changes every 0.5 s (`replication_poller.ex`); so much patience is enough for any.
DELIVERY_LIMIT_S = 15.0


async def compare_shapes(
    target: Target, *, size: Size = Size.SMALL, subscriptions: int | None = None, rounds: int | None = None
) -> Experiment | Skipped:
    """Subscribe to as many rooms of one table in three shapes, each in a process of its own, and meter it.

    Every shape is tried: one row for each room is written, and all have to arrive.

    Args:
        subscriptions: rooms, 2 to 90, which one socket and the free plan allow.

    Raises:
        SettingsError: another number of subscriptions.
        FailureError: the target refused all of them.
    """
    count = COUNTS[size] if subscriptions is None else subscriptions
    if not 2 <= count <= MAX_SUBSCRIPTIONS:
        raise SettingsError(
            "planning the shapes", f"{count} subscriptions", f"Choose from 2 to {MAX_SUBSCRIPTIONS} of them"
        )
    if not target.writes_allowed:
        return Skipped("connection shapes", "they need a table of ours: set WORKBOOK_ALLOW_WRITES=yes and DATABASE_URL")
    async with own_table(target) as table, RealtimeClient(target) as first:
        # After a pause a server starts to read changes, which takes seconds: the first to subscribe pays for it.
        warming = JoinConfig(changes=(ChangeBinding(schema=table.schema, table=table.name, filter="room_id=eq.-1"),))
        await first.channel(f"workbook:shapes:{secrets.token_hex(4)}", warming).subscribe(timeout=COLD_LIMIT_S)
        shapes = {ONE_CHANNEL: (1, count), ONE_SOCKET: (count, 1), MANY_SOCKETS: (1, 1)}
        arms = {
            name: partial(_subscribe, target, table, count // bindings, per_socket, bindings)
            for name, (per_socket, bindings) in shapes.items()
        }
        return await run_rounds(
            "connection shapes", QUESTION, target, arms, metrics=METRICS, rounds=rounds or ROUNDS[size], size=size,
            answer=_answer, baseline=MANY_SOCKETS, settings={"subscriptions": count},
        )  # fmt: skip


async def _subscribe(
    target: Target, table: OwnTable, channels: int, per_socket: int, bindings: int, number: int
) -> Outcome:
    """One shape once: subscribe all, metered; then a row for each room, to see that they are alive."""
    rooms = channels * bindings
    async with Worker("helpers.probes.crowd") as worker:
        topic = f"workbook:shapes:{secrets.token_hex(4)}"
        await ask_crowd(worker, Begin(target, topic, table.name, per_socket, bindings))
        async with Meters(target, client_pid=worker.pid) as meters:
            before = await meters.read()
            began = time.monotonic()
            crowd = await ask_crowd(worker, Grow(channels))
            seconds = time.monotonic() - began
            used = (await meters.read()).since(before)
        received = await _try_out(worker, table, rooms)
    if target.kind is not TargetKind.LAB:
        await asyncio.sleep(POLITE_PAUSE_S)
    if received < rooms:
        happened = f"{rooms - received} of {rooms} rooms heard nothing of their row"
        raise FailureError("trying the subscriptions", happened, "Try again with fewer subscriptions")
    values = {
        SUBSCRIBED.name: 1e3 * seconds,
        RATE.name: rooms / seconds,
        CONNECT.name: statistics.median(crowd.connect_ms),
        JOIN.name: statistics.median(crowd.join_ms),
        READY.name: statistics.median(crowd.ready_ms),
        CLIENT.name: _ms(used.client_cpu_s),
        SERVER.name: _ms(used.server_cpu_s),
        DATABASE.name: _ms(used.database_cpu_s),
        MEMORY.name: max(0.0, (used.client_memory_bytes - before.client_memory_bytes) / 1024),
        BYTES.name: float(crowd.wire_bytes),
    }
    return Outcome(values, notes=used.notes)


async def _try_out(worker: Worker, table: OwnTable, rooms: int) -> int:
    """A row for each room; how many of them were heard of."""
    rows = "select n, n from generate_series(0, %s) n"
    await table.run(f"insert into {table.quoted} (seq, room_id) {rows}", [rooms - 1])
    return (await ask_crowd(worker, Receive(rooms, DELIVERY_LIMIT_S))).received


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds


def _answer(experiment: Experiment) -> str:
    """In what the two shapes differ from a socket each, and in what no difference is shown."""
    said = []
    for name in (ONE_CHANNEL, ONE_SOCKET):
        contrasts = [
            found for metric in (BYTES, MEMORY, CLIENT, SERVER, DATABASE, SUBSCRIBED)
            if (found := experiment.contrast(metric.name, name)) is not None
        ]  # fmt: skip
        shown = [f"{found.gain.metric} {found.gain.verdict}" for found in contrasts if found.gain.shown]
        rest = [found.gain.metric for found in contrasts if not found.gain.shown]
        if contrasts:
            said.append(
                f"{name.capitalize()} against {MANY_SOCKETS}: {'; '.join(shown) or 'no difference shown at all'}"
                + (f"; no difference shown in {', '.join(rest)}." if shown and rest else ".")
            )
    return "\n".join(said) or "Too few runs to compare."
