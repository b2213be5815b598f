"""Two investigations, kept and reopened: what changed from one to the other, and what else was different."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.errors import SettingsError
from helpers.profiling.investigation import METRICS, Investigation
from helpers.profiling.statistics import Gain, unpaired_gain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ArmChange", "InvestigationChange", "compare_investigations"]

#: What of an environment is the machine; the rest are versions, and how busy it was.
MACHINE = ("machine", "processors", "processor", "memory_mib", "system", "kernel")
LOAD = "load_average_1_min"

#: Runs that were not taken side by side.
CAUTION = "they were not taken side by side, so whatever else changed meanwhile is in the difference"


@dataclass(frozen=True, slots=True)
class ArmChange:
    """One arm in one metric. `gain` is None where too few runs could tell."""

    arm: str
    metric: str
    gain: Gain | None

    def __str__(self) -> str:
        if self.gain is None:
            return f"{self.arm}, {self.metric}: cannot be compared, fewer than two runs with samples on a side"
        return f"{self.arm}, {self.gain}"


@dataclass(frozen=True, slots=True)
class InvestigationChange:
    """What changed from one investigation to another.

    Attributes:
        changes: of every arm that both have.
        differences: of circumstances, in sentences: target, machine, versions, settings, load.
        missing: arms that only one of them has, in sentences.
        notes: of the runs of both.
    """

    before: str
    after: str
    changes: tuple[ArmChange, ...]
    differences: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_alike(self) -> bool:
        """Whether target, machine, versions and settings were the same."""
        return not self.differences

    def to_frame(self) -> pd.DataFrame:
        """One row for each arm and metric."""
        import pandas as pd

        columns = ["arm", "metric", "before", "after", "unit", "verdict"]
        return pd.DataFrame((_row(change) for change in self.changes), columns=columns)

    def __str__(self) -> str:
        said = [f"From {self.before} to {self.after}:", *map(str, self.changes)]
        said += [f"Caution: {sentence}." for sentence in (*self.differences, CAUTION)]
        return "\n".join([*said, *self.missing, *(f"Note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        warned = "".join(f"<li>{html.escape(sentence)}.</li>" for sentence in (*self.differences, CAUTION))
        noted = "".join(f"<li>{html.escape(note)}</li>" for note in (*self.missing, *self.notes))
        return (
            f"<p>From <strong>{html.escape(self.before)}</strong> to <strong>{html.escape(self.after)}</strong></p>"
            f"{self.to_frame().to_html(index=False, float_format=_figure)}<p>Caution</p><ul>{warned}</ul>"
            + f"<p>Notes</p><ul>{noted}</ul>"
            * bool(noted)
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


def compare_investigations(
    before: Investigation, after: Investigation, metrics: Sequence[str] = tuple(METRICS)
) -> InvestigationChange:
    """Compare the arms that both have, run by run unpaired, as they did not happen side by side.

    Args:
        metrics: names of `METRICS`.

    Raises:
        SettingsError: there is no such metric, or the two have no arm in common.
    """
    tried = f"comparing {before.name} with {after.name}"
    if unknown := [metric for metric in metrics if metric not in METRICS]:
        raise SettingsError(tried, f"there is no metric {unknown[0]!r}", f"Choose one of: {', '.join(METRICS)}")
    arms, others = _arms(before), _arms(after)
    common = [arm for arm in arms if arm in others]
    if not common:
        happened = f"they have no arm in common ({', '.join(arms) or 'none'}; {', '.join(others) or 'none'})"
        raise SettingsError(tried, happened, "Compare investigations of the same experiment")
    return InvestigationChange(
        before=_called(before),
        after=_called(after),
        changes=tuple(_change(before, after, arm, metric) for arm in common for metric in metrics),
        differences=tuple(_differences(before, after)),
        missing=tuple(_missing(before, after)),
        notes=tuple(f"{_called(one)}: {note}" for one in (before, after) for note in one.notes()),
    )


def _arms(investigation: Investigation) -> list[str]:
    return list(dict.fromkeys(recording.label for recording in investigation.recordings))


def _called(investigation: Investigation) -> str:
    return f"{investigation.name} ({investigation.taken_at})"


def _change(before: Investigation, after: Investigation, arm: str, name: str) -> ArmChange:
    metric = METRICS[name]
    first, second = (
        [metric.value(recording) for recording in one.recordings if recording.label == arm] for one in (before, after)
    )
    return ArmChange(
        arm, name, unpaired_gain(name, metric.unit, first, second, higher_is_better=metric.higher_is_better)
    )


def _differences(before: Investigation, after: Investigation) -> Iterator[str]:
    if before.target != after.target:
        yield f"the targets differ: {before.target}, and {after.target}"
    both = before.environment, after.environment
    yield from _told("the machines differ", _different(*both, MACHINE))
    rest = sorted((both[0].keys() | both[1].keys()) - {*MACHINE, LOAD})
    yield from _told("the versions differ", _different(*both, rest))
    settings = before.settings, after.settings
    yield from _told("the settings differ", _different(*settings, sorted(settings[0].keys() | settings[1].keys())))
    yield from _told("the machine was busier in one of them", _busier(*both))


def _different(first: dict[str, str], second: dict[str, str], names: Sequence[str]) -> list[str]:
    return [
        f"{name} {first.get(name, 'unknown')}, then {second.get(name, 'unknown')}"
        for name in names
        if first.get(name) != second.get(name)
    ]


def _busier(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """The load averages, where they are a processor's work apart."""
    loads = [float(one.get(LOAD, "nan")) for one in (first, second)]
    return [f"load average {loads[0]:g}, then {loads[1]:g}"] if abs(loads[0] - loads[1]) >= 1 else []


def _told(what: str, details: Sequence[str]) -> Iterator[str]:
    if details:
        yield f"{what}: {'; '.join(details)}"


def _missing(before: Investigation, after: Investigation) -> Iterator[str]:
    for one, other in ((before, after), (after, before)):
        for arm in _arms(one):
            if arm not in _arms(other):
                yield f"{arm} is in {_called(one)} only"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _row(change: ArmChange) -> tuple[str, str, float | None, float | None, str, str]:
    gain = change.gain
    if gain is None:
        return change.arm, change.metric, None, None, METRICS[change.metric].unit, "too few runs"
    return change.arm, change.metric, gain.before, gain.after, gain.unit, gain.verdict
