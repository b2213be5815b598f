"""A limit of actions a second that waits instead of failing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from helpers.errors import SettingsError

__all__ = ["RateLimit"]


class RateLimit:
    """A token bucket: `await limit.turn()` returns when it is one's turn, first come, first served.

    Args:
        per_s: actions a second in the long run.
        burst: how many may follow each other without a pause.
    """

    def __init__(self, per_s: float, burst: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        if per_s <= 0 or burst < 1:
            happened = f"{per_s:g} actions a second with a burst of {burst}"
            raise SettingsError("planning a rate limit", happened, "Choose a rate above 0 and a burst of at least 1")
        self._pause_s, self._burst, self._clock = 1 / per_s, burst, clock
        self._free_at = clock()
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for one's turn. Who is cancelled meanwhile takes none away from those behind."""
        async with self._queue:
            await asyncio.sleep(self._wait_s())
            self.claim()

    def claim(self) -> float:
        """Take the next turn, and say how far away it is, in seconds."""
        wait = self._wait_s()
        self._free_at += self._pause_s
        return wait

    def _wait_s(self) -> float:
        now = self._clock()
        # A bucket that was idle is full, and holds no more than its burst.
        self._free_at = max(self._free_at, now - (self._burst - 1) * self._pause_s)
        return max(0.0, self._free_at - now)
