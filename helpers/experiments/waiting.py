"""Arms that wait and do not compute may run at the same time: a round then takes as long as its slowest arm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from helpers.experiments.experiment import Outcome

__all__ = ["at_once"]

Arm = Callable[[int], Coroutine[Any, Any, Outcome]]


@asynccontextmanager
async def at_once(
    arms: Mapping[str, Arm], *, rounds: int = 1
) -> AsyncIterator[dict[str, Callable[[int], Awaitable[Outcome]]]]:
    """The same arms for `run_rounds`; the first that is asked in a round starts all of them, and those of the rounds
    that are to run with it.

    Only for arms whose measure is a wait of a quarter of a second and more: they share one processor.
    """
    started: dict[tuple[str, int], asyncio.Task[Outcome]] = {}

    def asked(name: str) -> Callable[[int], Awaitable[Outcome]]:
        def arm(number: int) -> Awaitable[Outcome]:
            if (name, number) not in started:
                for each, run in arms.items():
                    for one in range(number, number + rounds):
                        started[each, one] = asyncio.create_task(run(one))
            return started[name, number]

        return arm

    try:
        yield {name: asked(name) for name in arms}
    finally:
        for task in started.values():
            task.cancel()
        await asyncio.gather(*started.values(), return_exceptions=True)
