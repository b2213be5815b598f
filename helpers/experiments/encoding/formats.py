"""JSON against binary frames, protocol version 1 against 2, from 64 bytes to 256 KB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from helpers.experiments.answer import leaders
from helpers.experiments.encoding.transfer import CpuMeter, Transfer, transfer
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.sending import Sender, scheduled, sending
from helpers.experiments.size import Size, experiment_size
from helpers.profiling.processes import ProcessesUnknown, cpu_s, find_processes
from helpers.profiling.workloads import Burst, Constant
from helpers.stream import Content, Form, Stream
from helpers.target import Target, TargetKind

__all__ = ["METRICS", "SIZES", "Load", "compare_encodings", "measured", "server_meter", "sweep_encodings"]

#: Bytes of an application's data; the largest is the free plan's limit of a broadcast.
SIZES = {Size.SMALL: (64, 4_096, 256_000), Size.FULL: (64, 256, 1_024, 4_096, 16_384, 65_536, 256_000)}

#: Beyond this a target that is not the lab is sent nothing: what leaves a project counts against its plan.
GENTLE_SIZE = 16_384

#: Sent and delivered count: 40 a second stay within the free plan's 100 messages a second.
GENTLE_RATE_PER_S = 40.0

#: Rounds by size: how often each arm runs.
ROUNDS = {Size.SMALL: 3, Size.FULL: 10}

METRICS = (
    Metric("bytes on the wire", "B/message"),
    Metric("receiver's CPU", "µs/message"),
    Metric("server's CPU", "µs/message"),
    Metric("sender's CPU", "µs/message"),
    Metric("latency, p50", "ms"),
    Metric("throughput", "messages/s", higher_is_better=True),
)

#: What a burst must be shorter than, so that it fits the server's buffer for a reader (16,000,000 bytes).
_BURST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sent in each run: some at a rate, for the latency, then a burst, for CPU and throughput.

    Attributes:
        burst: messages due all at once; 0 sends none, as is right anywhere but in the lab.
    """

    rate: Constant
    seconds: float
    burst: int

    @classmethod
    def of(cls, target: Target, body_bytes: int, size: Size) -> Load:
        """What fits the target and the size of the experiment."""
        if target.kind is not TargetKind.LAB:
            return cls(Constant(GENTLE_RATE_PER_S), 0.5, 0)
        small = size is Size.SMALL
        burst = min(1_000 if small else 5_000, (_BURST_BYTES // (2 if small else 1)) // body_bytes)
        return cls(Constant(250.0 if body_bytes < 100_000 else 100.0), 0.08 if small else 1.0, burst)

    def streams(self, form: Form, body_bytes: int) -> tuple[Stream, Stream | None]:
        """At the rate, and the burst if there is to be one."""
        steady = scheduled(self.rate, self.seconds, form=form, body_bytes=body_bytes)
        burst = scheduled(Burst(self.burst, 1.0), form=form, body_bytes=body_bytes) if self.burst else None
        return steady, burst


async def compare_encodings(
    target: Target,
    *,
    content: Content | str = Content.RECORDS,
    body_bytes: int = 1_024,
    size: Size | str | None = None,
    rounds: int | None = None,
) -> Experiment:
    """Send the same data in every form that can carry it: what does it weigh, and what does it cost whom?

    The lab is not to count messages meanwhile; elsewhere messages are few, and nothing is sent in bursts.

    Args:
        content: records, which JSON is made for, or bytes, which it can only carry as base64.
        body_bytes: of the data: of its JSON text, or of the bytes themselves.
        rounds: how often each form is tried; by default as many as the size asks for.

    Raises:
        SettingsError: the size cannot be sent.
        FailureError: the target refused.
    """
    (experiment,) = await sweep_encodings(target, content=content, sizes=(body_bytes,), size=size, rounds=rounds)
    return experiment


async def sweep_encodings(
    target: Target,
    *,
    content: Content | str = Content.RECORDS,
    sizes: Sequence[int] = (),
    size: Size | str | None = None,
    rounds: int | None = None,
) -> tuple[Experiment, ...]:
    """`compare_encodings` at several sizes, by default those of `SIZES`; none above 16 KB where it is not the lab."""
    chosen = experiment_size(size)
    fitting = [one for one in sizes or SIZES[chosen] if target.kind is TargetKind.LAB or one <= GENTLE_SIZE]
    async with sending(target) as sender:
        bench = _Bench(target, sender, server_meter(target), Content.named(content), chosen, rounds)
        return tuple([await bench.at(body_bytes) for body_bytes in fitting])


def server_meter(target: Target) -> CpuMeter:
    """The CPU time of the lab's process; of a target whose processes are not ours, nothing."""
    try:
        server = find_processes(target).server
    except ProcessesUnknown:
        return lambda: None
    return lambda: cpu_s(server)


def measured(steady: Transfer, burst: Transfer | None) -> dict[str, float | None]:
    """The metrics of a run; CPU and throughput are those of the burst."""
    values: dict[str, float | None] = {"bytes on the wire": steady.wire_bytes, "latency, p50": steady.latency_ms}
    if burst is not None:
        values["receiver's CPU"] = burst.each_us(burst.client_cpu_s)
        values["server's CPU"] = burst.each_us(burst.server_cpu_s)
        values["sender's CPU"] = burst.each_us(burst.sent.cpu_s)
        values["throughput"] = burst.throughput_per_s
    return values


@dataclass(frozen=True, slots=True)
class _Bench:
    """What the experiments of one sweep share."""

    target: Target
    sender: Sender
    meter: CpuMeter
    content: Content
    size: Size
    rounds: int | None

    async def at(self, body_bytes: int) -> Experiment:
        load = Load.of(self.target, body_bytes, self.size)
        return await run_rounds(
            f"encodings of {body_bytes:,} bytes of {self.content.words}",
            f"In which form do {body_bytes:,} bytes of {self.content.words} travel best?",
            self.target,
            self._arms(body_bytes, load),
            metrics=METRICS,
            rounds=ROUNDS[self.size] if self.rounds is None else self.rounds,
            size=self.size,
            answer=_answer,
            settings={"body_bytes": body_bytes, "steady": f"{load.rate} for {load.seconds:g} s", "burst": load.burst},
        )

    def _arms(self, body_bytes: int, load: Load) -> Mapping[str, Arm]:
        return {form.value: partial(self._run, form, body_bytes, load) for form in Form.of(self.content)}

    async def _run(self, form: Form, body_bytes: int, load: Load, number: int) -> Outcome:
        stream, crowded = load.streams(form, body_bytes)
        steady = await transfer(self.target, self.sender, stream, self.meter, run=number)
        burst = None
        if crowded is not None:
            burst = await transfer(self.target, self.sender, crowded, self.meter)
        notes = () if burst is None or not burst.recording.lost else (f"{burst.recording.lost} of a burst were lost",)
        return Outcome(measured(steady, burst), recording=steady.recording, notes=notes)


def _answer(experiment: Experiment) -> str:
    return leaders(experiment, [metric.name for metric in METRICS])
