"""What a report is made of: measures that know where they come from, verdicts, issues, and examples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CodeChange", "CodeReview", "Example", "Issue", "Measure", "Report", "Source", "Verdict", "number"]


def number(value: float) -> str:
    """Three significant digits, thousands with commas."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured value, or the reason why there is none.

    Attributes:
        value: in `unit`. None if it was not measured; `because` then says why.
        low, high: 95 % interval; without `high` the sample is too small for an upper end. interval_of: of what, if not
            of the value itself.
        n: sample size. counted: what was counted.
        source: result file and field.
        note: what else a reader must know.
    """

    name: str
    unit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval_of: str = ""
    n: int | None = None
    counted: str = ""
    source: str = ""
    note: str = ""
    because: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"not measured, because {self.because}"
        details = ", ".join(part for part in (self._interval(), self._sample(), self.note) if part)
        return self.short + (f" ({details})" if details else "")

    @property
    def short(self) -> str:
        """The value with its unit and nothing else."""
        if self.value is None:
            return "not measured"
        return f"{number(self.value)}{'' if self.unit.startswith('/') or not self.unit else ' '}{self.unit}"

    def _interval(self) -> str:
        if self.low is None:
            return ""
        of = f" of the {self.interval_of}" if self.interval_of else ""
        if self.high is None:
            return f"95 % interval{of} from {number(self.low)} on, too few for an upper end"
        return f"95 % interval{of} {number(self.low)} to {number(self.high)}"

    def _sample(self) -> str:
        return f"n = {self.n:,} {self.counted}".rstrip() if self.n is not None else ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target of the specification against what was measured; `met` is None where it cannot be judged."""

    objective: str
    threshold: str
    measure: Measure
    met: bool | None

    @property
    def word(self) -> str:
        return {True: "met", False: "missed", None: "open"}[self.met]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something to mend, or to know.

    Attributes:
        cause: why, and what it does. fix: what to do; may hold several lines of code.
        gain: the measured effect of the fix, or why it was not measured.
        source: result file and check.
        prevention: what keeps it from coming back.
        severe: whether something does not work. is_note: whether it works as designed, and is only worth knowing.
    """

    title: str
    cause: str
    fix: str
    gain: str
    source: str
    severe: bool = False
    prevention: str = ""
    is_note: bool = False

    @property
    def word(self) -> str:
        return "failure" if self.severe else "note" if self.is_note else "warning"


@dataclass(frozen=True, slots=True)
class CodeChange:
    """One change that the review of the application's code proposes.

    Attributes:
        place: file, line and column.
        outcome: ``pays``, ``makes it work``, ``no gain shown`` or ``not measured``.
        gain: of the metric that decides, in percent of what it was; or why it was not measured.
        besides: what else it was seen to change, each with its interval. quota: use of the plan's quota.
        advice: what to do and what to mind.
        diff, sql: what to apply; None where there is none.
    """

    title: str
    place: str
    outcome: str
    gain: Measure
    besides: tuple[str, ...] = ()
    quota: str = ""
    advice: str = ""
    diff: str | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class CodeReview:
    """The application's code.

    Attributes:
        summary: what was reviewed and where gains were measured; or why there is no review.
        changes: those that pay first. together: what all that pay bring, measured at once.
    """

    summary: str
    changes: tuple[CodeChange, ...] = ()
    together: Measure | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """Code that can be copied."""

    title: str
    language: str
    code: str


@dataclass(frozen=True, slots=True)
class Source:
    """A result that the report was made from, and the circumstances under which it was measured.

    Attributes:
        notebook: that measures it.
        settings: of the measurement, and variables of the environment that shaped it.
        seeds: what was left to chance, and by which seed.
    """

    name: str
    target: str
    taken_at: str
    notebook: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    seeds: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report, section for section.

    Attributes:
        versions: of the workbook, its checkout, what it measures with, and the machine.
        commands: that repeat it, in a shell.
    """

    target: str
    taken_at: str
    summary: str
    sources: tuple[Source, ...]
    versions: dict[str, str]
    performance: tuple[Measure, ...]
    verdicts: tuple[Verdict, ...]
    bottlenecks: tuple[Issue, ...]
    connection_problems: tuple[Issue, ...]
    plan: tuple[str, ...]
    examples: tuple[Example, ...]
    optimizations: tuple[str, ...]
    monitoring: tuple[str, ...]
    projections: tuple[Measure, ...]
    warnings: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    code: CodeReview = CodeReview("The code was not reviewed.")

    def verdicts_frame(self) -> pd.DataFrame:
        """One row for each target of the specification."""
        import pandas as pd

        rows = [(v.objective, v.threshold, v.measure.short, v.word) for v in self.verdicts]
        return pd.DataFrame(rows, columns=["target", "asked for", "measured", "verdict"]).set_index("target")
