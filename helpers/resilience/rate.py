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

    async def turn(self) -> float:
        """Wait for one's turn; returns how long that took, in seconds."""
        wait = self.claim()
        if wait > 0:
            await asyncio.sleep(wait)
        return wait

    def claim(self) -> float:
        """Take the next turn, and say how far away it is, in seconds."""
        now = self._clock()
        # A bucket that was idle is full, and holds no more than its burst.
        self._free_at = max(self._free_at, now - (self._burst - 1) * self._pause_s)
        wait, self._free_at = self._free_at - now, self._free_at + self._pause_s
        return max(0.0, wait)
