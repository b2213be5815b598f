"""Lets a person start in the middle: measures, in small, what the notebooks before would have measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from helpers.results import results_dir, save_result
from helpers.session import connect
from helpers.target import Target

__all__ = ["measure_missing"]


async def measure_missing() -> list[str]:
    """Measure what is not in the results folder yet (about a minute if all of it is missing).

    Connects to the target only if something is missing; `disconnect` gives it back.

    Returns:
        The names of the results that were made.

    Raises:
        WorkbookError: the target cannot be measured.
    """
    missing = [name for name in _MEASURE if not (results_dir() / f"{name}.json").exists()]
    for name in missing:
        save_result(name, await _MEASURE[name](await connect()))
    return missing


async def _diagnosis(target: Target) -> Any:
    from helpers.diagnosis import diagnose

    return await diagnose(target)


async def _profiling(target: Target) -> Any:
    from helpers.profiling import profile_everything

    return await profile_everything(target)


async def _sync(target: Target) -> Any:
    from helpers.sync import compare_strategies

    return await compare_strategies(target)


_MEASURE: dict[str, Callable[[Target], Awaitable[Any]]] = {
    "diagnosis": _diagnosis,
    "profiling": _profiling,
    "sync": _sync,
}
