"""The same rules in a hurry."""

from __future__ import annotations

from helpers.resilience import BackoffSettings, ResilienceSettings

__all__ = ["QUICK"]

QUICK = ResilienceSettings(
    heartbeat_s=1.0,
    timeout_s=0.5,
    backoff=BackoffSettings(base_s=0.1, cap_s=0.5, spread_s=0.1),
    poll_after_s=0.3,
    poll_min_s=0.1,
    poll_max_s=0.3,
    audit_s=1.0,
)
