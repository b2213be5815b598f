"""Tests of what takes seconds, in no time: an event loop whose clock stands still while there is something to do."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["elapsing", "run"]

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Does not wait for what may come, but says at once that the time of the wait has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; every sleep takes just as long as it should by the loop's clock, which begins at 0."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)


def elapsing(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that runs so."""

    @functools.wraps(test)
    def synchronous() -> None:
        run(test())

    return synchronous
