"""Bursts: many rows in one transaction before subscribers that stay, metered from the commit to the last delivery.

A burst brings the feed to work at its own pace, so that what a change costs is not drowned in what it waits.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.experiments.cpu import CpuClock, ServerCpu
from helpers.experiments.crowd import Crowd, Receipt
from helpers.profiling.harness import Harness, LoopWatch, limits
from helpers.profiling.ledger import Ledger
from helpers.profiling.recording import Recording

__all__ = ["Burst", "run_burst"]

#: When nothing has come for so long, what is missing counts as lost: one poll's changes may take seconds to be
#: checked, when a dear policy is asked for hundreds of subscribers.
QUIET_S = 15.0

#: Said once for all bursts of which it holds: how late exactly is in each recording's `harness`.
LATE = "the harness was the limit of the latency: it had to take in the whole burst, and its event loop was late"

#: The number of a change without a key, which the server sends in place of one that may not be read.
NOBODYS = -1


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of a burst.

    Attributes:
        receipts: in order of arrival.
        client_cpu_s: CPU time of this process. cpu: that of server and database.
    """

    recording: Recording
    receipts: tuple[Receipt, ...]
    client_cpu_s: float
    cpu: ServerCpu

    @property
    def latency_p50_ms(self) -> float | None:
        """From just before the commit to the receipt; None if nothing came."""
        return self.recording.latency_ms(50) if self.recording.latency.count else None


async def run_burst(
    crowd: Crowd, clock: CpuClock, write: Callable[[], Awaitable[int]], *, label: str, rows: int, expected: int
) -> Burst:
    """Write once, and wait until everybody has what is theirs.

    Args:
        write: commits changes of `rows` rows whose `id`s follow each other, and returns the first of them.
        expected: receipts of all seats together.
    """
    crowd.forget()
    bytes_before, before = crowd.wire_bytes_in, await clock.read()
    async with LoopWatch() as watch:
        start, client_s = time.monotonic(), time.process_time()
        first_id = await write()
        await crowd.hear(expected, QUIET_S)
        seconds, client_s = time.monotonic() - start, time.process_time() - client_s
    after = await clock.read()
    receipts = tuple(crowd.receipts)
    ledger = _entered(receipts, crowd.seats, rows, first_id, start)
    harness = watch.harness(rows / seconds, rows / seconds, 0.0)
    recording = Recording.of(
        ledger,
        label,
        seconds=seconds,
        sent=rows,
        wire_bytes=crowd.wire_bytes_in - bytes_before,
        harness=harness,
        notes=_notes(ledger, harness, expected),
    )
    recording = replace(recording, expected=expected, lost=max(0, expected - ledger.distinct))
    return Burst(recording, receipts, client_s, after.since(before))


def _entered(receipts: Sequence[Receipt], seats: int, rows: int, first_id: int, start: float) -> Ledger:
    """The books of all seats; every row was due when the burst began."""
    ledger = Ledger(seats, rows)
    if receipts:
        ledger.record_many(
            np.array([receipt.seat for receipt in receipts]),
            np.array([_row_id(receipt) - first_id for receipt in receipts]),
            np.full(len(receipts), start),
            np.array([receipt.change.received_at for receipt in receipts]),
            np.array([receipt.change.size_bytes for receipt in receipts]),
        )
    return ledger


def _row_id(receipt: Receipt) -> int:
    """The key is in every change that may be read: of a deleted row, in what was there before."""
    return int((receipt.change.record or receipt.change.old_record).get("id", NOBODYS))


def _notes(ledger: Ledger, harness: Harness, expected: int) -> tuple[str, ...]:
    p99_ms = 1e3 * ledger.latency.percentile_s(99) if ledger.latency.count else None
    surplus = ledger.distinct - expected
    more = [f"{surplus:,} changes came to somebody who should not get them"] if surplus > 0 else []
    return (*more, *([LATE] if limits(harness, p99_ms, writer_late_p99_ms=0.0) else []))
