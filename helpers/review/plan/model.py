"""The plan: what pays, what was measured and does not, and what nobody has measured."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from helpers.review.plan.gains import ChangeGain
from helpers.review.plan.proposing.proposal import ChangeKind
from helpers.review.plan.rewriting.edits import Edit, applied, unified_diff
from helpers.review.source import Place

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Change", "Plan", "composed"]

COLUMNS = ("change", "kind", "place", "how", "metric", "gain", "before", "after", "unit", "outcome")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the application.

    Attributes:
        id: by which it can be named. title: what is done. place: where the code shows the need.
        findings: ids of the rules that found it.
        diff: against the files with the changes before it in the plan; None where it is told as advice.
        alone: against the files as they are; None likewise.
        sql: what its migration says; None if it does not concern the database.
        gain: as measured; None if it was not.
        advice: what to do and what to mind; why there is no diff, if there is none.
    """

    id: str
    kind: ChangeKind
    title: str
    place: Place
    findings: tuple[str, ...] = ()
    diff: str | None = None
    alone: str | None = None
    sql: str | None = None
    gain: ChangeGain | None = None
    advice: str = ""
    edits: tuple[Edit, ...] = field(default=(), repr=False)

    @property
    def how(self) -> str:
        """What there is of it."""
        said = [name for name, there in (("diff", self.edits), ("SQL", self.sql)) if there]
        return " and ".join(said) or "advice"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to change, in this order.

    Attributes:
        changes: that are shown to pay, and those that make something work which does not.
        not_gaining: measured, no gain shown. not_measured: with the reason in their advice.
        together: the gain of all changes, measured at once; None if it was not.
        usage: where the rates and numbers of users are from.
    """

    changes: tuple[Change, ...]
    not_gaining: tuple[Change, ...] = ()
    not_measured: tuple[Change, ...] = ()
    together: ChangeGain | None = None
    usage: str = ""
    notes: tuple[str, ...] = ()

    def patch(self, *, unmeasured: bool = False) -> str:
        """All diffs, in order: each applies to what those before it leave, and `git apply` takes them as one.

        Args:
            unmeasured: whether those too that nobody has measured; they follow the others.
        """
        changes = (*self.changes, *(self.not_measured if unmeasured else ()))
        return "".join(change.diff for change in changes if change.diff)

    def to_frame(self) -> pd.DataFrame:
        """One row per change; see `COLUMNS`."""
        import pandas as pd

        groups = (
            (self.changes, ""),
            (self.not_gaining, "measured, no gain shown"),
            (self.not_measured, "not measured"),
        )
        rows = [_row(change, outcome) for changes, outcome in groups for change in changes]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def __str__(self) -> str:
        told = [f"{number}. {_told(change)}" for number, change in enumerate(self.changes, 1)]
        told += [f"Measured, no gain shown: {_told(change)}" for change in self.not_gaining]
        told += [f"Not measured: {change.title} ({change.place}): {change.advice}" for change in self.not_measured]
        told += [f"All together: {self.together}"] if self.together else []
        return "\n".join([*told, f"Usage: {self.usage}.", *self.notes]) if told else "There is nothing to change."

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in (f"Usage: {self.usage}.", *self.notes))
        return self.to_frame().to_html(index=False) + notes

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


def composed(files: Mapping[str, str], changes: Sequence[tuple[Edit, ...]]) -> list[tuple[str, str]]:
    """For each change its diff against the state after those before it, and against the files as they are.

    Args:
        files: texts of the files that are edited, by path; one that is not there is made.
    """
    found, before = [], dict(files)
    for number in range(len(changes)):
        after = _state(files, changes[: number + 1])
        found.append((unified_diff(before, after), unified_diff(files, _state(files, changes[number : number + 1]))))
        before = after
    return found


def _state(files: Mapping[str, str], changes: Sequence[tuple[Edit, ...]]) -> dict[str, str]:
    edits = [edit for change in changes for edit in change]
    paths = {*files, *(edit.path for edit in edits)}
    state = {path: applied(files.get(path, ""), [one for one in edits if one.path == path]) for path in paths}
    return {path: text for path, text in state.items() if path in files or text}


def _told(change: Change) -> str:
    gain = f": {change.gain}" if change.gain else ""
    return f"{change.title} ({change.place}; {change.how}){gain}"


def _row(change: Change, outcome: str) -> dict[str, object]:
    gain = change.gain.chosen if change.gain else None
    return {
        "change": change.title,
        "kind": str(change.kind),
        "place": str(change.place),
        "how": change.how,
        "metric": gain.metric if gain else "",
        "gain": gain.verdict if gain else change.advice if outcome == "not measured" else "",
        "before": gain.before if gain else None,
        "after": gain.after if gain else None,
        "unit": gain.unit if gain else "",
        "outcome": outcome or ("pays" if change.gain else "makes it work"),
    }
