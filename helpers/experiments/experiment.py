"""What an experiment leaves behind: its question, what was measured in every run, what differs, and the answer."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.profiling.recording import Recording
from helpers.profiling.statistics import Gain, student_t975

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Contrast", "Estimate", "Experiment", "Measure", "Metric", "Outcome", "estimate"]


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that arms are compared in; its name is its key.

    Attributes:
        signed: whether it can be below 0, as growth can; nothing that is counted, timed or weighed can.
        most: what it cannot exceed, such as 100 for a share in percent.
    """

    name: str
    unit: str
    higher_is_better: bool = False
    signed: bool = False
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of one arm.

    Attributes:
        values: by the names of metrics; None where this run cannot tell.
        notes: what a reader must know of this run; those of the recording need not be repeated.
    """

    values: dict[str, float | None]
    recording: Recording | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of one run."""

    arm: str
    metric: str
    unit: str
    run: int
    value: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """What changed from one arm to another, in the runs of the same rounds."""

    before: str
    after: str
    gain: Gain

    def __str__(self) -> str:
        return f"{self.gain.metric}, {self.after} against {self.before}: {self.gain.verdict}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval (NaN from a single run), over `n` runs."""

    mean: float
    low: float
    high: float
    n: int


def estimate(values: Sequence[float], *, signed: bool = False, most: float | None = None) -> Estimate:
    """Describe what several runs of an arm measured; NaN throughout if there were none.

    The interval is Student's t. Where the values cannot be below 0 it is taken on the logarithm of the mean, to which
    their scatter is carried over (the delta method): nearly the same where they lie close together, never below 0
    where they do not, and closer to its 95 % for times and costs, which scatter upwards (see its test).

    Args:
        signed: whether it can be below 0. most: what it cannot exceed.
    """
    if not values:
        return Estimate(math.nan, math.nan, math.nan, 0)
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if sample.size < 2:
        return Estimate(mean, math.nan, math.nan, 1)
    half = student_t975(sample.size - 1) * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    low, high = mean - half, mean + half
    if not signed and sample.min() > 0:
        low, high = mean * math.exp(-half / mean), mean * math.exp(half / mean)
    elif not signed and sample.min() == 0:
        low = max(0.0, low)
    return Estimate(mean, low, high if most is None else min(high, most), int(sample.size))


@dataclass(frozen=True, slots=True)
class Experiment:
    """Arms that ran side by side.

    Attributes:
        target: `str(Target)`: kind and URL, no key.
        seconds: how long it all took.
        arms: in the order in which they are shown; the first is the baseline.
        answer: what these runs say to the question, computed from them.
        settings: of the experiment. environment: versions and machine.
        notes: who was the limit, what broke, what was left out.
    """

    name: str
    question: str
    target: str
    taken_at: str
    size: str
    seconds: float
    arms: tuple[str, ...]
    metrics: tuple[Metric, ...]
    measures: tuple[Measure, ...]
    contrasts: tuple[Contrast, ...] = ()
    answer: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    recordings: tuple[Recording, ...] = ()

    def values(self, arm: str, metric: str) -> list[float]:
        """What the runs of an arm measured, in the order of the rounds."""
        return [measure.value for measure in self.measures if (measure.arm, measure.metric) == (arm, metric)]

    def estimate(self, arm: str, metric: str) -> Estimate:
        """Mean and interval of an arm."""
        values = self.values(arm, metric)
        known = next((each for each in self.metrics if each.name == metric), None)
        return estimate(values) if known is None else estimate(values, signed=known.signed, most=known.most)

    def contrast(self, metric: str, after: str, before: str | None = None) -> Contrast | None:
        """What an arm changed against another, by default the baseline; None where the two could not be compared."""
        before = before or self.arms[0]
        for found in self.contrasts:
            if (found.before, found.after, found.gain.metric) == (before, after, metric):
                return found
        return None

    def to_frame(self) -> pd.DataFrame:
        """One row for each arm and metric: mean, its 95 % interval, and the number of runs."""
        import pandas as pd

        columns = ["arm", "metric", "unit", "mean", "low", "high", "n"]
        return pd.DataFrame(self._rows(), columns=columns)

    def measures_frame(self) -> pd.DataFrame:
        """Tidy: one row for each value of each run."""
        import pandas as pd

        return pd.DataFrame(
            [(one.arm, one.metric, one.unit, one.run, one.value) for one in self.measures],
            columns=["arm", "metric", "unit", "run", "value"],
        )

    def table(self) -> pd.DataFrame:
        """For people: one row for each arm, one column for each metric, "mean (low to high)"."""
        import pandas as pd

        rows = [
            {_heading(metric): _shown(self.estimate(arm, metric.name)) for metric in self.metrics} for arm in self.arms
        ]
        return pd.DataFrame(rows, index=pd.Index(self.arms, name="arm"))

    def __str__(self) -> str:
        said = [self.question, "", self.table().to_string(), "", *map(str, self.contrasts), "", self.answer]
        return "\n".join([*said, *(f"Note: {note}" for note in self.notes), self.provenance])

    def _repr_html_(self) -> str:
        contrasts = "".join(f"<li>{html.escape(str(contrast))}</li>" for contrast in self.contrasts)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><strong>{html.escape(self.question)}</strong></p>{self.table().to_html()}"
            + (
                f"<details><summary>What changed, pair by pair</summary><ul>{contrasts}</ul></details>"
                * bool(contrasts)
            )
            + f"<p><strong>{html.escape(self.answer)}</strong></p>"
            + (f"<p>Notes</p><ul>{notes}</ul>" * bool(notes))
            + f"<p><small>{html.escape(self.provenance)}</small></p>"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))

    @property
    def provenance(self) -> str:
        """Where the numbers are from."""
        return f"{self.name}, size {self.size}: {self.target}, {self.taken_at}, {self.seconds:.0f} s"

    def _rows(self) -> Iterator[tuple[str, str, str, float, float, float, int]]:
        for arm in self.arms:
            for metric in self.metrics:
                found = self.estimate(arm, metric.name)
                if found.n:
                    yield arm, metric.name, metric.unit, found.mean, found.low, found.high, found.n


def _heading(metric: Metric) -> str:
    return f"{metric.name} ({metric.unit})" if metric.unit else metric.name


def _shown(found: Estimate) -> str:
    if found.n == 0:
        return "not measured"
    if found.n == 1:
        return f"{_number(found.mean)} (n = 1)"
    return f"{_number(found.mean)} ({_number(found.low)} to {_number(found.high)})"


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
