"""A lab for experiments that measure work and not waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from helpers.lab import Lab, LabSettings
from helpers.lab.changes import ChangeSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target, TargetKind

__all__ = ["POLL_IDLE_S", "quick_lab", "quick_target", "start_quick_lab", "stop_quick_lab", "wait_setting"]

#: How long this lab waits after it found no changes; the real server waits 0.5 s (`replication_poller.ex`), which
#: would drown what is measured, and take most of the time of the experiment.
POLL_IDLE_S = 0.03


#: How often the lab compares the publication with its subscriptions: not while we measure. The real server does it
#: each minute; our tables stand before anybody subscribes, and hundreds of subscriptions would be made anew in a burst.
REFRESH_S = 3_600.0


#: Quick labs that somebody started for several experiments, by their address.
_started: dict[str, Lab] = {}


async def start_quick_lab(target: Target) -> Target:
    """One quick lab for several experiments, in place of one for each; every other target is returned as it is.

    Give the experiments what this returns, and stop it with `stop_quick_lab`; with its process it ends anyway.

    Raises:
        LabError, NodeError: it did not start.
    """
    if target.kind is not TargetKind.LAB:
        return target
    lab = await Lab.start(_settings())
    _started[lab.target.api_url] = lab
    return lab.target


async def stop_quick_lab(target: Target) -> None:
    """Stop what `start_quick_lab` started; every other target is left alone."""
    lab = _started.pop(target.api_url, None)
    if lab is not None:
        await lab.stop()


@asynccontextmanager
async def quick_lab(target: Target) -> AsyncIterator[Lab]:
    """The quick lab that this target is, else a new one for the block.

    It waits little when it is idle, has no quotas, and asks policies on one connection, as the real server does; the
    ordinary lab has several.
    """
    if target.api_url in _started:
        yield _started[target.api_url]
        return
    async with Lab(_settings()) as lab:
        yield lab


@asynccontextmanager
async def quick_target(target: Target) -> AsyncIterator[Target]:
    """In place of a lab a quick one; every other target as it is."""
    if target.kind is not TargetKind.LAB:
        yield target
        return
    async with quick_lab(target) as lab:
        yield lab.target


def _settings() -> LabSettings:
    limits = Limits(users=2_000, joins_per_s=10_000, events_per_s=1e9)
    changes = ChangeSettings(
        evaluation_connections=1, poll_idle_s=POLL_IDLE_S, cold_start_s=(0.0, 0.0), publication_refresh_s=REFRESH_S
    )
    return LabSettings(realtime=RealtimeSettings(limits=limits), changes=changes)


def wait_setting(target: Target) -> dict[str, object]:
    """What to say of it among an experiment's settings."""
    idle = f"{POLL_IDLE_S:g} s" if target.kind is TargetKind.LAB else "the target's own"
    return {"wait for changes when idle": idle}
