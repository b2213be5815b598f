"""The results that a report is made from, and what to say where one is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from helpers.diagnosis.results import Diagnosis
from helpers.errors import RunError
from helpers.experiments.experiment import Experiment
from helpers.experiments.recovery import Recoveries
from helpers.monitoring.watched import Watched, WatchedChannel
from helpers.profiling.results import BroadcastProfile, Comparison, ConnectionProfile, MemoryProfile, Profiling
from helpers.report.model import Measure
from helpers.results import Saved, find_result
from helpers.review.reviewed import Reviewed
from helpers.sync.results import SyncComparison

__all__ = ["ALWAYS_IN_A_LAB", "Inputs", "missing"]

#: What is measured in a lab whatever the target is, and says so beside its numbers.
ALWAYS_IN_A_LAB = frozenset({"recovery", "review"})

NOTEBOOKS = {
    "diagnosis": "01_diagnosis",
    "profiling": "02_subscription_profiling",
    "sync": "03_prisma_sync",
    "survival": "07_resilience",
    "recovery": "07_resilience",
    "monitoring": "10_monitoring",
    "review": "09_subscription_review",
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Whatever has been measured so far."""

    diagnosis: Saved[Diagnosis] | None = None
    profiling: Saved[Profiling] | None = None
    sync: Saved[SyncComparison] | None = None
    survival: Saved[Experiment] | None = None
    recovery: Saved[Recoveries] | None = None
    monitoring: Saved[Watched] | None = None
    review: Saved[Reviewed] | None = None

    @classmethod
    def load(cls) -> Inputs:
        """Read the results folder.

        Raises:
            RunError: it holds no result, or one that cannot be read.
        """
        found = cls(
            find_result("diagnosis", Diagnosis),
            find_result("profiling", Profiling),
            find_result("sync", SyncComparison),
            find_result("survival", Experiment),
            find_result("recovery", Recoveries),
            find_result("monitoring", Watched),
            find_result("review", Reviewed),
        )
        if not found.saved:
            raise RunError("writing the report", "nothing has been measured yet", "Run the notebooks 01 to 03 first")
        return found

    @property
    def saved(self) -> tuple[Saved[Any], ...]:
        """The results that there are."""
        found = (self.diagnosis, self.profiling, self.sync, self.survival, self.recovery, self.monitoring, self.review)
        return tuple(saved for saved in found if saved is not None)

    @property
    def latest(self) -> Saved[Any]:
        """The result that was taken last; one that is always taken in a lab says nothing of the target."""
        of_target = [saved for saved in self.saved if saved.name not in ALWAYS_IN_A_LAB]
        return max(of_target or self.saved, key=lambda saved: saved.taken_at)

    @property
    def connection(self) -> ConnectionProfile | None:
        return self.profiling.result.connection if self.profiling else None

    @property
    def comparison(self) -> Comparison | None:
        return self.profiling.result.comparison if self.profiling else None

    @property
    def broadcast(self) -> BroadcastProfile | None:
        return self.profiling.result.broadcast if self.profiling else None

    @property
    def memory(self) -> MemoryProfile | None:
        return self.profiling.result.memory if self.profiling else None

    @property
    def synced(self) -> SyncComparison | None:
        """The comparison of strategies, if it ran."""
        return self.sync.result if self.sync and self.sync.result.runs else None

    @property
    def worst_channel(self) -> WatchedChannel | None:
        """Of the channels that the canary watched, the one that served least."""
        channels = self.monitoring.result.channels if self.monitoring else ()
        return min((one for one in channels if one.watched_s), key=lambda one: one.uptime or 0.0, default=None)

    def why_not(self, result: str) -> str:
        """Why a part of a result is missing."""
        if result == "profiling" and self.profiling and self.profiling.result.skipped:
            return "; ".join(skipped.because for skipped in self.profiling.result.skipped)
        if result == "sync" and self.sync and self.sync.result.skipped:
            return "something is missing: " + self.sync.result.skipped.rstrip(".")
        if any(saved.name == result for saved in self.saved):
            return f"notebook {NOTEBOOKS[result]} did not measure it"
        return f"notebook {NOTEBOOKS[result]} has not been run"


def missing(name: str, because: str) -> Measure:
    """A measure that there is not, with its reason."""
    return Measure(name, because=because)
