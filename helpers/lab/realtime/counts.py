"""What the server counts only to show it to monitoring; what it counts against quotas is in `limits`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.lab.changes.counts import PAYLOAD_BYTES
from helpers.lab.metrics import Histogram

__all__ = ["Counts", "timed"]

#: Bounds of the genuine server's histograms of latencies (`prom_ex/plugins/tenant.ex`), in milliseconds.
_LATENCY_MS = (10, 25, 50, 100, 250, 500, 1000, 5000, 15_000)


class Counts:
    """Since the server began.

    Attributes:
        input_bytes: of messages that came over sockets.
        broadcast_bytes: sizes of payloads, each counted once however many receive it; `presence_bytes` likewise.
        joins: by result, `ok` or `error`.
        errors: refused joins by the code that precedes their reason.
        refused: handshakes by HTTP status.
        shut: channels that the server closed, by what it said.
        malformed: messages that were passed over.
        slow_readers: sockets that were ended because they did not read.
        read_check_ms: how long it took to read the policies; `write_check_ms`, `replay_ms` likewise.
    """

    __slots__ = (
        "broadcast_bytes", "errors", "input_bytes", "joins", "malformed", "presence_bytes",
        "read_check_ms", "refused", "replay_ms", "shut", "slow_readers", "write_check_ms",
    )  # fmt: skip

    def __init__(self) -> None:
        self.input_bytes = self.malformed = self.slow_readers = 0
        self.broadcast_bytes, self.presence_bytes = Histogram(PAYLOAD_BYTES), Histogram(PAYLOAD_BYTES)
        self.read_check_ms, self.write_check_ms, self.replay_ms = (Histogram(_LATENCY_MS) for _ in range(3))
        self.joins: Counter[str] = Counter(ok=0, error=0)
        self.errors: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.shut: Counter[str] = Counter()


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Count how many milliseconds something takes, whatever comes of it."""
    began = time.perf_counter()
    try:
        yield
    finally:
        histogram.add((time.perf_counter() - began) * 1000)
