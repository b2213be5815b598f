"""What the change feed counts, for monitoring."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from helpers.lab.metrics import Histogram

__all__ = ["PAYLOAD_BYTES", "ChangeCounts"]

_log = logging.getLogger(__name__)

#: Bounds of the genuine server's histograms (`prom_ex/plugins/tenant.ex`), in milliseconds and in bytes.
_QUERY_MS = (10, 25, 50, 100, 250, 500, 2500, 15_000)
PAYLOAD_BYTES = (250, 500, 1000, 3000, 5000, 10_000, 25_000, 100_000, 500_000, 1_000_000, 3_000_000)


@dataclass(slots=True)
class ChangeCounts:
    """Since the feed began.

    Attributes:
        polled: changes read from the slot.
        query_ms: how long the looks at the slot took, from the query to the last delivery.
        payload_bytes: sizes of the changes as they are sent, each counted once however many receive it.
        dispatched: changes that somebody received.
        deliveries: the same, each counted once for each subscription that received it.
        skipped: changes that somebody should have received and did not, by reason. The real server knows only
            ``rate_limited``; ``evaluation_failed`` are those of a filter or policy that failed.
        batches_dropped: batches that nobody received because a filter or policy failed.
        publication_changes: how often the publication's tables had changed.
        cold_starts: how often subscribers had to wait for the feed to start.
        misnamed_tables: how often a subscription got a table that it had not named, as its name was a pattern.
        failures: of reading the slot, by the database's error code.
    """

    query_ms: Histogram = field(default_factory=lambda: Histogram(_QUERY_MS))
    payload_bytes: Histogram = field(default_factory=lambda: Histogram(PAYLOAD_BYTES))
    polled: int = 0
    dispatched: int = 0
    deliveries: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    batches_dropped: int = 0
    publication_changes: int = 0
    cold_starts: int = 0
    misnamed_tables: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def skip(self, reason: str, changes: int, why: str, *, quietly: bool = False) -> None:
        """Count changes that somebody should have received and does not, and say so in the log."""
        self.skipped[reason] += changes
        if changes and not quietly:
            _log.warning("%d changes are not delivered (%s), nobody is told: %s", changes, reason, why)
