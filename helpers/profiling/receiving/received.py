"""What became of the messages that one process listened to."""

from __future__ import annotations

import msgspec
import numpy as np

from helpers.profiling.harness import Harness
from helpers.profiling.histogram import Counts, Floats, Histogram
from helpers.profiling.recording import Stream

__all__ = ["Received", "SamplingHistogram"]


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """JSON and pickle carry it.

    Attributes:
        streams: subscriptions planned. joined: those that were made.
        received, distinct, lost, duplicated, reordered, strays, early: as `Ledger` says, of the planned streams.
        frames, payload_bytes, wire_bytes: everything that came since the sockets were opened.
        message_bytes: of the messages that were received. run_wire_bytes: of `wire_bytes`, what came after all joined.
        blocks, runs: as `Intake` says, of what came after all joined.
        malformed, unmatched: as `Intake` says.
        seconds, cpu_s: from the first message to the last, both of them recorded; 0 if there was none.
        first_at, last_at: when these came, by the sender's clock.
        memory_bytes: by which the process grew, per socket, until all had joined; less in one that had others before.
        per_stream: each channel on each socket, in order.
        harness: how late the process itself was while it received; zeros where nobody watched.
        failures: what went wrong, and how many sockets it met.
        sample: the latencies themselves (seconds, float64), where they were asked for; `latencies_s` reads them.
    """

    streams: int
    joined: int
    received: int
    distinct: int
    lost: int
    duplicated: int
    reordered: int
    strays: int
    early: int
    frames: int
    payload_bytes: int
    message_bytes: int
    wire_bytes: int
    run_wire_bytes: int
    blocks: int
    runs: int
    malformed: int
    unmatched: int
    seconds: float
    cpu_s: float
    first_at: float
    last_at: float
    memory_bytes: float
    latency: Counts
    per_stream: tuple[Stream, ...]
    harness: Harness
    failures: dict[str, int]
    sample: bytes = b""

    @property
    def latencies_s(self) -> Floats:
        """The sample, in order of receipt; empty unless it was asked for."""
        return np.frombuffer(self.sample, dtype=np.float64)


class SamplingHistogram(Histogram):
    """Keeps the values as well, for whoever wants to check the one against the other."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[Floats] = []

    def record_many(self, seconds: Floats) -> None:
        """Enter values, as `Histogram` does."""
        super().record_many(seconds)
        self._kept.append(seconds.astype(np.float64))

    def sample(self) -> bytes:
        """All values as they were entered, float64."""
        return b"".join(part.tobytes() for part in self._kept)
