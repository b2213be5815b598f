"""`await measure_with_fleet(target, workload, sockets=…, label=…)`: one run of a workload before a fleet."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from helpers.errors import SettingsError
from helpers.profiling.receiving.crew import Crew
from helpers.profiling.receiving.fleet import Fleet
from helpers.profiling.receiving.gathering import Gathered, Sending
from helpers.profiling.receiving.listener import Listening
from helpers.profiling.recording import Recording
from helpers.profiling.workloads.audience import Audience
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.quota import permit
from helpers.profiling.workloads.workload import Action, Workload
from helpers.profiling.workloads.writer import Planned, Writer
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["FleetRun", "measure_with_fleet"]

#: After the last message was due, so long for all to arrive; what has not by then is lost.
DRAIN_S = 5.0

_TRIED = "planning a fleet"


@dataclass(frozen=True, slots=True)
class FleetRun:
    """One run.

    Attributes:
        recording: of all members, to be kept and compared. gathered: with each member's own result.
    """

    recording: Recording
    gathered: Gathered


async def measure_with_fleet(
    target: Target,
    workload: Workload,
    *,
    sockets: int,
    label: str,
    run: int = 0,
    on: Crew | None = None,
    writer: Writer | None = None,
    above_quota: bool | None = None,
    keep_sample: bool = False,
) -> FleetRun:
    """Have a fleet subscribe, a process of this machine write the workload, and the fleet receive all of it.

    Args:
        workload: written by any route, to one channel, without deletes.
        sockets: of the whole fleet, each with one subscription to everything.
        label: the arm of the experiment. run: its number among the runs of this arm.
        on: who listens, by default a process for each core; an open `Dask` for a cluster.
        writer: of this target, to save the start of a process for each run.
        above_quota: as `measure` has it.
        keep_sample: keep every latency besides the histograms.

    Raises:
        SettingsError: it cannot be measured so, or goes above the quota unasked.
        FailureError: there can be no fleet, or nothing could be written.
    """
    _check(workload)
    if target.kind is not TargetKind.LAB:
        permit(target, workload, Audience(subscribers=sockets), above_quota=above_quota)
    async with AsyncExitStack() as stack:
        hand = await stack.enter_async_context(Writer(target)) if writer is None else writer
        planned = await hand.prepare(workload)
        order = _order(target, planned, sockets, keep_sample)
        fleet = await stack.enter_async_context(Fleet(order, on=on))
        at, result = fleet.start()
        written = await hand.carry_out(planned, at)
        return _run(label, run, written, await result, workload)


def _check(workload: Workload) -> None:
    if workload.is_broadcast and workload.channels != 1:
        happened = f"the workload has {workload.channels} channels"
        raise SettingsError(_TRIED, happened, "Give it one channel, which all of the fleet listen to")
    if Action.DELETE in workload.actions:
        raise SettingsError(_TRIED, "a deleted row does not tell its number", "Measure deletes with measure()")


def _order(target: Target, planned: Planned, sockets: int, keep_sample: bool) -> Listening:
    workload = planned.workload
    changes = () if workload.is_broadcast else (ChangeBinding("*", target.schema, workload.table),)
    return Listening(
        target=target,
        channels=planned.topics or (f"workbook:{secrets.token_hex(4)}",),
        sockets=sockets,
        messages=workload.messages,
        limit_s=workload.seconds + DRAIN_S,
        config=JoinConfig(private=workload.private and workload.is_broadcast, changes=changes),
        workload=workload,
        first_seq=planned.first_seq,
        keep_sample=keep_sample,
    )


def _run(label: str, run: int, written: Written, found: Gathered, workload: Workload) -> FleetRun:
    sending = Sending(workload.mean_per_s, written.harness.sent_per_s, written.late_p99_ms)
    recording = found.recording(label, run=run, sent=written.accepted, sending=sending)
    refused = tuple(f"the writer was told {count:,} times: {reason}" for reason, count in written.errors.items())
    # From the first message to the last is shorter than the schedule, by the time that the last one stands for.
    seconds = max(workload.seconds, recording.seconds)
    return FleetRun(replace(recording, seconds=seconds, notes=(*refused, *recording.notes)), found)
