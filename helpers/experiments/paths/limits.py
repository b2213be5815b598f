"""Where each path breaks: faster and faster to so many subscribers, until it no longer keeps up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from helpers.errors import FailureError
from helpers.experiments.paths.catalog import Path, stepped_paths_of
from helpers.experiments.paths.decision import PathLimit, PathLimits
from helpers.experiments.paths.delivery import TARGET_MS, Delivery, Load, deliver
from helpers.experiments.paths.stage import Stage, open_stage
from helpers.experiments.size import Size, experiment_size
from helpers.lab import Lab, LabSettings
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling.harness import HARNESS_LIMIT
from helpers.profiling.workloads import Writer
from helpers.profiling.workloads.knee import Step, StepLoad, Tolerance
from helpers.progress import Progress
from helpers.results import utc_now
from helpers.target import Target

__all__ = ["find_path_limits"]

#: Of each number of subscribers, the rates that are tried.
Grid = dict[int, tuple[float, ...]]

_GRIDS: dict[Size, Grid] = {
    Size.SMALL: {20: (300,), 1: (15_000,)},
    Size.FULL: {
        1: (10, 100, 300, 1_000, 3_000, 10_000),
        20: (10, 100, 300, 1_000, 3_000),
        100: (10, 100, 300, 600),
        500: (10, 50, 100),
    },
}

#: A step lasts so long, or for so many changes: enough to say of a share of 95 % that it was reached.
_SECONDS, _CHANGES = {Size.SMALL: 0.2, Size.FULL: 1.5}, 75

#: How often a step that was not good is measured again: it may have been a moment's doing.
_REPEATS = {Size.SMALL: 0, Size.FULL: 1}

#: Nobody comes after more than this in a lab of ours.
_MOST_USERS = 5_000


async def find_path_limits(
    *,
    size: Size | str | None = None,
    paths: Sequence[Path] = (),
    grid: Grid | None = None,
    target_ms: float = TARGET_MS,
) -> PathLimits:
    """Step up the rate of each path, for each number of subscribers, in a lab of its own without quotas.

    A path is broken when messages are lost or refused, when subscribers cannot come in, or when the p99 is over the
    target on top of the path's own wait. Beside that is told which share of the changes was in time without that
    grace.

    Args:
        paths: by default those of the size. grid: of each number of subscribers, the rates to try, ascending.

    Raises:
        SettingsError: there is no such size.
        LabError: the lab could not be started.
    """
    chosen, began, taken_at = experiment_size(size), time.monotonic(), utc_now()
    found: list[PathLimit] = []
    async with _lab() as target, Writer(target) as writer, contextlib.AsyncExitStack() as stack:
        stages = [
            await stack.enter_async_context(open_stage(target, path)) for path in paths or stepped_paths_of(chosen)
        ]
        with Progress() as progress:
            for subscribers, rates in (grid or _GRIDS[chosen]).items():
                for stage in stages:
                    progress.say(f"limits: {stage.path.name} to {subscribers:,}")
                    found.append(await _climb(stage, writer, subscribers, rates, chosen, target_ms))
        named = str(target)
    return PathLimits(named, taken_at, chosen, time.monotonic() - began, target_ms, tuple(found))


@asynccontextmanager
async def _lab() -> AsyncIterator[Target]:
    limits = Limits(events_per_s=1e9, joins_per_s=1e9, users=_MOST_USERS, batch_messages=1_000)
    changes = ChangeSettings(cold_start_s=(0.0, 0.0))
    async with Lab(LabSettings(realtime=RealtimeSettings(limits=limits), changes=changes)) as lab:
        yield lab.target


async def _climb(
    stage: Stage, writer: Writer, subscribers: int, rates: Sequence[float], size: Size, target_ms: float
) -> PathLimit:
    """One path, up to the first rate that it does not keep up with."""
    tolerance = Tolerance(1e3 * stage.path.wait_s + target_ms)
    steps: list[Step] = []
    deliveries: list[Delivery] = []
    failed = ""
    for rate in rates:
        load = Load(rate, max(_SECONDS[size], _CHANGES / rate), subscribers)
        try:
            tries = await _tries(stage, writer, load, tolerance, 1 + _REPEATS[size], target_ms)
        except FailureError as error:
            failed = error.happened
            break
        deliveries.append(tries[-1])
        steps.append(_step(tries, tolerance))
        if steps[-1].reasons:
            break
    load_of = StepLoad(
        str(stage.target), utc_now(), stage.path.name, subscribers, tolerance, tuple(map(float, rates)), tuple(steps)
    )
    return PathLimit(stage.path, subscribers, load_of, tuple(deliveries), failed)


async def _tries(
    stage: Stage, writer: Writer, load: Load, tolerance: Tolerance, most: int, target_ms: float
) -> list[Delivery]:
    """As many measurements as it takes until one is good, at most so many."""
    tries: list[Delivery] = []
    while not tries or (len(tries) < most and any(_reasons(tries[-1], tolerance))):
        tries.append(await deliver(stage, writer, load, target_ms=target_ms))
    return tries


def _step(tries: Sequence[Delivery], tolerance: Tolerance) -> Step:
    last = tries[-1]
    by_harness = not last.absent and any(note.startswith(HARNESS_LIMIT) for note in last.recording.notes)
    recordings = tuple(one.recording for one in tries)
    return Step(last.load.rate_per_s, recordings, tuple(_reasons(last, tolerance)), by_harness)


def _reasons(delivery: Delivery, tolerance: Tolerance) -> Iterator[str]:
    if delivery.absent:
        yield f"{delivery.absent:,} of {delivery.load.subscribers:,} subscribers did not come in"
    yield from tolerance.left_by(delivery.recording, delivery.changes)
