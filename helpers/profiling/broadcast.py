"""Broadcast on one channel: how many messages a second go through, and how late they are."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.errors import SettingsError
from helpers.profiling.results import BroadcastProfile, BroadcastStep
from helpers.profiling.statistics import summarize
from helpers.profiling.workloads.measuring import Measured, measure_once
from helpers.profiling.workloads.rates import Constant
from helpers.profiling.workloads.workload import Route, Workload
from helpers.profiling.workloads.writer import Writer
from helpers.results import utc_now
from helpers.target import Target, TargetKind

__all__ = ["GENTLE_RATE_PER_S", "profile_broadcast"]

#: Every message counts twice, sent and delivered, against the free plan's 100 messages a second
#: (supabase.com/docs/guides/realtime/limits). Faster than this only in the lab, or when asked for.
GENTLE_RATE_PER_S = 40.0

MAX_MESSAGES = 20_000


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
        SettingsError: more messages than a measurement should send, or than the target's plan allows.
        FailureError: the target refused a socket or the channel.
    """
    in_lab = target.kind is TargetKind.LAB
    rates = rates_per_s or ((500.0, 1_000.0, 2_000.0) if in_lab else (GENTLE_RATE_PER_S,))
    if not 0 < sum(rates) * seconds <= MAX_MESSAGES:
        happened = f"{sum(rates) * seconds:,.0f} messages are planned"
        raise SettingsError("planning the broadcasts", happened, f"Choose at least 1 and at most {MAX_MESSAGES:,}")
    steps = []
    async with Writer(target) as writer:
        for rate in rates:
            workload = Workload(route=Route.BROADCAST, rate=Constant(rate), seconds=seconds, body_bytes=body_bytes)
            label = f"broadcast at {rate:g}/s"
            steps.append(_as_step(rate, await measure_once(target, workload, label=label, writer=writer)))
    return BroadcastProfile(target=str(target), taken_at=utc_now(), steps=tuple(steps))


def _as_step(rate_per_s: float, measured: Measured) -> BroadcastStep:
    recording, recorder = measured.recording, measured.recorder
    heard = recorder.heard()
    latencies_ms = (1e3 * (heard.at - recorder.due[heard.message])[heard.first]).tolist()
    return BroadcastStep(
        rate_per_s=rate_per_s,
        sent=recording.sent,
        received=recording.received,
        lost=recording.lost,
        duplicated=recording.duplicated,
        reordered=recording.reordered,
        received_per_s=recording.throughput_per_s,
        send_late_ms=measured.written.late_max_ms,
        latency_ms=summarize(latencies_ms) if latencies_ms else None,
        payload_bytes=summarize(heard.size.tolist()) if heard.size.size else None,
        note="; ".join(recording.notes),
        recording=recording,
    )
