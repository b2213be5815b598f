"""One run of one path: rows due at fixed times, so many subscribers, and everything that it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from helpers.experiments.paths.catalog import Kind, Path
from helpers.experiments.paths.readers import Plan, Reader, reader_of
from helpers.experiments.paths.stage import Books, Stage
from helpers.profiling.harness import Harness, LoopWatch, limits
from helpers.profiling.histogram import Floats
from helpers.profiling.ledger import Bools
from helpers.profiling.meters import Meters, Usage
from helpers.profiling.recording import Recording
from helpers.profiling.workloads import Audience, Constant, Route, Workload, Writer, permit
from helpers.profiling.workloads.audience import Hearing
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.reception import drained
from helpers.profiling.workloads.recorder import Recorder
from helpers.profiling.workloads.writer import Planned
from helpers.target import Target

__all__ = ["BODY_BYTES", "LEAD_S", "TARGET_MS", "Delivery", "Load", "deliver", "permit_load"]

#: The seed's target of delivery, from end to end.
TARGET_MS = 50.0

#: Text in each row.
BODY_BYTES = 400

#: From the order to the first message: enough for the order to arrive.
LEAD_S = 0.06

#: Beyond the path's own wait, so long nothing may come before the rest counts as lost; a backlog may take longer.
_QUIET_S, _BACKLOG_LIMIT_S = 0.8, 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """How much is delivered: `rate_per_s` messages for `seconds` to `subscribers`."""

    rate_per_s: float
    seconds: float
    subscribers: int

    @property
    def changes(self) -> int:
        """How many messages that are."""
        return max(1, round(self.rate_per_s * self.seconds))

    def __str__(self) -> str:
        return f"{self.rate_per_s:,g}/s to {self.subscribers:,}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a load.

    Attributes:
        path: its name. recording: of all subscribers together.
        changes: messages that were planned. in_time: those that reached every subscriber within `target_ms`.
        drained_s: from when the last message was due until the last one came; NaN if none did.
        queries_per_s: that all subscribers asked. connections: to the database that they opened.
        wire_bytes: what came to all subscribers, headers included; None where this system does not tell.
        wal_bytes: of the database's log. writes: transaction ids that it gave out, those of subtransactions included.
        usage: CPU and memory of client, server and database.
        absent: subscribers that could not come in; nothing is expected of them.
    """

    path: str
    load: Load
    recording: Recording
    changes: int
    in_time: int
    target_ms: float
    drained_s: float
    queries_per_s: float
    connections: int
    wire_bytes: int | None
    wal_bytes: int
    writes: int
    usage: Usage
    absent: int

    @property
    def deliveries(self) -> int:
        """What arrived, without repetitions."""
        return self.recording.expected - self.recording.lost


class _Run(NamedTuple):
    """What one run brought in, before it is summed up."""

    recorder: Recorder
    written: Written
    harness: Harness
    books: Books
    usage: Usage
    seconds: float
    wire_bytes: int | None
    queries_per_s: float
    wanted: Bools


async def deliver(stage: Stage, writer: Writer, load: Load, *, run: int = 0, target_ms: float = TARGET_MS) -> Delivery:
    """Bring the subscribers in, have the load written by a process of its own, wait for the last message.

    Raises:
        SettingsError: it would go above the quota of a target that is not the lab, unasked.
        FailureError: nobody could subscribe, or nothing could be written.
    """
    permit_load(stage.target, stage.path, load)
    planned = await writer.prepare(_workload(stage, load))
    name = planned.topics[0] if planned.topics else stage.name
    plan = Plan(stage.target, stage.path, stage.table.name, name, planned.first_seq, load.subscribers)
    async with reader_of(plan) as reader:
        found = await _run(stage, writer, planned, reader)
        return _delivery(stage, load, planned, reader, found, run, target_ms)


def _workload(stage: Stage, load: Load) -> Workload:
    return Workload(
        rate=Constant(load.rate_per_s),
        seconds=load.seconds,
        route=stage.path.route,
        body_bytes=BODY_BYTES,
        table=stage.table.name,
        rooms=0,
    )


def permit_load(target: Target, path: Path, load: Load) -> None:
    """Let a load begin, or not: Realtime's quota is asked; a broadcast by a trigger counts as one that is sent.

    Raises:
        SettingsError: it would go above the quota of a target that is not the lab, unasked.
    """
    if path.kind in (Kind.CHANGES, Kind.BROADCAST):
        route = Route.DATABASE if path.trigger else path.route
        workload = Workload(rate=Constant(load.rate_per_s), seconds=load.seconds, route=route, body_bytes=BODY_BYTES)
        permit(target, workload, Audience(subscribers=load.subscribers))


async def _run(stage: Stage, writer: Writer, planned: Planned, reader: Reader) -> _Run:
    before = await stage.books()
    messages = planned.workload.messages
    everybody = np.zeros(reader.plan.subscribers, dtype=np.int64)
    hearing = Hearing(np.ones((1, messages), dtype=np.bool_), everybody)
    async with Meters(stage.target) as meters, LoopWatch() as watch:
        # To read the meters takes its time, in which who polls goes on asking.
        began, bytes_before, queries_before = time.monotonic(), reader.wire_bytes, reader.queries
        start = began + LEAD_S
        recorder = Recorder(start + planned.workload.due_s(), planned.first_seq, hearing)
        reader.enter = recorder.enter
        written = await writer.carry_out(planned, start)
        wanted = _wanted(reader, written, messages)
        await drained(recorder, int(wanted.sum()), _QUIET_S + 2 * stage.path.wait_s, _BACKLOG_LIMIT_S, wanted)
        seconds = time.monotonic() - start
        bytes_after, queries_per_s = reader.wire_bytes, (reader.queries - queries_before) / (time.monotonic() - began)
    return _Run(
        recorder,
        written,
        watch.harness(planned.workload.mean_per_s, written.harness.sent_per_s, written.late_max_ms),
        (await stage.books()).since(before),
        meters.usage,
        seconds,
        None if bytes_after is None or bytes_before is None else bytes_after - bytes_before,
        queries_per_s,
        wanted,
    )


def _wanted(reader: Reader, written: Written, messages: int) -> Bools:
    """What should come: to everybody who came in, every message that the target took."""
    wanted = np.zeros((reader.plan.subscribers, messages), dtype=np.bool_)
    wanted[sorted(reader.present)] = True
    wanted[:, list(written.missing)] = False
    return wanted


def _delivery(
    stage: Stage, load: Load, planned: Planned, reader: Reader, found: _Run, run: int, target_ms: float
) -> Delivery:
    recorder = found.recorder
    latest_s = _latest(recorder, tuple(reader.present), planned.workload.messages)
    return Delivery(
        path=stage.path.name,
        load=load,
        recording=_recording(stage, load, reader, found, run),
        changes=planned.workload.messages,
        in_time=int(np.count_nonzero(latest_s <= target_ms / 1e3)),
        target_ms=target_ms,
        drained_s=recorder.last_at - float(recorder.due[-1]) if recorder.last_at else float("nan"),
        queries_per_s=found.queries_per_s,
        connections=reader.connections,
        wire_bytes=found.wire_bytes,
        wal_bytes=found.books.wal_bytes,
        writes=found.books.writes,
        usage=found.usage,
        absent=load.subscribers - len(reader.present),
    )


def _latest(recorder: Recorder, present: tuple[int, ...], messages: int) -> Floats:
    """How late the last subscriber had each message, in seconds; infinite if one of them never had it."""
    heard = recorder.heard()
    late = np.full((max(present) + 1, messages), np.inf)
    np.minimum.at(late, (heard.stream, heard.message), heard.at - recorder.due[heard.message])
    latest: Floats = late[list(present)].max(axis=0)
    return latest


def _recording(stage: Stage, load: Load, reader: Reader, found: _Run, run: int) -> Recording:
    ledger = found.recorder.ledger
    recording = Recording.of(
        ledger,
        f"{stage.path.name}, {load}",
        run=run,
        seconds=found.seconds,
        sent=found.written.accepted,
        wire_bytes=found.wire_bytes or 0,
        harness=found.harness,
        notes=tuple(_notes(reader, found)),
    )
    lost = int(np.count_nonzero(found.wanted & ~ledger.seen()))
    return replace(recording, expected=int(found.wanted.sum()), lost=lost)


def _notes(reader: Reader, found: _Run) -> Iterator[str]:
    for reason, count in reader.failures.items():
        yield f"{count:,} subscribers did not come in and are not counted: {reason}"
    for reason, count in reader.endings().items():
        yield f"subscribers were told {count:,} times: {reason}"
    for reason, count in found.written.errors.items():
        yield f"the writer was told {count:,} times: {reason}"
    ledger = found.recorder.ledger
    p99_ms = 1e3 * ledger.latency.percentile_s(99) if ledger.latency.count else None
    if found.written.never_waits:
        yield from limits(found.harness, p99_ms, writer_late_p99_ms=found.written.late_p99_ms)
        return
    yield from limits(found.harness, p99_ms, writer_late_p99_ms=0.0)
    if not found.written.errors:  # who was cut off did not reach its rate for that reason
        yield from limits(found.written.harness, p99_ms)
