"""Lets a person start in the middle: measures, in small, what the notebooks before would have measured."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from helpers.profiling.results import Skipped
from helpers.results import results_dir, save_result
from helpers.session import connect
from helpers.target import Target

__all__ = ["measure_missing"]

Measure = Callable[[Target], Awaitable[Any]]


async def measure_missing() -> list[str]:
    """Measure what is not in the results folder yet (about a minute and a half if all of it is missing).

    Connects to the target only if something is missing; `disconnect` gives it back.

    Returns:
        The names of the results that were made.

    Raises:
        WorkbookError: the target cannot be measured.
    """
    alone, together = _missing(_ALONE), _missing(_TOGETHER)
    made = []
    for name in alone:
        made += _kept(name, await _ALONE[name](await connect()))
    if together:
        target = await connect()
        results = await asyncio.gather(*(_TOGETHER[name](target) for name in together))
        made += [name for pair in zip(together, results, strict=True) for name in _kept(*pair)]
    return made


def _missing(measures: Mapping[str, Measure]) -> list[str]:
    return [name for name in measures if not (results_dir() / f"{name}.json").exists()]


def _kept(name: str, result: Any) -> list[str]:
    """Save it; what this target does not allow to be measured is no result."""
    if isinstance(result, Skipped):
        return []
    save_result(name, result)
    return [name]


async def _diagnosis(target: Target) -> Any:
    from helpers.diagnosis import diagnose

    return await diagnose(target)


async def _profiling(target: Target) -> Any:
    from helpers.profiling import profile_everything

    return await profile_everything(target)


async def _sync(target: Target) -> Any:
    from helpers.sync import compare_strategies

    return await compare_strategies(target)


async def _survival(target: Target) -> Any:
    from helpers.experiments import compare_survival

    return await compare_survival(target)


async def _recovery(_: Target) -> Any:
    from helpers.experiments import measure_recovery

    return await measure_recovery()


async def _monitoring(target: Target) -> Any:
    from helpers.monitoring.watched import watch_for

    return await watch_for(target, WATCH_S)


async def _review(_: Target) -> Any:
    from helpers.review.reviewed import review_briefly

    return await review_briefly()


#: For how long the canary watches here: enough to see that it serves, and far from enough to judge an uptime.
WATCH_S = 15.0

#: What is timed to the millisecond, one after the other.
_ALONE: dict[str, Measure] = {"diagnosis": _diagnosis, "profiling": _profiling, "sync": _sync, "review": _review}
#: What mostly waits, at the same time.
_TOGETHER: dict[str, Measure] = {"survival": _survival, "recovery": _recovery, "monitoring": _monitoring}
