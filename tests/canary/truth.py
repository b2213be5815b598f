"""A canary behind a network that is broken at known times: what it says beside what was done."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, DOWN, PERFECT, UNAVAILABLE, Ending, Network, network
from helpers.monitoring.canary import CanarySettings
from helpers.monitoring.metrics import Path
from helpers.monitoring.service import Outage
from helpers.objectives import Objectives
from helpers.resilience.backoff import BackoffSettings
from tests.canary.alone import Held, Told
from tests.canary.apart import CanaryApart

__all__ = ["FAST", "SETTINGS", "SHORT", "STEADY", "Finding", "Pace", "watch_under_faults"]

#: Messages come so often, and the canary tries again so soon, that an outage is known to some hundredths of a second:
#: a thousandth of half an hour with some forty of them is 0.04 s each.
SETTINGS = CanarySettings(
    every_s=0.05,
    patience_s=0.8,
    heartbeat_s=1.0,
    timeout_s=4.0,
    rejoin_s=5.0,
    connect_every_s=5.0,
    resources_s=2.0,
    backoff=BackoffSettings(base_s=0.02, cap_s=0.04, spread_s=0.02, reset_after_s=1.0),
)

#: Between two looks at memory.
LOOK_S = 5.0
#: A run that is shorter has outages at the short pace.
SHORT_S = 120.0


@dataclass(frozen=True)
class Pace:
    """How often things happen.

    Attributes:
        pause_s, lasting_s: least and most time between two outages, and of one.
    """

    settings: CanarySettings
    pause_s: tuple[float, float]
    lasting_s: tuple[float, float]


STEADY = Pace(SETTINGS, (10.0, 60.0), (2.0, 12.0))
SHORT = Pace(SETTINGS, (1.0, 2.0), (2.0, 4.0))
#: As many messages as a canary may send, and some thirty outages a minute: hours of memory in minutes.
FAST = Pace(
    replace(
        SETTINGS,
        forget_s=5.0,
        heartbeat_s=0.2,
        timeout_s=1.0,
        connect_every_s=0.2,
        resources_s=0.2,
    ),
    (0.1, 0.3),
    (1.0, 1.4),
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

    pace: Pace
    injected: list[Injected] = field(default_factory=list)
    told: tuple[Outage, ...] = ()
    watched_s: float = 0.0
    unserved_s: float = 0.0
    looks: list[Held] = field(default_factory=list)
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


async def watch_under_faults(
    seconds: float, seed: int, say: Callable[[str], None] = lambda _: None, pace: Pace | None = None
) -> Finding:
    """Watch for so long; by default with an outage of 2 to 12 s every 10 to 60 s, in a short run more often."""
    pace = pace or (SHORT if seconds < SHORT_S else STEADY)
    chance, finding = random.Random(seed), Finding(pace)
    async with Lab() as lab, network(lab.target) as via, CanaryApart(via.target, pace.settings) as canary:
        await _serve(canary)
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            finding.looks += await _looks(canary, chance.uniform(*pace.pause_s))
            finding.injected.append(await _strike(via, chance, pace.lasting_s))
            say(f"{finding.injected[-1].kind} of {finding.injected[-1].seconds:.1f} s")
            await _serve(canary)
        finding.looks += await _looks(canary, 2 * pace.settings.patience_s)
        finding.looks.append(await canary.look(cleared=True))
        _read(await canary.tell(), finding)
    return finding


async def _looks(canary: CanaryApart, seconds: float) -> list[Held]:
    """What it holds, every few seconds while nothing happens, and is scraped."""
    looks, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        await asyncio.sleep(min(LOOK_S, max(0.0, ends - time.monotonic())))
        await canary.scrape()
        looks.append(await canary.look())
    return looks


async def _serve(canary: CanaryApart) -> None:
    if not await canary.serve(Objectives().recovery_s):
        raise TimeoutError("the canary does not measure again")


async def _strike(via: Network, chance: random.Random, lasting: tuple[float, float]) -> Injected:
    kind = chance.choice(sorted(KINDS))
    began = time.monotonic()
    KINDS[kind](via)
    await asyncio.sleep(chance.uniform(*lasting))
    via.set(PERFECT)
    return Injected(kind, began, time.monotonic())


def _read(told: Told, finding: Finding) -> None:
    """What the metrics say."""
    broadcast = told.ways[Path.BROADCAST]
    finding.told = tuple(Outage(*one) for one in broadcast.outages)
    finding.changes = tuple(Outage(*one) for one in told.ways[Path.CHANGES].outages)
    finding.watched_s, finding.unserved_s = broadcast.watched_s, broadcast.unserved_s
    finding.lost = int(broadcast.lost)
    finding.reasons = broadcast.reasons
