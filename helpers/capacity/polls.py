"""How often the lab has looked for changes, as its own metrics tell."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from typing import NamedTuple

from helpers.errors import FailureError
from helpers.target import Target

__all__ = ["Polls", "read_polls"]

#: The histogram of the lab's /tenant-metrics, in milliseconds; the genuine server has the same.
_NAME = "realtime_replication_poller_query_duration"

_LIMIT_S = 10.0


class Polls(NamedTuple):
    """Since the lab began.

    Attributes:
        looks: all polls, those that found nothing too.
        seconds: that they took, from the query to the last delivery.
        at: when this was read (monotonic seconds); between two readings, the time from one to the other.
    """

    looks: float
    seconds: float
    at: float

    def since(self, earlier: Polls) -> Polls:
        """Between two readings."""
        return Polls(self.looks - earlier.looks, self.seconds - earlier.seconds, self.at - earlier.at)


async def read_polls(target: Target) -> Polls:
    """Ask a lab.

    Raises:
        FailureError: it does not tell.
    """
    return await asyncio.to_thread(_read, target)


def _read(target: Target) -> Polls:
    request = urllib.request.Request(
        f"{target.api_url}/tenant-metrics", headers={"Authorization": f"Bearer {target.secret_key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:
            lines = answer.read().decode().splitlines()
        return Polls(_sample(lines, "count"), _sample(lines, "sum") / 1_000, time.monotonic())
    except (OSError, StopIteration, ValueError) as error:
        raise FailureError("reading the lab's metrics", str(error), "Look into the lab's log") from None


def _sample(lines: list[str], suffix: str) -> float:
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{_NAME}_{suffix}"))
