"""One arm of an experiment: subscribe in one way, receive a load, and keep the books."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from helpers.client import RealtimeClient
from helpers.errors import SettingsError
from helpers.profiling.harness import Harness, LoopWatch, limits
from helpers.profiling.load import Load, Run
from helpers.profiling.recorder import Recorder
from helpers.profiling.recording import Recording
from helpers.profiling.results import Profile
from helpers.profiling.statistics import Summary, summarize
from helpers.profiling.workload import Workload
from helpers.profiling.writer import Written
from helpers.results import utc_now
from helpers.target import Target
from helpers.wire.events import Change, Event
from helpers.wire.filters import FilterError, Operator, parse_filter
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["COLUMN", "POLL_WAIT_S", "TABLE", "Arm", "Outcome", "profile_of", "room_of"]

#: The table that the load is written to, and the column that its filters may name.
TABLE, COLUMN = "events", "room_id"

#: After a cold start, "Subscribed to PostgreSQL" may take seconds (field: up to 4.4 s, supabase/realtime#281).
READY_LIMIT_S = 20.0

#: An idle server looks for changes every 5 times 100 ms (supabase/realtime, `replication_poller.ex`).
POLL_WAIT_S = 0.5

#: How long after the last commit a change may still arrive before it counts as lost: ten times the idle poll.
DRAIN_LIMIT_S = 5.0


def room_of(row_filter: str) -> int:
    """The room that a filter selects.

    Raises:
        SettingsError: it is not of the form ``room_id=eq.<id>``.
    """
    with contextlib.suppress(FilterError, ValueError):
        conditions = parse_filter(row_filter)
        if len(conditions) == 1 and not conditions[0].negated:
            (condition,) = conditions
            if (condition.column, condition.operator) == (COLUMN, Operator.EQ):
                return int(condition.value)
    raise SettingsError(
        "planning the load", f"the filter {row_filter!r} does not select one room", f"Write it as {COLUMN}=eq.123"
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of an arm left behind."""

    recorder: Recorder
    written: Written
    wire_bytes_in: int
    cpu_s: float
    seconds: float
    harness: Harness
    ended: str


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

    @property
    def expected(self) -> int:
        """Messages that one run should bring."""
        return self.workload.rows if self.filter is None else self.workload.rows_of(room_of(self.filter))

    async def run(self, load: Load) -> Outcome:
        """Connect, subscribe, have the load written, wait for its last change, leave."""
        binding = ChangeBinding(event="INSERT", schema=self.target.schema, table=TABLE, filter=self.filter)
        async with RealtimeClient(self.target) as client:
            channel = client.channel(f"workbook:{secrets.token_hex(4)}", JoinConfig(changes=(binding,)))
            await channel.subscribe(timeout=READY_LIMIT_S)
            run, arrived = load.plan(self.workload), asyncio.Event()
            recorder = self._recorder(run)
            channel.on_event(_entering(recorder, self.expected, arrived))
            bytes_before, cpu_before = client.counters.wire_bytes_in, time.process_time()
            async with LoopWatch() as watch:
                written = await _write_and_drain(load, run, arrived)
            return Outcome(
                recorder,
                written,
                wire_bytes_in=client.counters.wire_bytes_in - bytes_before,
                cpu_s=time.process_time() - cpu_before,
                seconds=time.monotonic() - run.start,
                harness=watch.harness(
                    self.workload.rate_per_s, _kept_per_s(self.workload, written), written.late_max_ms
                ),
                ended=channel.reason,
            )

    def _recorder(self, run: Run) -> Recorder:
        interest = None if self.interest is None else room_of(self.interest)
        return Recorder(self.workload, run.start, run.first_seq, interest)


def _entering(recorder: Recorder, expected: int, arrived: asyncio.Event) -> Callable[[Event], None]:
    """A callback that enters changes into the ledger, and tells when all have arrived."""

    def on_event(event: Event) -> None:
        if isinstance(event, Change) and "seq" in event.record:
            recorder.on_receipt(int(event.record["seq"]), event.received_at, event.size_bytes)
            if recorder.has(expected):
                arrived.set()

    return on_event


async def _write_and_drain(load: Load, run: Run, arrived: asyncio.Event) -> Written:
    written = await load.carry_out(run)
    with contextlib.suppress(TimeoutError):  # what has not arrived by then is counted as lost
        await asyncio.wait_for(arrived.wait(), DRAIN_LIMIT_S)
    return written


def _kept_per_s(workload: Workload, written: Written) -> float:
    """The rate at which rows were sent, if the last was the latest."""
    return workload.rows / (workload.due_s(workload.rows) + written.late_max_ms / 1e3)


def _recording(arm: Arm, outcome: Outcome, run: int) -> Recording:
    """One run with its histogram, and with everything that a reader must know of it."""
    ledger = outcome.recorder.ledger
    p99_ms = 1e3 * ledger.latency.percentile_s(99) if ledger.latency.count else None
    ended = [f"the channel ended: {outcome.ended}"] if outcome.ended else []
    recording = Recording.of(
        ledger,
        arm.label,
        run=run,
        seconds=outcome.seconds,
        sent=outcome.written.committed,
        wire_bytes=outcome.wire_bytes_in,
        names=[("subscriber", arm.label)],
        harness=outcome.harness,
        notes=(*ended, *limits(outcome.harness, p99_ms, writer_late_p99_ms=outcome.written.late_p99_ms)),
    )
    return replace(recording, expected=arm.expected, lost=arm.expected - ledger.distinct)


def profile_of(arm: Arm, outcomes: Sequence[Outcome]) -> Profile:
    """The figures of an arm; several runs are pooled."""
    ledgers = [outcome.recorder for outcome in outcomes]
    latencies_ms = [latency for ledger in ledgers for latency in ledger.latencies_ms]
    sizes = [size for ledger in ledgers for size in ledger.sizes]
    seconds = sum(outcome.seconds for outcome in outcomes)
    expected = arm.expected * len(outcomes)
    return Profile(
        target=str(arm.target),
        taken_at=utc_now(),
        label=arm.label,
        schema=arm.target.schema,
        table=TABLE,
        filter=arm.filter,
        interest=arm.interest,
        rate_per_s=arm.workload.rate_per_s,
        seconds=arm.workload.seconds * len(outcomes),
        sent=sum(outcome.written.committed for outcome in outcomes),
        expected=expected,
        received=len(sizes),
        wasted=sum(ledger.wasted for ledger in ledgers),
        lost=expected - sum(ledger.distinct for ledger in ledgers),
        duplicated=sum(ledger.duplicated for ledger in ledgers),
        reordered=sum(ledger.reordered for ledger in ledgers),
        latency_ms=_waited_together(latencies_ms, arm.workload.seconds * len(outcomes)),
        payload_bytes=summarize(sizes) if sizes else None,
        wire_bytes_in=sum(outcome.wire_bytes_in for outcome in outcomes),
        throughput_per_s=len(sizes) / seconds,
        client_cpu_percent=100 * sum(outcome.cpu_s for outcome in outcomes) / seconds,
        send_late_ms=max(outcome.written.late_max_ms for outcome in outcomes),
        latencies_ms=tuple(round(latency, 3) for latency in latencies_ms),
        recordings=tuple(_recording(arm, outcome, run) for run, outcome in enumerate(outcomes)),
    )


def _waited_together(latencies_ms: Sequence[float], seconds: float) -> Summary | None:
    """Rows that one poll found waited together, so the interval resamples runs as long as the longest wait."""
    if not latencies_ms:
        return None
    return summarize(latencies_ms, block=max(1, round(len(latencies_ms) / seconds * POLL_WAIT_S)))
