"""What a diagnosis says: the time of each layer, and the verdict of each check."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from helpers.diagnosis import render

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Check", "Diagnosis", "Layer", "Status"]


class Status(StrEnum):
    """The outcome of a layer or of a check, best first."""

    OK = "ok"
    NOTE = "note"  # works as designed, and is worth knowing
    WARNING = "warning"  # works, and will hurt
    FAILURE = "failure"  # does not work
    SKIPPED = "skipped"  # not checked, and the detail says why


#: Most urgent first: the order in which a person reads checks.
URGENCY = (Status.FAILURE, Status.WARNING, Status.NOTE, Status.SKIPPED, Status.OK)


@dataclass(frozen=True, slots=True)
class Layer:
    """One step of the way from the host's name to the first delivered change.

    Attributes:
        name: what was done, for example ``TLS``.
        started_ms: begin of the step in the first run, counted from the begin of that run.
        took_ms: duration of the step in the first run (which is the cold one).
        status: how it ended.
        detail: what was seen, one line.
        samples_ms: durations in all runs, the first included; empty when the step did not succeed.
    """

    name: str
    started_ms: float
    took_ms: float
    status: Status
    detail: str = ""
    samples_ms: tuple[float, ...] = ()

    @property
    def median_ms(self) -> float:
        """Median over all runs; the only value when the step ran once."""
        return statistics.median(self.samples_ms) if self.samples_ms else self.took_ms

    @property
    def spread(self) -> str:
        """Median, smallest and largest value, and the number of runs, as a person reads them."""
        if not self.samples_ms:
            return "–"
        low, high = min(self.samples_ms), max(self.samples_ms)
        return f"{self.median_ms:.1f} ({low:.1f}–{high:.1f}), n = {len(self.samples_ms)}"


def _row(layer: Layer) -> list[object]:
    if layer.status is Status.SKIPPED:
        return [layer.name, layer.status.value, math.nan, math.nan, math.nan, 0]
    times = (layer.started_ms, layer.took_ms, layer.median_ms)
    return [layer.name, layer.status.value, *times, len(layer.samples_ms)]


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict of one rule.

    Attributes:
        id: name of the rule, stable across versions.
        title: what is healthy, as a sentence.
        status: its severity: failure, warning, note, ok; or skipped.
        evidence: what was measured or read; for a skipped check "not checked, because …".
        cause: why it is so; empty when the check is ok.
        fix: exact SQL, configuration or code for this project; empty when there is nothing to do.
        took_ms: time that gathering the evidence took.
        source: where the rule comes from (a page or a thread).
        verify: how to see that the fix has worked.
    """

    id: str
    title: str
    status: Status
    evidence: str
    cause: str = ""
    fix: str = ""
    took_ms: float = 0.0
    source: str = ""
    verify: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether something is wrong; a note is not."""
        return self.status in (Status.FAILURE, Status.WARNING)

    def __str__(self) -> str:
        return render.check_as_text(self)

    def _repr_html_(self) -> str:
        return render.checks_as_html([self])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All layers and checks of one target at one moment.

    Attributes:
        target: kind and address, without secrets.
        taken_at: UTC, ISO 8601.
        layers: the waterfall, in the order of time.
        checks: in the order of the way through the system; `ranked` sorts by urgency.
        repeats: how many runs were asked for.
        seconds: how long all of it took.
        postgres: the database's version; empty where it could not be read.
    """

    target: str
    taken_at: str
    layers: tuple[Layer, ...]
    checks: tuple[Check, ...]
    repeats: int = 1
    seconds: float = 0.0
    postgres: str = ""

    @property
    def ranked(self) -> tuple[Check, ...]:
        """Checks, most urgent first; equally urgent ones stay in the order of the way."""
        return tuple(sorted(self.checks, key=lambda check: URGENCY.index(check.status)))

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.status is Status.FAILURE)

    @property
    def warnings(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.status is Status.WARNING)

    @property
    def findings(self) -> tuple[Check, ...]:
        """What is wrong, most urgent first."""
        return tuple(check for check in self.ranked if check.is_finding)

    @property
    def healthy(self) -> bool:
        """Whether nothing fails; warnings do not count."""
        return not self.failures

    @property
    def headline(self) -> str:
        """One sentence: the first cause on the way, else the first thing that will hurt, else health."""
        if self.failures:
            return self.failures[0].cause
        if self.warnings:
            more = f" ({len(self.warnings) - 1} more)" if len(self.warnings) > 1 else ""
            return f"Nothing fails, but: {self.warnings[0].cause}{more}"
        skipped = sum(check.status is Status.SKIPPED for check in self.checks)
        return f"Healthy: {len(self.checks) - skipped} checks, nothing found; {skipped} not made"

    def check(self, check_id: str) -> Check:
        """The check of that name.

        Raises:
            KeyError: when there is no such check.
        """
        for check in self.checks:
            if check.id == check_id:
                return check
        raise KeyError(check_id)

    def to_frame(self) -> pd.DataFrame:
        """One row for each check, most urgent first."""
        import pandas as pd

        columns = ["status", "id", "title", "evidence", "cause", "fix", "took_ms"]
        rows = [[check.status.value, *(getattr(check, name) for name in columns[1:])] for check in self.ranked]
        return pd.DataFrame(rows, columns=columns)

    def layers_frame(self) -> pd.DataFrame:
        """One row for each layer, in the order of time; no numbers for one that was skipped."""
        import pandas as pd

        columns = ["layer", "status", "started_ms", "took_ms", "median_ms", "n"]
        return pd.DataFrame(list(map(_row, self.layers)), columns=columns)

    def __str__(self) -> str:
        return render.as_text(self)

    def _repr_html_(self) -> str:
        return render.as_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))
