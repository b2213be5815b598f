"""How the server is set, and what it is given to tell: the two axes of the ladder."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from helpers.experiments.size import Size
from helpers.lab import LabSettings
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling.workloads import Poisson, Trace, Workload

__all__ = ["IDLE", "PARTS", "POLL_100", "REAL", "SETTINGS", "STREAMING", "Traffic", "lab_settings", "traffics"]

REAL, POLL_100, STREAMING = "real ladder", "poll 100 ms", "streaming"
SETTINGS = (REAL, POLL_100, STREAMING)

#: The traffic of nothing.
IDLE = "idle"

#: Each traffic is told in so many parts, which are what a mean and its interval are of.
PARTS = {Size.SMALL: 4, Size.FULL: 8}

#: Nobody waits for a cold start here: it is another question.
_WARM = ChangeSettings(cold_start_s=(0.0, 0.0))

#: The real server's idle look is five times its setting `poll_interval_ms` (`replication_poller.ex`): 100 ms of idle
#: are what a self-hosted server does at 20. Its jitter stays.
_CHANGES = {
    REAL: _WARM,
    POLL_100: replace(_WARM, poll_idle_s=0.1, poll_busy_s=0.02),
    STREAMING: replace(_WARM, streaming=True),
}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Changes that are committed at random moments, so that they meet every moment of a cycle alike.

    Attributes:
        name: as arms call it.
        per_s: changes a second. seconds: how long.
        wanted_of: of so many changes the subscriber wants one; the others move the slot and concern nobody.
    """

    name: str
    per_s: float
    seconds: float
    wanted_of: int = 1

    def workload(self, table: str) -> Workload:
        """The same schedule in all settings."""
        rate = self._even() if self.wanted_of == 1 else Poisson(self.per_s, seed=round(self.per_s))
        return Workload(rate=rate, seconds=self.seconds, table=table, rooms=self.wanted_of, body_bytes=100)

    def _even(self) -> Trace:
        """A random moment in each of equally long spans: as many changes as planned, and no moment is preferred."""
        changes = round(self.per_s * self.seconds)
        places = np.arange(changes) + np.random.default_rng(changes).random(changes)
        return Trace(tuple((places / self.per_s).tolist()))


_SMALL = (
    Traffic("isolated changes", 4, 2.4),
    Traffic(IDLE, 0, 2.0),
    Traffic("50/s", 50, 1.2),
    Traffic("50/s, 1 in 40 wanted", 50, 2.4, wanted_of=40),
)
_FULL = (
    Traffic("isolated changes", 1.5, 40),
    Traffic(IDLE, 0, 16),
    Traffic("10/s", 10, 16),
    Traffic("50/s", 50, 16),
    Traffic("50/s, 1 in 40 wanted", 50, 30, wanted_of=40),
    Traffic("500/s", 500, 8),
    Traffic("1500/s", 1500, 8),
)


def traffics(size: Size) -> tuple[Traffic, ...]:
    """What is written: isolated changes first, much last. Nothing comes early: to look at a log with much in it
    costs more, until the server lets go of it.
    """
    return _FULL if size is Size.FULL else _SMALL


def lab_settings(setting: str) -> LabSettings:
    """Of a lab whose quotas are out of the way."""
    limits = Limits(events_per_s=1e9)
    return LabSettings(realtime=RealtimeSettings(limits=limits), changes=_CHANGES[setting])
