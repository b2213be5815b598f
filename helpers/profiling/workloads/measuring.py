"""`await measure(target, workload, audience, label=…)`: one run of a workload before an audience, in a recording."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from helpers.errors import SettingsError
from helpers.profiling.harness import Harness, LoopWatch, limits
from helpers.profiling.histogram import Floats
from helpers.profiling.ledger import Bools
from helpers.profiling.recording import Phase, Recording
from helpers.profiling.workloads.audience import Audience, Hearing
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.phases import ANSWER, JOIN, poll_phases
from helpers.profiling.workloads.quota import permit
from helpers.profiling.workloads.reception import Reception, drained
from helpers.profiling.workloads.recorder import Recorder
from helpers.profiling.workloads.workload import Action, Route, Workload
from helpers.profiling.workloads.writer import LEAD_S, Planned, Writer
from helpers.target import Target

__all__ = ["Measured", "measure", "measure_once"]

#: When nothing has come for so long, what is missing counts as lost: changes may wait for ten idle polls (of 0.5 s),
#: broadcasts wait for nothing but the network.
QUIET_S, BROADCAST_QUIET_S = 5.0, 2.0
#: What was due so shortly before a subscriber left may have come too late for it: neither is that a loss.
GRACE_S, BROADCAST_GRACE_S = 1.0, 0.1
#: A backlog may take so long to arrive.
BACKLOG_LIMIT_S = 60.0

_TRIED = "planning the load"


class Measured(NamedTuple):
    """One run, with what a recording has no room for."""

    recording: Recording
    recorder: Recorder
    written: Written
    wanted: Bools
    seconds: float
    cpu_s: float


async def measure(
    target: Target,
    workload: Workload,
    audience: Audience | None = None,
    *,
    label: str,
    run: int = 0,
    tokens: Sequence[str] = (),
    writer: Writer | None = None,
    above_quota: bool | None = None,
) -> Recording:
    """Subscribe the audience, have the workload written by a process of its own, wait for the last message.

    Args:
        target: which Supabase.
        workload: what is written, how and when. audience: who listens; by default one subscriber to all of it.
        label: the arm of the experiment. run: its number among the runs of this arm.
        tokens: of the users that listen, in turns over the sockets.
        writer: of this target, to save the start of a process for each run.
        above_quota: whether more than the target's plan allows may be asked of it; None asks the target, which has
            it from `WORKBOOK_ABOVE_QUOTA`. The lab has no plan.

    Returns:
        What was sent, received, lost, doubled and reordered, how late, and in its notes everything else that a reader
        must know: who was the limit, what was refused, what broke.

    Raises:
        SettingsError: it cannot be measured so, or goes above the quota unasked.
        FailureError: nobody could subscribe, or nothing could be written.
    """
    measured = await measure_once(
        target, workload, audience, label=label, run=run, tokens=tokens, writer=writer, above_quota=above_quota
    )
    return measured.recording


async def measure_once(
    target: Target,
    workload: Workload,
    audience: Audience | None = None,
    *,
    label: str,
    run: int = 0,
    tokens: Sequence[str] = (),
    writer: Writer | None = None,
    above_quota: bool | None = None,
) -> Measured:
    """As `measure`, with the books behind the recording."""
    audience = audience or Audience()
    _check(target, workload)
    permit(target, workload, audience, above_quota=above_quota)
    async with contextlib.AsyncExitStack() as stack:
        hand = await stack.enter_async_context(Writer(target)) if writer is None else writer
        planned = await hand.prepare(workload)
        reception = await stack.enter_async_context(Reception(target, planned, audience, tokens))
        return await _run(hand, planned, audience, reception, label, run)


def _check(target: Target, workload: Workload) -> None:
    route, writes = workload.route, "set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes"
    if route not in (Route.BROADCAST, Route.HTTP) and not target.writes_allowed:
        raise SettingsError(_TRIED, "the workbook may not write to this target", f"To measure {route}, {writes}")
    if route in (Route.SQL, Route.DATABASE, Route.PRISMA) and not target.database_url:
        raise SettingsError(_TRIED, f"the route {route} needs the database itself", f"To measure it, {writes}")
    if route is Route.REST and not target.secret_key:
        happened = "the route rest writes as the server does, with the secret key, and there is none"
        raise SettingsError(_TRIED, happened, "Set SUPABASE_SECRET_KEY")


class _Heard(NamedTuple):
    """What one run left behind, before it is told in a recording."""

    planned: Planned
    reception: Reception
    recorder: Recorder
    written: Written
    wanted: Bools
    harness: Harness
    start: float
    wire_bytes: int


async def _run(
    writer: Writer, planned: Planned, audience: Audience, reception: Reception, label: str, run: int
) -> Measured:
    hearing = Hearing.of(planned.workload, audience, full_identity=planned.full_identity)
    due_s, deletes, present = planned.workload.due_s(), _deletes(planned), reception.present
    start, cpu_before = time.monotonic() + LEAD_S, time.process_time()
    recorder = Recorder(start + due_s, planned.first_seq, hearing, deletes)
    reception.record_into(recorder)
    bytes_before = reception.wire_bytes
    async with LoopWatch() as watch:
        async with reception.churning(recorder):
            written = await writer.carry_out(planned, start)
        wanted = _wanted(hearing, present, reception, recorder.due, planned.workload, written)
        quiet_s = BROADCAST_QUIET_S if planned.workload.is_broadcast else QUIET_S
        await drained(recorder, int(wanted.sum()), quiet_s, BACKLOG_LIMIT_S, wanted)
    seconds, cpu_s = time.monotonic() - start, time.process_time() - cpu_before
    harness = watch.harness(planned.workload.mean_per_s, written.harness.sent_per_s, written.late_max_ms)
    wire_bytes = reception.wire_bytes - bytes_before
    heard = _Heard(planned, reception, recorder, written, wanted, harness, start, wire_bytes)
    return Measured(_recording(heard, audience, label, run), recorder, written, wanted, seconds, cpu_s)


def _recording(heard: _Heard, audience: Audience, label: str, run: int) -> Recording:
    """The figures, with everything that a reader must know of them."""
    ledger, workload = heard.recorder.ledger, heard.planned.workload
    recording = Recording.of(
        ledger,
        label,
        run=run,
        seconds=max(workload.seconds, heard.recorder.last_at - heard.start),
        sent=heard.written.accepted,
        wire_bytes=heard.wire_bytes,
        names=[heard.reception.name_of(one) for one in range(audience.subscribers)],
        harness=heard.harness,
        notes=tuple(_notes(heard)),
    )
    lost = int(np.count_nonzero(heard.wanted & ~ledger.seen()))
    return replace(recording, expected=int(heard.wanted.sum()), lost=lost, phases=_phases(heard))


def _wanted(
    hearing: Hearing,
    present: Sequence[int],
    reception: Reception,
    due: Floats,
    workload: Workload,
    written: Written,
) -> Bools:
    """What each subscriber should have, of the messages that the target took: one row for each subscriber."""
    wanted = hearing.kinds[hearing.kind_of]
    wanted[:, list(written.missing)] = False
    absent = np.ones(hearing.kind_of.size, dtype=np.bool_)
    absent[list(present)] = False
    wanted[absent] = False
    grace_s = BROADCAST_GRACE_S if workload.is_broadcast else GRACE_S
    for subscriber in present:
        if (windows := reception.attendance(subscriber)) is not None:
            there = [(due >= came) & (due < left - grace_s) for came, left in windows]
            wanted[subscriber] &= np.logical_or.reduce(there)
    return wanted


def _deletes(planned: Planned) -> dict[int, int]:
    """Which message deletes which row."""
    workload = planned.workload
    if not planned.keys:
        return {}
    messages = [index for index in range(workload.messages) if workload.action(index) is Action.DELETE]
    return dict(zip(planned.keys, messages, strict=True))


def _phases(heard: _Heard) -> tuple[Phase, ...]:
    """What was timed besides the latency."""
    polled = () if heard.planned.workload.is_broadcast else poll_phases(heard.recorder)
    others = (Phase(ANSWER, heard.written.answered), Phase(JOIN, heard.reception.joining.counts()))
    return (*polled, *(phase for phase in others if phase.took.count))


def _notes(heard: _Heard) -> Iterator[str]:
    """What a reader must know, in sentences."""
    reception, recorder, written = heard.reception, heard.recorder, heard.written
    for reason, count in reception.failures.items():
        yield f"{_counted(count, 'subscriber')} did not come in and count for nothing: {reason}"
    for reason, count in reception.endings().items():
        yield f"{_counted(count, 'channel')} ended before the last message: {reason}"
    if back := reception.joining.count:
        yield f"subscribers came back {_counted(back, 'time')}; what was due while they were away is not expected"
    if written.missing:
        planned = _counted(heard.planned.workload.messages, "message")
        yield f"{len(written.missing):,} of {planned} were not accepted"
    for reason, count in written.errors.items():
        yield f"the writer was told {_counted(count, 'time')}: {reason}"
    if strays := recorder.ledger.strays:
        yield f"{_counted(strays, 'message')} came that this run did not send"
    if recorder.uncalled:
        yield f"{_counted(recorder.uncalled, 'message')} came that no filter asked for, or no policy allows"
    latency = recorder.ledger.latency
    yield from _limits(written, heard.harness, 1e3 * latency.percentile_s(99) if latency.count else None)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _limits(written: Written, harness: Harness, p99_ms: float | None) -> Iterator[str]:
    """Whether the harness was the limit: its writer, or its own event loop."""
    if written.never_waits:
        yield from limits(harness, p99_ms, writer_late_p99_ms=written.late_p99_ms)
        return
    yield from limits(harness, p99_ms, writer_late_p99_ms=0.0)
    if not written.errors:  # who was cut off did not reach its rate for that reason
        yield from limits(written.harness, p99_ms)
