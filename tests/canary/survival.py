"""A canary through the faults of the lab, one after the other: whether it measures again, and what its metrics say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from helpers.lab.faults import FAULTS, Fault, Scene
from helpers.monitoring.canary import Reason
from helpers.monitoring.canary.link import STATES
from helpers.monitoring.metrics import Path
from helpers.objectives import Objectives
from tests.canary.alone import Told
from tests.canary.apart import CanaryApart
from tests.canary.truth import SETTINGS
from tests.faults.trial import new_scene

__all__ = ["UNHARMED", "Ordeal", "Survival", "survive"]

#: What a canary need not tell: faults that do not touch what it does, or only for a moment.
UNHARMED = {
    "slot lost": "only what was not yet read is lost, which may be nothing",
    "connections ended": "a writer that is idle connects anew for its next row",
    "payload too large": "the row is of a table that it does not watch",
    "token expires": "it has a key and no token",
    "clock back": "it measures with the monotonic clock",
    "disk full": "it writes no files",
    "killed": "what it had counted went with it; Prometheus has `up == 0` meanwhile",
}
#: What concerns changes alone: a canary that joins all anew for it would make an outage of broadcasts by itself.
ONLY_CHANGES = {"connections ended", "slot lost", "publication altered"}
#: By so much an outage may be told differently from what it was.
TOLERANCE_S = 1.0
#: Replication slots that a lab has had at a time, with one that is being replaced.
MOST_SLOTS = 2


@dataclass(frozen=True)
class Ordeal:
    """One fault.

    Attributes:
        lasted_s: from its beginning to its mending; least_s: of that, how long it was surely there.
        recovered_s: from the mending until all channels served; None if that took too long.
        unserved_s: of each path, by the metrics. outages, disconnects: of all channels.
        series: that Prometheus would scrape afterwards.
    """

    fault: Fault
    lasted_s: float
    least_s: float
    recovered_s: float | None
    unserved_s: Mapping[Path, float]
    outages: float
    disconnects: float
    series: int

    @property
    def wrong(self) -> str:
        """What of it is not as it should be; empty if nothing."""
        if self.recovered_s is None:
            return "does not measure again"
        if self.fault.name not in UNHARMED and not (self.outages or self.disconnects):
            return "is not in the metrics"
        if self.fault.name in ONLY_CHANGES and self.unserved_s[Path.BROADCAST]:
            return "harms broadcasts, too"
        if self.worst_s > self.lasted_s + self.recovered_s + TOLERANCE_S:
            return "is told longer than it was"
        if self.fault.name not in UNHARMED and self.worst_s < self.least_s - TOLERANCE_S:
            return "is told shorter than it was"
        return ""

    @property
    def worst_s(self) -> float:
        """Without service, of the channel that it hit worst."""
        return max(self.unserved_s.values())

    def __str__(self) -> str:
        recovered = "never" if self.recovered_s is None else f"{self.recovered_s:.2f}"
        return (
            f"{self.fault.name:<22}{self.lasted_s:>8.2f}{recovered:>10}{self.worst_s:>10.2f}{self.outages:>9.0f}"
            f"{self.disconnects:>13.0f}{self.series:>8}  {self.wrong or 'right'}"
        )


HEAD = f"{'fault':<22}{'lasted':>8}{'recovered':>10}{'unserved':>10}{'outages':>9}{'disconnects':>13}{'series':>8}"


@dataclass
class Survival:
    """All of them.

    Attributes:
        strange: values of labels that are not known beforehand.
    """

    ordeals: list[Ordeal] = field(default_factory=list)
    strange: dict[str, set[str]] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        wrong = [f"{one.fault.name} {one.wrong}" for one in self.ordeals if one.wrong]
        return wrong + [f"the label {name} has the values {sorted(values)}" for name, values in self.strange.items()]


async def survive(
    names: Iterable[str] = FAULTS, lasting_s: float = 2.0, say: Callable[[str], None] = lambda _: None
) -> Survival:
    """One canary, one lab, and these faults in turn.

    Args:
        lasting_s: how long a fault is there that does not end by itself, and what it takes down is down.
    """
    found = Survival()
    scene = await new_scene()
    try:
        async with CanaryApart(scene.target, SETTINGS) as canary:
            scene.application = canary
            assert await canary.serve(Objectives().recovery_s), "it does not measure at all"
            say(HEAD)
            for name in names:
                found.ordeals.append(await _suffer(scene, canary, FAULTS[name], lasting_s))
                say(str(found.ordeals[-1]))
            found.strange = _strange((await canary.tell()).labels)
    finally:
        await scene.aclose()
    return found


async def _suffer(scene: Scene, canary: CanaryApart, fault: Fault, lasting_s: float) -> Ordeal:
    before, began = await canary.tell(), time.monotonic()
    async with fault.strike(scene, lasting_s):
        if fault.lasts:
            await asyncio.sleep(lasting_s)
    mended = time.monotonic()
    well = await canary.serve(Objectives().recovery_s)
    recovered_s = time.monotonic() - mended
    await asyncio.sleep(2 * SETTINGS.patience_s)  # until then an outage may be found that is over
    after, held = await canary.tell(), await canary.look()
    return Ordeal(
        fault,
        lasted_s=mended - began,
        least_s=lasting_s if fault.lasts else 0.0,
        recovered_s=recovered_s if well else None,
        unserved_s=_more(before, after, lambda told, path: told.ways[path].unserved_s),
        outages=sum(_more(before, after, lambda told, path: told.ways[path].outage_count).values()),
        disconnects=sum(_more(before, after, lambda told, path: sum(told.ways[path].reasons.values())).values()),
        series=held.series,
    )


def _more(before: Told, after: Told, count: Callable[[Told, str], float]) -> dict[Path, float]:
    """For each way; a canary that began anew counts from nothing, as Prometheus takes it."""
    grown = {path: (count(before, path), count(after, path)) for path in Path}
    return {path: now - was if now >= was else now for path, (was, now) in grown.items()}


def _strange(labels: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Values that could go on for ever."""
    known: dict[str, set[str]] = {"reason": set(Reason), "state": set(STATES), "path": set(Path)}
    strange = {name: labels.get(name, set()) - values for name, values in known.items()}
    slots = labels.get("slot", set())
    if len(slots) > MOST_SLOTS:
        strange["slot"] = slots
    return {name: values for name, values in strange.items() if values}
