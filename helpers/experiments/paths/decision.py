"""Which paths hold a target of delivery, for so many changes a second to so many subscribers."""

from __future__ import annotations

import html
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from helpers.experiments.paths.catalog import Kind, Path
from helpers.experiments.paths.delivery import Delivery, Load
from helpers.plans import QUOTAS, Plan
from helpers.profiling.harness import HARNESS_LIMIT
from helpers.profiling.statistics import wilson
from helpers.profiling.workloads.knee import StepLoad

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WANTED_SHARE", "PathLimit", "PathLimits", "Verdict", "decided", "plan_for", "verdict_of"]

#: So much of the changes must be at every subscriber in time.
WANTED_SHARE = 0.95


class Verdict(StrEnum):
    """Whether a path holds the target at a load."""

    HOLDS = "holds"
    LATE = "late"
    LOSES = "loses"
    BROKEN = "broken"  # at a lower rate already, or nobody could come in
    UNDECIDED = "not decided"  # the interval has the wanted share in it, or the harness was the limit
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class PathLimit:
    """One path to one number of subscribers.

    Attributes:
        steps: the rates up to the first that was not good. deliveries: what counts of each.
        failed: why the next rate could not be measured at all; empty if it could.
    """

    path: Path
    subscribers: int
    steps: StepLoad
    deliveries: tuple[Delivery, ...]
    failed: str = ""

    def verdict(self, load: Load) -> Verdict:
        """At a load that was planned."""
        for delivery in self.deliveries:
            if delivery.load.rate_per_s == load.rate_per_s:
                return verdict_of(delivery)
        if load.rate_per_s not in self.steps.rates_per_s:
            return Verdict.UNTRIED
        # A slower step was the last: it broke the path, or only this harness, which says nothing of faster ones.
        return Verdict.BROKEN if self.failed or self.steps.harness_limit is None else Verdict.UNDECIDED

    def __str__(self) -> str:
        if self.failed:
            best = self.steps.best
            good = f"good up to {best.rate_per_s:,g}/s" if best else "not good at any rate that was tried"
            return f"{self.path.name} to {self.subscribers:,}: broken, {self.failed}. It was {good}."
        return f"{self.path.name} to {self.subscribers:,}: {self.steps}"


@dataclass(frozen=True, slots=True, repr=False)
class PathLimits:
    """All paths, each to its knee.

    Attributes:
        target_ms: the target of delivery.
    """

    target: str
    taken_at: str
    size: str
    seconds: float
    target_ms: float
    limits: tuple[PathLimit, ...]

    @property
    def loads(self) -> tuple[Load, ...]:
        """Every rate to every number of subscribers that some path was measured at, ascending."""
        found = {
            (one.load.subscribers, one.load.rate_per_s): one.load for limit in self.limits for one in limit.deliveries
        }
        return tuple(found[key] for key in sorted(found))

    @property
    def paths(self) -> tuple[str, ...]:
        """In the order of measurement."""
        return tuple(dict.fromkeys(limit.path.name for limit in self.limits))

    def of(self, path: str, subscribers: int) -> PathLimit | None:
        """One path to one number of subscribers."""
        return next((one for one in self.limits if (one.path.name, one.subscribers) == (path, subscribers)), None)

    def holding(self, load: Load, *verdicts: Verdict) -> list[str]:
        """The paths with one of these verdicts at a load."""
        return [name for name in self.paths if self._verdict(name, load) in verdicts]

    def to_frame(self) -> pd.DataFrame:
        """One row for each path and load that was measured."""
        import pandas as pd

        return pd.DataFrame(_row(limit, one) for limit in self.limits for one in limit.deliveries)

    def table(self) -> pd.DataFrame:
        """For people: one row for each path, one column for each load, then the least plan that allows it."""
        import pandas as pd

        rows = {name: [self._cell(name, load) for load in self.loads] for name in self.paths}
        rows["least plan, as changes"] = [plan_for(load, Kind.CHANGES) for load in self.loads]
        rows["least plan, as broadcast"] = [plan_for(load, Kind.BROADCAST) for load in self.loads]
        return pd.DataFrame.from_dict(rows, orient="index", columns=[str(load) for load in self.loads])

    @property
    def answer(self) -> str:
        """For each load, which paths hold the target."""
        return "\n".join(self._decided(load) for load in self.loads)

    def __str__(self) -> str:
        breaks = "\n".join(str(limit) for limit in self.limits)
        return f"{self.table().to_string()}\n\n{self.answer}\n\n{breaks}\n{self._provenance}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        breaks = "".join(f"<li>{html.escape(str(limit))}</li>" for limit in self.limits)
        decided = "<br>".join(html.escape(self._decided(load)) for load in self.loads)
        return (
            f"{self.table().to_html()}<p><strong>{decided}</strong></p>"
            f"<details><summary>Where each breaks</summary><ul>{breaks}</ul></details>"
            f"<p><small>{html.escape(self._provenance)}</small></p>"
        )

    @property
    def _provenance(self) -> str:
        return f"limits of delivery paths, size {self.size}: {self.target}, {self.taken_at}, {self.seconds:.0f} s"

    def _verdict(self, path: str, load: Load) -> Verdict:
        limit = self.of(path, load.subscribers)
        return limit.verdict(load) if limit else Verdict.UNTRIED

    def _cell(self, path: str, load: Load) -> str:
        limit = self.of(path, load.subscribers)
        found = next((one for one in limit.deliveries if one.load == load), None) if limit else None
        verdict = self._verdict(path, load)
        if found is None:
            return str(verdict)
        absent = f"{found.absent:,} of {load.subscribers:,} could not connect"
        return f"{verdict}: {absent if found.absent else _share(found)}"

    def _decided(self, load: Load) -> str:
        told = {
            "hold": self.holding(load, Verdict.HOLDS),
            "do not": self.holding(load, Verdict.LATE, Verdict.LOSES, Verdict.BROKEN),
            "were not decided": self.holding(load, Verdict.UNDECIDED),
        }
        listed = "; ".join(f"these {word}: {', '.join(names)}" for word, names in told.items() if names)
        return f"{load} subscribers within {self.target_ms:g} ms: {listed or 'nothing was measured'}."


def decided(in_time: int, changes: int) -> Verdict:
    """Whether the wanted share of the changes was in time, shown by its interval."""
    low, high = wilson(in_time, changes)
    if low >= WANTED_SHARE:
        return Verdict.HOLDS
    return Verdict.LATE if high < WANTED_SHARE else Verdict.UNDECIDED


def verdict_of(delivery: Delivery) -> Verdict:
    """As `decided`, but for what says more: who was the limit, who was absent, what was lost."""
    by_time = decided(delivery.in_time, delivery.changes)
    if delivery.absent:
        return Verdict.BROKEN
    if by_time is Verdict.HOLDS:
        return by_time
    if _by_harness(delivery):
        return Verdict.UNDECIDED
    if delivery.recording.lost or delivery.recording.sent < delivery.changes:
        return Verdict.LOSES
    return by_time


def _by_harness(delivery: Delivery) -> bool:
    """Whether the harness was the limit, and its own lateness is enough to explain that messages were late."""
    recording, harness = delivery.recording, delivery.recording.harness
    if harness is None or not any(note.startswith(HARNESS_LIMIT) for note in recording.notes):
        return False
    own_ms = harness.loop_late_p99_ms + harness.send_late_ms
    return recording.latency.count == 0 or recording.latency_ms(50) - own_ms <= delivery.target_ms


def plan_for(load: Load, kind: Kind) -> str:
    """The least hosted plan whose messages a second and connections allow a load; the vendor counts every delivery."""
    sent = load.rate_per_s if kind is Kind.BROADCAST else 0.0
    messages_per_s = load.rate_per_s * load.subscribers + sent
    for plan in (Plan.FREE, Plan.PRO, Plan.TEAM):
        quota = QUOTAS[plan]
        if messages_per_s <= quota.messages_per_s and load.subscribers <= quota.connections:
            return f"{plan} ({messages_per_s:,.0f} of {quota.messages_per_s:,} messages/s)"
    return f"none ({messages_per_s:,.0f} messages/s)"


def _share(delivery: Delivery) -> str:
    low, high = (100 * end for end in wilson(delivery.in_time, delivery.changes))
    percent = 100 * delivery.in_time / delivery.changes
    lost = f", {delivery.recording.lost:,} lost" if delivery.recording.lost else ""
    return f"{percent:.0f} % in time ({low:.0f} to {high:.0f}, n = {delivery.changes}){lost}"


def _row(limit: PathLimit, delivery: Delivery) -> dict[str, object]:
    recording = delivery.recording
    arrived = recording.latency.count > 0
    return {
        "path": limit.path.name,
        "subscribers": limit.subscribers,
        "rate_per_s": delivery.load.rate_per_s,
        "deliveries_per_s": _throughput(delivery),
        "p50_ms": recording.latency_ms(50) if arrived else None,
        "p95_ms": recording.latency_ms(95) if arrived else None,
        "p99_ms": recording.latency_ms(99) if arrived else None,
        "lost": recording.lost,
        "duplicated": recording.duplicated,
        "reordered": recording.reordered,
        "in_time_percent": 100 * delivery.in_time / delivery.changes,
        "verdict": str(verdict_of(delivery)),
        "notes": "; ".join(recording.notes),
    }


def _throughput(delivery: Delivery) -> float:
    """Deliveries a second, from the first message that was due to the last one that came."""
    seconds = delivery.load.seconds + max(0.0, delivery.drained_s)
    return delivery.deliveries / seconds
