"""A canary behind a network that is broken at known times: what it says beside what was done."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, DOWN, PERFECT, UNAVAILABLE, Ending, Network, network
from helpers.monitoring.canary import Canary, CanarySettings, watching
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.metrics import PREFIX, Path
from helpers.monitoring.service import Outage
from helpers.resilience.backoff import BackoffSettings

__all__ = ["Finding", "watch_under_faults"]

#: Messages come so often that an outage is known to a tenth of a second, and the canary tries again as soon.
SETTINGS = CanarySettings(
    every_s=0.1,
    patience_s=0.8,
    heartbeat_s=1.0,
    timeout_s=4.0,
    connect_every_s=5.0,
    resources_s=2.0,
    backoff=BackoffSettings(base_s=0.05, cap_s=0.1, spread_s=0.05, reset_after_s=1.0),
)


@dataclass(frozen=True)
class Injected:
    """What was done, in the seconds of the monotonic clock."""

    kind: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Finding:
    """What was done, and what the canary's broadcast channel says."""

    injected: list[Injected] = field(default_factory=list)
    told: tuple[Outage, ...] = ()
    watched_s: float = 0.0
    unserved_s: float = 0.0
    resident_bytes: list[tuple[float, int]] = field(default_factory=list)
    reasons: dict[str, float] = field(default_factory=dict)
    lost: int = 0
    changes: tuple[Outage, ...] = ()

    def pairs(self) -> list[tuple[Injected, Outage | None]]:
        """Each injected outage with the told one that overlaps it most."""
        return [(one, max(self.told, key=lambda told: _overlap(one, told), default=None)) for one in self.injected]

    def wrong(self, tolerance_s: float) -> list[str]:
        """Injected outages that are missing or of another length, and told ones that nobody made."""
        found = []
        for one, told in self.pairs():
            if told is None or _overlap(one, told) <= 0:
                found.append(f"{one.kind} of {one.seconds:.2f} s was not told")
            elif abs(told.seconds - one.seconds) > tolerance_s:
                found.append(f"{one.kind} of {one.seconds:.2f} s was told as {told.seconds:.2f} s")
        strange = [told for told in self.told if all(_overlap(one, told) <= 0 for one in self.injected)]
        return found + [f"an outage of {told.seconds:.2f} s that nobody made" for told in strange]

    @property
    def uptime(self) -> float:
        return 1 - self.unserved_s / self.watched_s

    @property
    def true_uptime(self) -> float:
        return 1 - sum(one.seconds for one in self.injected) / self.watched_s


def _overlap(one: Injected, told: Outage) -> float:
    return min(one.ended, told.ended) - max(one.began, told.began)


def _hole(via: Network) -> None:
    via.set(BLACK_HOLE)


def _down(via: Network) -> None:
    via.set(DOWN)
    via.cut(Ending.RESET)


def _unavailable(via: Network) -> None:
    via.set(UNAVAILABLE)
    via.cut(Ending.CLOSE)


KINDS: dict[str, Callable[[Network], None]] = {"black hole": _hole, "down": _down, "gateway answers 503": _unavailable}


async def watch_under_faults(seconds: float, seed: int, say: Callable[[str], None] = lambda _: None) -> Finding:
    """Watch for so long, with an outage of 2 to 12 s every 10 to 60 s; in a short run shorter ones, more often."""
    chance, finding = random.Random(seed), Finding()
    pause, lasting = ((1.0, 2.0), (2.0, 4.0)) if seconds < 120 else ((10.0, 60.0), (2.0, 12.0))
    async with (
        Lab() as lab,
        network(lab.target) as via,
        Exporter() as exporter,
        watching(via.target, exporter, SETTINGS) as canary,
    ):
        await canary.wait_serving()
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            await asyncio.sleep(chance.uniform(*pause))
            finding.injected.append(await _strike(via, chance, lasting))
            finding.resident_bytes.append((time.monotonic(), psutil.Process().memory_info().rss))
            say(f"{finding.injected[-1].kind} of {finding.injected[-1].seconds:.1f} s")
            await canary.wait_serving()
        await asyncio.sleep(2 * SETTINGS.patience_s)
        _read(canary, exporter, finding)
    return finding


async def _strike(via: Network, chance: random.Random, lasting: tuple[float, float]) -> Injected:
    kind = chance.choice(sorted(KINDS))
    began = time.monotonic()
    KINDS[kind](via)
    await asyncio.sleep(chance.uniform(*lasting))
    via.set(PERFECT)
    return Injected(kind, began, time.monotonic())


def _read(canary: Canary, exporter: Exporter, finding: Finding) -> None:
    """What the metrics say; the list of outages comes from the ledger that they were made of."""
    by_path = {teller.way.path: teller for teller in canary.tellers.values()}
    teller = by_path[Path.BROADCAST]
    labels = {"channel": teller.way.name}
    finding.told = tuple(teller.service.outages)
    finding.changes = tuple(by_path[Path.CHANGES].service.outages)
    finding.watched_s = exporter.value(f"{PREFIX}watched_seconds_total", labels)
    finding.unserved_s = exporter.value(f"{PREFIX}unserved_seconds_total", labels)
    finding.lost = teller.service.lost
    finding.reasons = _reasons(exporter, teller.way.name)


def _reasons(exporter: Exporter, channel: str) -> dict[str, float]:
    families = [one for one in exporter.registry.collect() if one.name == f"{PREFIX}disconnects"]
    samples = [sample for one in families for sample in one.samples if sample.name.endswith("_total")]
    return {sample.labels["reason"]: sample.value for sample in samples if sample.labels["channel"] == channel}


def slope_bytes_per_minute(points: Sequence[tuple[float, int]]) -> float:
    """Least squares through memory over time."""
    import numpy as np

    at, resident = np.array(points, dtype=float).T
    return float(np.polyfit(at / 60, resident, 1)[0])
