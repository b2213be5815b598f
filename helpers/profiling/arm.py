"""One arm of an experiment: subscribe to the workbook's table in one way, receive a load, and keep the books."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.errors import SettingsError
from helpers.profiling.histogram import Floats
from helpers.profiling.results import Profile
from helpers.profiling.statistics import Summary, summarize
from helpers.profiling.workloads.audience import Audience
from helpers.profiling.workloads.matching import matches
from helpers.profiling.workloads.measuring import Measured, measure_once
from helpers.profiling.workloads.workload import ROOM_COLUMN, TABLE, Workload
from helpers.profiling.workloads.writer import Writer
from helpers.results import utc_now
from helpers.target import Target
from helpers.wire.filters import FilterError, Operator, parse_filter

__all__ = ["POLL_WAIT_S", "Arm", "profile_of", "room_of"]

#: An idle server looks for changes every 5 times 100 ms (supabase/realtime, `replication_poller.ex`).
POLL_WAIT_S = 0.5


def room_of(row_filter: str) -> int:
    """The room that a filter selects.

    Raises:
        SettingsError: it is not of the form ``room_id=eq.<id>``.
    """
    with contextlib.suppress(FilterError, ValueError):
        conditions = parse_filter(row_filter)
        if len(conditions) == 1 and not conditions[0].negated:
            (condition,) = conditions
            if (condition.column, condition.operator) == (ROOM_COLUMN, Operator.EQ):
                return int(condition.value)
    raise SettingsError(
        "planning the load", f"the filter {row_filter!r} does not select one room", f"Write it as {ROOM_COLUMN}=eq.123"
    )


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to subscribe; every run connects anew.

    Attributes:
        filter: of the subscription, None for the full table.
        interest: the rows that the application wants, None for all.
    """

    target: Target
    workload: Workload
    filter: str | None
    interest: str | None

    @property
    def label(self) -> str:
        return "full table" if self.filter is None else f"filter {self.filter}"

    async def run(self, writer: Writer, number: int = 0) -> Measured:
        """Connect, subscribe, have the load written, wait for its last change, leave."""
        audience = Audience(filter=self.filter, event="INSERT")
        return await measure_once(self.target, self.workload, audience, label=self.label, run=number, writer=writer)


def _latencies_ms(arm: Arm, measured: Measured) -> Floats:
    """Of the rows that the application wants, in order of receipt."""
    heard, due = measured.recorder.heard(), measured.recorder.due
    wanted = heard.first & matches(arm.workload, arm.interest)[heard.message]
    latencies_ms: Floats = 1e3 * (heard.at - due[heard.message])[wanted]
    return latencies_ms


def _wasted(arm: Arm, measured: Measured) -> int:
    """How many different rows came that the application does not want."""
    heard = measured.recorder.heard()
    return int(np.count_nonzero(heard.first & ~matches(arm.workload, arm.interest)[heard.message]))


def profile_of(arm: Arm, outcomes: Sequence[Measured]) -> Profile:
    """The figures of an arm; several runs are pooled."""
    recordings = [outcome.recording for outcome in outcomes]
    latencies_ms = np.concatenate([_latencies_ms(arm, outcome) for outcome in outcomes]).tolist()
    sizes = np.concatenate([outcome.recorder.heard().size for outcome in outcomes]).tolist()
    seconds = sum(outcome.seconds for outcome in outcomes)
    return Profile(
        target=str(arm.target),
        taken_at=utc_now(),
        label=arm.label,
        schema=arm.target.schema,
        table=TABLE,
        filter=arm.filter,
        interest=arm.interest,
        rate_per_s=arm.workload.mean_per_s,
        seconds=arm.workload.seconds * len(outcomes),
        sent=sum(recording.sent for recording in recordings),
        expected=sum(recording.expected for recording in recordings),
        received=len(sizes),
        wasted=sum(_wasted(arm, outcome) for outcome in outcomes),
        lost=sum(recording.lost for recording in recordings),
        duplicated=sum(recording.duplicated for recording in recordings),
        reordered=sum(recording.reordered for recording in recordings),
        latency_ms=_waited_together(latencies_ms, arm.workload.seconds * len(outcomes)),
        payload_bytes=summarize(sizes) if sizes else None,
        wire_bytes_in=sum(recording.wire_bytes for recording in recordings),
        throughput_per_s=len(sizes) / seconds,
        client_cpu_percent=100 * sum(outcome.cpu_s for outcome in outcomes) / seconds,
        send_late_ms=max(outcome.written.late_max_ms for outcome in outcomes),
        latencies_ms=tuple(round(latency, 3) for latency in latencies_ms),
        recordings=tuple(recordings),
    )


def _waited_together(latencies_ms: Sequence[float], seconds: float) -> Summary | None:
    """Rows that one poll found waited together, so the interval resamples runs as long as the longest wait."""
    if not latencies_ms:
        return None
    return summarize(latencies_ms, block=max(1, round(len(latencies_ms) / seconds * POLL_WAIT_S)))
