"""An application's handler that costs a stated CPU time, as drawing a page does."""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["Cost", "burn"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a turn costs, in CPU time of the thread that also reads the socket: a browser's, or an event loop's.

    Attributes:
        render_s: of every turn, however much it shows: layout and paint of a page, a commit, a request.
        apply_s: of every value in it.
    """

    render_s: float
    apply_s: float

    def of(self, values: int) -> float:
        """Of a turn with so many values, in seconds."""
        return self.render_s + values * self.apply_s

    @property
    def capacity_per_s(self) -> float:
        """How many values a second can be handled one by one."""
        return 1 / self.of(1)


def burn(seconds: float) -> None:
    """Use so much CPU time of this thread; nothing else runs in it meanwhile."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
