"""Two reports beside each other: what changed beyond noise, what did not, and what cannot be told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from helpers.report.model import Measure, Report, number

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Change", "Comparison", "Verdict", "compare"]

#: Of these more is better; of all other figures less. (What a report merely tells, as its channels, is not judged.)
_MORE_IS_BETTER = frozenset({"Message throughput", "Connection stability", "Uptime"})
_NOT_JUDGED = frozenset({"Active channels"})


class Verdict(StrEnum):
    """What can be said of a figure that two reports have."""

    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"
    SAME = "no difference shown"
    UNKNOWN = "cannot be told: no interval"
    GONE = "measured before only"
    NEW = "measured after only"
    NEVER = "not measured"


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both reports.

    Attributes:
        percent: by how much the value changed; None where one is missing or the first is 0.
    """

    name: str
    before: str
    after: str
    percent: float | None
    verdict: Verdict

    def __str__(self) -> str:
        moved = "" if self.percent is None else f" ({self.percent:+.1f} %)"
        return f"{self.name}: {self.before} → {self.after}{moved}, {self.verdict}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Attributes: notes: what makes the two hard to compare. targets: those whose verdict changed, in words."""

    before: str
    after: str
    changes: tuple[Change, ...]
    targets: tuple[str, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each figure."""
        import pandas as pd

        rows = [(one.name, one.before, one.after, one.percent, str(one.verdict)) for one in self.changes]
        return pd.DataFrame(rows, columns=["figure", "before", "after", "change, %", "verdict"]).set_index("figure")

    def __str__(self) -> str:
        told = [f"{self.before} → {self.after}", "", *map(str, self.changes)]
        targets = ["", "Targets:", *self.targets] if self.targets else []
        return "\n".join([*told, *targets, *(f"Note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(na_rep="–", float_format="{:+.1f}".format))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


def compare(before: Report, after: Report) -> Comparison:
    """Figure by figure. A difference is told where the 95 % intervals lie apart, which is stricter than 95 %."""
    was = {measure.name: measure for measure in _figures(before)}
    now = {measure.name: measure for measure in _figures(after)}
    names = [*was, *(name for name in now if name not in was)]
    absent = {name: Measure(name) for name in names}
    changes = tuple(_change(name, was.get(name, absent[name]), now.get(name, absent[name])) for name in names)
    return Comparison(
        _named(before), _named(after), changes, tuple(_targets(before, after)), tuple(_notes(before, after))
    )


def _figures(report: Report) -> Iterator[Measure]:
    """Each once; what both the analysis and the targets tell counts as the analysis tells it."""
    seen: set[str] = set()
    for measure in (*report.performance, *(verdict.measure for verdict in report.verdicts)):
        if measure.name not in seen:
            seen.add(measure.name)
            yield measure


def _change(name: str, before: Measure, after: Measure) -> Change:
    percent = None
    if before.value and after.value is not None:
        percent = 100 * (after.value / before.value - 1)
    return Change(name, before.short, after.short, percent, _verdict(name, before, after))


def _verdict(name: str, before: Measure, after: Measure) -> Verdict:
    if before.value is None or after.value is None:
        if before.value is None and after.value is None:
            return Verdict.NEVER
        return Verdict.NEW if before.value is None else Verdict.GONE
    if before.low is None or after.low is None:
        return Verdict.SAME if before.value == after.value else Verdict.UNKNOWN
    # A sample that is too small for an upper end may be of anything above its lower one.
    if before.low <= _upper(after) and after.low <= _upper(before):
        return Verdict.SAME
    if name in _NOT_JUDGED:
        return Verdict.CHANGED
    return Verdict.BETTER if (after.value > before.value) is (name in _MORE_IS_BETTER) else Verdict.WORSE


def _upper(measure: Measure) -> float:
    return math.inf if measure.high is None else measure.high


def _targets(before: Report, after: Report) -> Iterator[str]:
    words = {verdict.objective: verdict.word for verdict in before.verdicts}
    for verdict in after.verdicts:
        was = words.get(verdict.objective, "open")
        if was != verdict.word:
            yield f"{verdict.objective}: {was} → {verdict.word}"


def _notes(before: Report, after: Report) -> Iterator[str]:
    if before.target.partition(" ")[0] != after.target.partition(" ")[0]:
        yield f"the targets are of different kinds: {before.target}, {after.target}"
    moved = [
        f"{name} {before.versions.get(name, 'none')} → {after.versions.get(name, 'none')}"
        for name in sorted(before.versions.keys() | after.versions.keys())
        if before.versions.get(name) != after.versions.get(name)
    ]
    if moved:
        yield f"versions differ: {', '.join(moved)}"


def _named(report: Report) -> str:
    measured = sum(measure.value is not None for measure in _figures(report))
    return f"{report.target}, {report.taken_at} ({number(measured)} figures)"
