"""A lab for experiments that measure work and not waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from helpers.lab import Lab, LabSettings
from helpers.lab.changes import ChangeSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target, TargetKind

__all__ = ["POLL_IDLE_S", "quick_lab", "quick_target", "wait_setting"]

#: How long this lab waits after it found no changes; the real server waits 0.5 s (`replication_poller.ex`), which
#: would drown what is measured, and take most of the time of the experiment.
POLL_IDLE_S = 0.03


@asynccontextmanager
async def quick_lab() -> AsyncIterator[Lab]:
    """A lab that waits little when it is idle, has no quotas, and asks policies on one connection.

    The real server asks on one connection too; the ordinary lab has several.
    """
    limits = Limits(users=2_000, joins_per_s=10_000, events_per_s=1e9)
    changes = ChangeSettings(evaluation_connections=1, poll_idle_s=POLL_IDLE_S, cold_start_s=(0.0, 0.0))
    async with Lab(LabSettings(realtime=RealtimeSettings(limits=limits), changes=changes)) as lab:
        yield lab


@asynccontextmanager
async def quick_target(target: Target) -> AsyncIterator[Target]:
    """In place of a lab a quick one; every other target as it is."""
    if target.kind is not TargetKind.LAB:
        yield target
        return
    async with quick_lab() as lab:
        yield lab.target


def wait_setting(target: Target) -> dict[str, object]:
    """What to say of it among an experiment's settings."""
    idle = f"{POLL_IDLE_S:g} s" if target.kind is TargetKind.LAB else "the target's own"
    return {"wait for changes when idle": idle}
