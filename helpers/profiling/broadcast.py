"""Broadcast on one channel: how many messages a second go through, and how late they are."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from helpers.client import Channel, RealtimeClient
from helpers.errors import FailureError, SettingsError
from helpers.profiling.harness import Harness, LoopWatch, limits
from helpers.profiling.recorder import Recorder
from helpers.profiling.recording import Recording
from helpers.profiling.results import BroadcastProfile, BroadcastStep
from helpers.profiling.statistics import summarize
from helpers.profiling.workload import Workload
from helpers.results import utc_now
from helpers.target import Target, TargetKind
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig

__all__ = ["GENTLE_RATE_PER_S", "profile_broadcast"]

#: Every message counts twice, sent and delivered, against the free plan's 100 messages a second
#: (supabase.com/docs/guides/realtime/limits). Faster than this only in the lab, or when asked for.
GENTLE_RATE_PER_S = 40.0

EVENT = "workbook"
JOIN_LIMIT_S = 10.0
DRAIN_LIMIT_S = 3.0
MAX_MESSAGES = 20_000


class _Sent(NamedTuple):
    """What became of the sending: how many, in which time, how late at worst, and why it stopped early if it did."""

    messages: int
    seconds: float
    late_max_ms: float
    note: str

    @property
    def per_s(self) -> float:
        """The rate that was reached, 0 if nothing was sent."""
        return self.messages / self.seconds if self.seconds > 0 else 0.0


class _Heard(NamedTuple):
    """What the receiving side says beside its books: bytes, why its channel ended if it did, and how late it was."""

    wire_bytes: int
    ended: str
    harness: Harness


async def profile_broadcast(
    target: Target,
    *,
    rates_per_s: Sequence[float] | None = None,
    seconds: float = 1.0,
    body_bytes: int = 400,
) -> BroadcastProfile:
    """Send on one channel from one socket to another, at one rate after the other.

    Args:
        rates_per_s: by default 500, 1,000 and 2,000 in the lab, and a rate that fits the free plan elsewhere.
        seconds: duration of each step.
        body_bytes: text in each message.

    Raises:
        SettingsError: more messages than a measurement should send.
        ConnectionFailed, JoinFailed: the target refused a socket or the channel.
    """
    in_lab = target.kind is TargetKind.LAB
    rates = rates_per_s or ((500.0, 1_000.0, 2_000.0) if in_lab else (GENTLE_RATE_PER_S,))
    if not 0 < sum(rates) * seconds <= MAX_MESSAGES:
        happened = f"{sum(rates) * seconds:,.0f} messages are planned"
        raise SettingsError("planning the broadcasts", happened, f"Choose at least 1 and at most {MAX_MESSAGES:,}")
    steps = [await _step(target, Workload(rate, seconds, rooms=1, body_bytes=body_bytes)) for rate in rates]
    return BroadcastProfile(target=str(target), taken_at=utc_now(), steps=tuple(steps))


async def _step(target: Target, workload: Workload) -> BroadcastStep:
    """One rate: two sockets on one channel that nobody else uses."""
    topic = f"workbook:{secrets.token_hex(4)}"
    async with RealtimeClient(target) as sender, RealtimeClient(target) as receiver:
        sending, receiving = sender.channel(topic, JoinConfig()), receiver.channel(topic, JoinConfig())
        await sending.subscribe(timeout=JOIN_LIMIT_S)
        await receiving.subscribe(timeout=JOIN_LIMIT_S)
        recorder = Recorder(workload, time.monotonic() + 0.05, 0, None)
        arrived = asyncio.Event()
        receiving.on_event(_entering(recorder, workload.rows, arrived))
        before = receiver.counters.wire_bytes_in
        async with LoopWatch() as watch:
            sent = await _send(sending, workload, recorder.start)
            await _drain(receiving, arrived)
        wire_bytes = receiver.counters.wire_bytes_in - before
        ended = f"the receiver's channel ended: {receiving.reason}" if receiving.reason else ""
    heard = _Heard(wire_bytes, ended, watch.harness(workload.rate_per_s, sent.per_s, sent.late_max_ms))
    return _as_step(workload, recorder, sent, heard)


async def _drain(receiving: Channel, arrived: asyncio.Event) -> None:
    """Until everything has arrived; what has not within the limit is counted as lost."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(arrived.wait(), DRAIN_LIMIT_S)


def _entering(recorder: Recorder, expected: int, arrived: asyncio.Event) -> Callable[[Event], None]:
    """A callback that enters broadcasts into the ledger, and tells when all have arrived."""

    def on_event(event: Event) -> None:
        if isinstance(event, Broadcast) and event.event == EVENT:
            recorder.on_receipt(event.payload["seq"], event.received_at, event.size_bytes)
            if recorder.has(expected):
                arrived.set()

    return on_event


async def _send(channel: Channel, workload: Workload, start: float) -> _Sent:
    """Send every message when it is due; stop when the server closes the channel, or the connection is lost."""
    body, late_s, sent, note = "x" * workload.body_bytes, 0.0, 0, ""
    try:
        for index in range(workload.rows):
            due = start + workload.due_s(index)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            late_s = max(late_s, time.monotonic() - due)
            await channel.broadcast(EVENT, {"seq": index, "body": body})
            sent += 1
    except FailureError as closed:
        note = closed.happened
    planned_s = workload.due_s(workload.rows)
    return _Sent(sent, max(time.monotonic() - start, planned_s), 1_000 * late_s, note)


def _as_step(workload: Workload, recorder: Recorder, sent: _Sent, heard: _Heard) -> BroadcastStep:
    recording = _recording(workload, recorder, sent, heard)
    return BroadcastStep(
        rate_per_s=workload.rate_per_s,
        sent=sent.messages,
        received=recording.received,
        lost=recording.lost,
        duplicated=recording.duplicated,
        reordered=recording.reordered,
        received_per_s=recording.throughput_per_s,
        send_late_ms=sent.late_max_ms,
        latency_ms=summarize(recorder.latencies_ms) if recorder.latencies_ms else None,
        payload_bytes=summarize(recorder.sizes) if recorder.sizes else None,
        note="; ".join(recording.notes),
        recording=recording,
    )


def _recording(workload: Workload, recorder: Recorder, sent: _Sent, heard: _Heard) -> Recording:
    """The step with its histogram, and with everything that a reader must know of it."""
    ledger = recorder.ledger
    p99_ms = 1e3 * ledger.latency.percentile_s(99) if ledger.latency.count else None
    notes = [note for note in (sent.note, heard.ended) if note]
    if not notes:  # who was cut off did not reach its rate for that reason
        notes += limits(heard.harness, p99_ms)
    return Recording.of(
        ledger,
        f"broadcast at {workload.rate_per_s:g}/s",
        seconds=max(recorder.last_at - recorder.start, workload.seconds),
        sent=sent.messages,
        wire_bytes=heard.wire_bytes,
        names=[("receiver", "workbook")],
        harness=heard.harness,
        notes=notes,
    )
