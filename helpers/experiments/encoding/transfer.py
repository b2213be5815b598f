"""One stream from a sender to a receiver, with what it cost each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from helpers.client import RealtimeClient
from helpers.experiments.encoding.reception import Reception
from helpers.experiments.sending import Sender, unless_cut_off
from helpers.profiling.harness import LoopWatch, limits
from helpers.profiling.recording import Recording
from helpers.stream import Sent, Stream
from helpers.target import Target
from helpers.wire.join import JoinConfig

__all__ = ["CpuMeter", "Transfer", "transfer"]

#: How long after the last was due messages may still come.
DRAIN_LIMIT_S = 5.0

#: A burst takes at least this long.
MOMENT_S = 0.001

#: CPU seconds so far of whoever serves; None where that is not known.
CpuMeter = Callable[[], float | None]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What became of a stream.

    Attributes:
        seconds: from the start to the last message received.
        client_cpu_s: of the receiving thread, decoding included. server_cpu_s: as the meter says.
    """

    stream: Stream
    sent: Sent
    recording: Recording
    seconds: float
    client_cpu_s: float
    server_cpu_s: float | None

    @property
    def throughput_per_s(self) -> float | None:
        """Messages received in a second; None if not all came."""
        whole = self.recording.lost == 0 and self.seconds > 0
        return self.recording.received / self.seconds if whole else None

    @property
    def wire_bytes(self) -> float | None:
        """Of a message with everything around it, received; None if none came."""
        return self.recording.wire_bytes / self.recording.received if self.recording.received else None

    @property
    def latency_ms(self) -> float | None:
        """The median from due to received; None if none came."""
        return self.recording.latency_ms(50) if self.recording.received else None

    def each_us(self, cpu_s: float | None) -> float | None:
        """Of a CPU time the part of one message, in microseconds."""
        received = self.recording.received
        return 1e6 * cpu_s / received if cpu_s is not None and received else None


async def transfer(
    target: Target, sender: Sender, stream: Stream, meter: CpuMeter, *, compression: bool = False, run: int = 0
) -> Transfer:
    """Receive a stream on a connection of its own.

    Args:
        target: to which the receiver connects; the sender has its own.

    Raises:
        FailureError: one of the two was refused, or broke off.
    """
    reception = Reception(stream)
    async with RealtimeClient(target, version=stream.form.version, compression=compression) as client:
        channel = client.channel(stream.topic, JoinConfig(), buffer=1)
        channel.on_event(reception.on_event)
        await channel.subscribe()
        await sender.prepare(stream)
        async with LoopWatch() as watch:
            wire, server, own = client.counters.wire_bytes_in, meter(), time.thread_time()
            start = sender.start()
            sent = await sender.send(stream, start)
            notes = await unless_cut_off(client, reception.complete(DRAIN_LIMIT_S))
            server_after = meter()
        wire = client.counters.wire_bytes_in - wire
    seconds = reception.last_at - start
    return Transfer(
        stream=stream,
        sent=sent,
        recording=_recording(reception, sent, seconds, wire, watch, run, notes),
        seconds=seconds,
        client_cpu_s=reception.cpu_s - own,
        server_cpu_s=None if server is None or server_after is None else server_after - server,
    )


def _recording(
    reception: Reception,
    sent: Sent,
    seconds: float,
    wire_bytes: int,
    watch: LoopWatch,
    run: int,
    notes: tuple[str, ...],
) -> Recording:
    stream, ledger = reception.stream, reception.ledger()
    planned_s = stream.last_due_s
    scheduled_per_s, sent_per_s = (sent.messages / max(took, MOMENT_S) for took in (planned_s, sent.seconds))
    harness = watch.harness(scheduled_per_s, sent_per_s, sent.late_max_ms)
    p99_ms = 1e3 * ledger.latency.percentile_s(99) if ledger.latency.count else None
    told = [*notes, *([f"the sender was stopped: {sent.error}"] if sent.error else [])]
    if planned_s:  # a burst is late by intention
        told += limits(harness, p99_ms, writer_late_p99_ms=sent.late_p99_ms)
    return Recording.of(
        ledger,
        stream.form,
        seconds=seconds,
        sent=sent.messages,
        wire_bytes=wire_bytes,
        run=run,
        harness=harness,
        notes=told,
    )
