"""A subscription that survives: what was committed arrives, whatever becomes of the connection."""

from __future__ import annotations

from helpers.resilience.backoff import Backoff, BackoffSettings, Jitter, spread_for
from helpers.resilience.lifecycle import Happened, Lifecycle, State, Transition
from helpers.resilience.rate import RateLimit

__all__ = [
    "Backoff",
    "BackoffSettings",
    "Happened",
    "Jitter",
    "Lifecycle",
    "RateLimit",
    "State",
    "Transition",
    "spread_for",
]
