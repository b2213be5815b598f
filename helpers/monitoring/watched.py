"""What a canary has seen, as a result that is saved, shown and judged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.errors import RunError
from helpers.monitoring.canary import Canary, CanarySettings, watching
from helpers.monitoring.canary.teller import Teller
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.metrics import Path
from helpers.objectives import Objectives
from helpers.profiling.statistics import Summary, summarize
from helpers.results import find_result, results_dir, save_result, utc_now
from helpers.target import Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Watched", "WatchedChannel", "save_longest", "seen_by", "watch_for"]

#: Of the result.
NAME = "monitoring"


@dataclass(frozen=True, slots=True)
class WatchedChannel:
    """One channel over the time for which it is known whether it served.

    Attributes:
        outages_s: how long each that is over lasted; one that lasts still is not among them, but in `unserved_s`.
        latency_ms: of the latest messages; None if none arrived.
        lost: of messages that were sent while it served; missed: of those of outages.
    """

    name: str
    path: Path
    watched_s: float
    unserved_s: float
    outages_s: tuple[float, ...]
    due: int
    received: int
    lost: int
    missed: int
    duplicated: int
    reordered: int
    latency_ms: Summary | None

    @property
    def uptime(self) -> float | None:
        """As a share; None if nothing is known."""
        return 1 - self.unserved_s / self.watched_s if self.watched_s else None

    def budget_left(self, objectives: Objectives) -> float | None:
        """Share of the error budget of this time that is left; below 0 it is overdrawn."""
        return None if self.uptime is None else 1 - (1 - self.uptime) / (1 - objectives.uptime)


@dataclass(frozen=True, slots=True)
class Watched:
    """All channels of one canary."""

    target: str
    taken_at: str
    channels: tuple[WatchedChannel, ...]

    def outweighs(self, other: Watched) -> bool:
        """Whether it watched the same target for longer, and every channel of the other one."""
        return (
            self.target == other.target
            and {one.name for one in self.channels} >= {one.name for one in other.channels}
            and self.watched_s > other.watched_s
        )

    @property
    def watched_s(self) -> float:
        """Of the channel that is known for the longest time."""
        return max((one.watched_s for one in self.channels), default=0.0)

    def to_frame(self) -> pd.DataFrame:
        """One row for each channel; times in seconds and milliseconds, shares in percent."""
        import pandas as pd

        rows = [
            {
                "channel": one.name,
                "watched, s": round(one.watched_s, 1),
                "uptime, %": None if one.uptime is None else round(100 * one.uptime, 3),
                "outages": len(one.outages_s),
                "longest, s": round(max(one.outages_s, default=0.0), 2),
                "received": one.received,
                "lost": one.lost,
                "missed": one.missed,
                "p50, ms": one.latency_ms.p50 if one.latency_ms else None,
                "p95, ms": one.latency_ms.p95 if one.latency_ms else None,
            }
            for one in self.channels
        ]
        return pd.DataFrame(rows).set_index("channel")

    def __str__(self) -> str:
        return self.to_frame().to_string(na_rep="–", float_format="{:.3g}".format)

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(na_rep="–", float_format="{:.3g}".format))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


def seen_by(canary: Canary, target: Target) -> Watched:
    """What it has seen by now."""
    return Watched(str(target), utc_now(), tuple(_channel(teller) for teller in canary.tellers.values()))


def save_longest(seen: Watched) -> str:
    """Save it for the report, but never in place of a longer one of the same target; returns what to tell of it.

    Raises:
        RunError: the folder cannot be written, or the disk is full.
    """
    try:
        kept = find_result(NAME, Watched)
    except RunError:
        kept = None  # nobody can read it: there is nothing to lose
    if kept is None or not kept.result.outweighs(seen):
        return f"What was seen is in {save_result(NAME, seen)}; the report tells it."
    return (
        f"{results_dir() / NAME}.json is left as it was: it holds {kept.result.watched_s:,.0f} s of this target, and"
        f" these were {seen.watched_s:,.0f} s. Delete it to keep a shorter one."
    )


async def watch_for(target: Target, seconds: float, settings: CanarySettings | None = None) -> Watched:
    """Watch for so long and tell what was seen.

    Raises:
        FailureError: the table of the canary's own cannot be made.
    """
    async with watching(target, Exporter(port=None), settings) as canary:
        await asyncio.sleep(seconds)
        return seen_by(canary, target)


def _channel(teller: Teller) -> WatchedChannel:
    service = teller.service
    return WatchedChannel(
        teller.way.name,
        teller.way.path,
        service.watched_s,
        service.unserved_s,
        tuple(outage.seconds for outage in service.outages),
        service.due,
        service.received,
        service.lost,
        service.missed,
        service.duplicated,
        service.reordered,
        summarize([1e3 * latency for latency in teller.latencies_s]) if teller.latencies_s else None,
    )
