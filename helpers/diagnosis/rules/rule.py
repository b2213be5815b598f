"""What a rule is: one small function from evidence to a verdict, without any I/O."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from helpers.diagnosis.evidence import Evidence, Messages, Missing, Table
from helpers.diagnosis.results import Check, Status

__all__ = ["Rule", "Verdict", "attributed", "duration", "failure", "listed", "moment", "note", "ok", "rule", "warning"]

T = TypeVar("T")
#: Of a long list, so many are named.
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule concludes; see `Check` for the meaning of the texts."""

    status: Status
    evidence: str
    cause: str = ""
    fix: str = ""


def ok(evidence: str) -> Verdict:
    return Verdict(Status.OK, evidence)


def note(evidence: str, cause: str, fix: str) -> Verdict:
    return Verdict(Status.NOTE, evidence, cause, fix)


def warning(evidence: str, cause: str, fix: str) -> Verdict:
    return Verdict(Status.WARNING, evidence, cause, fix)


def failure(evidence: str, cause: str, fix: str) -> Verdict:
    return Verdict(Status.FAILURE, evidence, cause, fix)


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """A judgement with its name, and the texts of its page in the workbook.

    Attributes:
        id: stable name.
        title: what is healthy, as a sentence.
        needs: takes what `judge` needs out of the evidence, or says what is missing.
        judge: from that to a verdict.
        source: the page, thread or file that it comes from.
        symptom: what a user sees while the rule is broken.
        why: why it happens.
        remedy: what to do, for any project; a check's `fix` says it for this one.
        verify: how to see that it has worked.
        follows: ids of rules whose findings explain a finding of this one, so that only the cause is named.
        notes: numbers of the known problems (of the workbook's collection) that it finds.
    """

    id: str
    title: str
    needs: Callable[[Evidence], T | Missing]
    judge: Callable[[T], Verdict]
    source: str
    symptom: str = ""
    why: str = ""
    remedy: str = ""
    verify: str = ""
    follows: tuple[str, ...] = ()
    notes: tuple[int, ...] = ()

    def check(self, evidence: Evidence) -> Check:
        """Judge, or say why not."""
        needed = self.needs(evidence)
        if isinstance(needed, Missing):
            return self._skipped(f"not checked, because {needed.reason}")
        verdict = self.judge(needed)
        return Check(
            self.id,
            self.title,
            verdict.status,
            verdict.evidence,
            verdict.cause,
            verdict.fix,
            _took_ms(needed, evidence),
            self.source,
            self.verify,
        )

    def _skipped(self, reason: str) -> Check:
        return Check(self.id, self.title, Status.SKIPPED, reason, source=self.source)


def rule(
    title: str,
    needs: Callable[[Evidence], T | Missing],
    source: str,
    *,
    symptom: str = "",
    remedy: str = "",
    verify: str = "",
    follows: tuple[str, ...] = (),
    notes: tuple[int, ...] = (),
) -> Callable[..., Rule[T]]:
    """Make a rule of a function: its name is the rule's id, and its docstring says why the fault happens."""

    def made(judge: Callable[[T], Verdict]) -> Rule[T]:
        why = inspect.cleandoc(judge.__doc__ or "")
        return Rule(judge.__name__, title, needs, judge, source, symptom, why, remedy, verify, follows, notes)

    return made


def attributed(rules: Sequence[Rule[Any]], checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks, those that only follow from another finding set aside with a word about which."""
    found = {check.id: check for check in checks if check.is_finding}
    return tuple(_attributed(each, check, found) for each, check in zip(rules, checks, strict=True))


def _attributed(each: Rule[Any], check: Check, found: dict[str, Check]) -> Check:
    cause = next((found[name] for name in each.follows if name in found), None)
    if cause is None or not check.is_finding:
        return check
    evidence = f"{check.evidence}; it follows from “{cause.title}”"
    return replace(check, status=Status.SKIPPED, evidence=evidence, cause="", fix="")


def listed(names: Iterable[object]) -> str:
    """Names in a sentence; of many, the first and how many more."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more


def duration(seconds: float) -> str:
    """A time as a person says it."""
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def moment(seconds: float) -> str:
    """A time since the epoch as a person reads it; of one that no calendar has, the number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} seconds after 1970"


def _took_ms(needed: Any, evidence: Evidence) -> float:
    """How long the probe took; of several pieces of evidence, the longest. Parts of the database are read with it."""
    pieces = needed if isinstance(needed, tuple) else (needed,)
    if _is_of_database(needed):
        pieces = (evidence.database,)
    return max((float(getattr(piece, "took_ms", 0.0)) for piece in pieces), default=0.0)


def _is_of_database(piece: Any) -> bool:
    return isinstance(piece, Table | Messages) or (isinstance(piece, tuple) and any(map(_is_of_database, piece)))
