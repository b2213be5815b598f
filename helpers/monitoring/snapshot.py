"""What a canary knows at this moment, small enough to be shown: for a terminal, a notebook and a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.monitoring.canary import Canary
from helpers.monitoring.canary.teller import Teller
from helpers.monitoring.metrics import Path
from helpers.objectives import Objectives
from helpers.resilience import State

__all__ = ["ChannelNow", "Snapshot", "budget_words", "snapshot", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
#: Messages in a sparkline, and moments that are shown.
SHOWN, MOMENTS = 60, 8


@dataclass(frozen=True, slots=True)
class ChannelNow:
    """One channel.

    Attributes:
        is_serving: as far as is known. latencies_s: of the latest messages, oldest first.
        watched_s, unserved_s: for how long it is known whether it served, and without service of these.
        outages: that are over. outage_s: for how long the present one has lasted; None if there is none.
    """

    name: str
    path: Path
    state: State
    is_serving: bool
    latencies_s: tuple[float, ...]
    received: int
    lost: int
    missed: int
    duplicated: int
    watched_s: float
    unserved_s: float
    outages: int
    outage_s: float | None

    @property
    def uptime(self) -> float | None:
        """As a share; None before anything is known."""
        return 1 - self.unserved_s / self.watched_s if self.watched_s else None

    def quantile_s(self, share: float) -> float | None:
        """Of the latest messages; None where none has arrived."""
        return float(np.quantile(self.latencies_s, share)) if self.latencies_s else None

    def budget_left(self, objectives: Objectives) -> float | None:
        """Share of the error budget of the time watched that is left; below 0 it is overdrawn."""
        return None if self.uptime is None else 1 - (1 - self.uptime) / (1 - objectives.uptime)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All channels, and what happened last."""

    channels: tuple[ChannelNow, ...]
    moments: tuple[str, ...]


def snapshot(canary: Canary) -> Snapshot:
    """What is so now."""
    channels = tuple(_channel(teller, canary.states[name]) for name, teller in canary.tellers.items())
    return Snapshot(channels, tuple(str(moment) for moment in list(canary.moments)[-MOMENTS:]))


def _channel(teller: Teller, state: State) -> ChannelNow:
    service = teller.service
    return ChannelNow(
        teller.way.name,
        teller.way.path,
        state,
        teller.is_serving,
        tuple(teller.latencies_s),
        service.received,
        service.lost,
        service.missed,
        service.duplicated,
        service.watched_s,
        service.unserved_s,
        service.outage_count,
        service.outage_s,
    )


def budget_words(left: float | None) -> str:
    """What is left of an error budget; in the short time of a look an outage spends it many times over."""
    if left is None:
        return "–"
    return f"{100 * left:.0f} %" if left >= 0 else f"spent {1 - left:,.0f} times"


def sparkline(values: Sequence[float]) -> str:
    """The latest values as bars, the highest of them as the tallest."""
    shown = values[-SHOWN:]
    most = max(shown, default=0.0)
    if most <= 0:
        return ""
    return "".join(_BARS[min(len(_BARS) - 1, int(value / most * len(_BARS)))] for value in shown)
