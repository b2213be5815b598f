"""One run of one way: the rows are written, what arrives is entered, and everybody's CPU time is read."""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp
import msgspec

from helpers.experiments.edge_function import EdgeFunction
from helpers.experiments.experiment import Metric, Outcome
from helpers.experiments.ways import Way
from helpers.experiments.webhook_process import Delivered
from helpers.profiling.harness import LoopWatch, limits
from helpers.profiling.meters import Meters, Usage
from helpers.profiling.recording import Recording
from helpers.profiling.workloads import Audience, Workload, Writer
from helpers.profiling.workloads.audience import Hearing
from helpers.profiling.workloads.measuring import QUIET_S
from helpers.profiling.workloads.reception import Reception, drained
from helpers.profiling.workloads.recorder import Recorder
from helpers.profiling.workloads.writer import Planned
from helpers.target import Target

__all__ = ["BYTES", "COLD", "CPU_PARTS", "LATENCY", "LATENCY_P95", "LOST", "METRICS", "WARM", "WayRun"]

BYTES = Metric("received", "bytes a row")
LATENCY = Metric("latency, median", "ms")
LATENCY_P95 = Metric("latency, p95", "ms")
LOST = Metric("lost", "%", most=100.0)
DATABASE = Metric("database's CPU", "µs a row")
SERVER = Metric("Realtime's CPU", "µs a row")
HOOK = Metric("webhook's CPU", "µs a row")
WORK = Metric("function's CPU", "µs a row")
COLD = Metric("function, cold call", "ms")
WARM = Metric("function, warm call", "ms")

#: What the CPU time of a row is made of. The subscriber's is not among it: the harness lives in the same process.
CPU_PARTS = (DATABASE, SERVER, HOOK, WORK)
METRICS = (BYTES, LATENCY, LATENCY_P95, LOST, *CPU_PARTS, COLD, WARM)

#: From the order to the first row.
_LEAD_S = 0.1
_SETTLE_LIMIT_S = 20.0
_WARM_CALLS = 5


@dataclass(frozen=True, slots=True)
class WayRun:
    """What all runs share.

    Attributes:
        outage: whether the function is ended after a third of the rows, and comes back for the last third.
        calls: whether a fresh function is called cold and warm before the rows are written.
    """

    target: Target
    writer: Writer
    workload: Workload
    name: str
    way: Way
    outage: bool = False
    calls: bool = False

    async def __call__(self, run: int) -> Outcome:
        """Subscribe, write, wait for the last message."""
        calls = await _calls(self.target) if self.calls else {}
        written = await self.writer.prepare(msgspec.structs.replace(self.workload, table=self.way.table.name))
        async with Reception(self.target, self.way.heard(written), Audience(select=self.way.select)) as reception:
            outcome = await self._write(written, reception, run)
        await self.way.table.empty()
        return Outcome(outcome.values | calls, outcome.recording, outcome.notes)

    async def _write(self, written: Planned, reception: Reception, run: int) -> Outcome:
        hearing = Hearing.of(written.workload, Audience())
        async with Meters(self.target) as meters, LoopWatch() as watch:
            before, wire_bytes, start = await _Parts.of(self.way), reception.wire_bytes, time.monotonic() + _LEAD_S
            recorder = Recorder(start + written.workload.due_s(), written.first_seq, hearing)
            reception.record_into(recorder)
            outage = asyncio.create_task(self._outage(start, written.workload.seconds))
            try:
                done = await self.writer.carry_out(written, start)
            finally:
                await outage  # whatever happens, the function is back before another run needs it
            parts = (await _Parts.settled(self.way, before, done.accepted)).since(before)
            await drained(recorder, done.accepted - sum(parts.failures.values()), QUIET_S, QUIET_S)
        p99_ms = 1e3 * recorder.ledger.latency.percentile_s(99) if recorder.ledger.latency.count else None
        harness = watch.harness(written.workload.mean_per_s, done.harness.sent_per_s, done.late_max_ms)
        recording = Recording.of(
            recorder.ledger,
            self.name,
            run=run,
            seconds=time.monotonic() - start,
            sent=done.accepted,
            wire_bytes=reception.wire_bytes - wire_bytes,
            harness=harness,
            notes=tuple(limits(harness, p99_ms, writer_late_p99_ms=done.late_p99_ms)),
        )
        return Outcome(_values(recording, meters.usage, parts), recording, (*parts.notes(), *meters.usage.notes))

    async def _outage(self, start: float, seconds: float) -> None:
        function = self.way.function
        if not self.outage or function is None:
            return
        await asyncio.sleep(start + seconds / 3 - time.monotonic())
        await function.stop()
        await asyncio.sleep(max(0.0, start + 2 * seconds / 3 - time.monotonic()))
        await function.start()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What webhook and function have done; nothing where there are none."""

    hook_s: float = 0.0
    work_s: float = 0.0
    taken: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @classmethod
    async def of(cls, way: Way) -> _Parts:
        return cls() if way.webhook is None else cls._of(way, await way.webhook.delivered())

    @classmethod
    async def settled(cls, way: Way, before: _Parts, rows: int) -> _Parts:
        """When nothing is under way any more of the rows that were written since `before`."""
        if way.webhook is None:
            return cls()
        return cls._of(way, await way.webhook.settled(before.taken + rows, _SETTLE_LIMIT_S))

    @classmethod
    def _of(cls, way: Way, delivered: Delivered) -> _Parts:
        assert way.webhook is not None and way.function is not None
        return cls(way.webhook.cpu_s, way.function.cpu_s, delivered.taken, Counter(delivered.failures))

    def since(self, before: _Parts) -> _Parts:
        return _Parts(
            self.hook_s - before.hook_s,
            self.work_s - before.work_s,
            self.taken - before.taken,
            self.failures - before.failures,
        )

    def notes(self) -> tuple[str, ...]:
        count = sum(self.failures.values())
        reasons = ", ".join(sorted(self.failures))
        return (f"calls of the function failed ({reasons}), and nobody repeats them",) if count else ()


def _values(recording: Recording, usage: Usage, parts: _Parts) -> dict[str, float | None]:
    """CPU for each row that was written; bytes for each that arrived."""
    rows, arrived = max(1, recording.sent), recording.received > 0

    def a_row(cpu_s: float | None) -> float | None:
        return None if cpu_s is None else 1e6 * cpu_s / rows

    return {
        BYTES.name: recording.wire_bytes / recording.received if arrived else None,
        LATENCY.name: recording.latency_ms(50) if arrived else None,
        LATENCY_P95.name: recording.latency_ms(95) if arrived else None,
        LOST.name: 100 * recording.lost / rows,
        DATABASE.name: a_row(usage.database_cpu_s),
        SERVER.name: a_row(usage.server_cpu_s),
        HOOK.name: a_row(parts.hook_s),
        WORK.name: a_row(parts.work_s),
    }


async def _calls(target: Target) -> dict[str, float | None]:
    """How long a fresh function takes for its first call, its start included, and for the next ones."""
    topic, row = f"workbook:{secrets.token_hex(4)}", {"seq": 0, "room_id": 0, "status": "open"}
    took_ms = []
    async with EdgeFunction(target) as function, aiohttp.ClientSession() as http:
        for _ in range(1 + _WARM_CALLS):
            began = time.monotonic()
            await function.call(http, topic, row)
            took_ms.append(1e3 * (time.monotonic() - began))
    first, *others = took_ms
    return {COLD.name: 1e3 * function.booted_s + first, WARM.name: statistics.median(others)}
