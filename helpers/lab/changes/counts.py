"""What the change feed counts, for monitoring."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from helpers.lab.metrics import Histogram

__all__ = ["PAYLOAD_BYTES", "ChangeCounts"]

#: Bounds of the genuine server's histograms (`prom_ex/plugins/tenant.ex`), in milliseconds and in bytes.
_QUERY_MS = (10, 25, 50, 100, 250, 500, 2500, 15_000)
PAYLOAD_BYTES = (250, 500, 1000, 3000, 5000, 10_000, 25_000, 100_000, 500_000, 1_000_000, 3_000_000)


@dataclass(slots=True)
class ChangeCounts:
    """Since the feed began.

    Attributes:
        query_ms: how long the looks at the slot took, from the query to the last delivery.
        payload_bytes: sizes of the changes as they are sent, each counted once however many receive it.
        dispatched: changes that somebody received.
        skipped: changes that nobody received although somebody should have, by reason.
        failures: of reading the slot, by the database's error code.
    """

    query_ms: Histogram = field(default_factory=lambda: Histogram(_QUERY_MS))
    payload_bytes: Histogram = field(default_factory=lambda: Histogram(PAYLOAD_BYTES))
    dispatched: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
