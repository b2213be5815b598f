"""What a rule is: one small function from evidence to a verdict, without any I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from helpers.diagnosis.evidence import Evidence, Missing, Table
from helpers.diagnosis.results import Check, Status

__all__ = ["Rule", "Verdict", "failure", "listed", "ok", "rule", "warning"]

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


def warning(evidence: str, cause: str, fix: str) -> Verdict:
    return Verdict(Status.WARNING, evidence, cause, fix)


def failure(evidence: str, cause: str, fix: str) -> Verdict:
    return Verdict(Status.FAILURE, evidence, cause, fix)


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """A judgement with its name.

    Attributes:
        id: stable name.
        title: what is healthy, as a sentence.
        needs: takes what `judge` needs out of the evidence, or says what is missing.
        judge: from that to a verdict.
        source: the page, thread or file that it comes from.
    """

    id: str
    title: str
    needs: Callable[[Evidence], T | Missing]
    judge: Callable[[T], Verdict]
    source: str

    def check(self, evidence: Evidence) -> Check:
        """Judge, or say why not."""
        needed = self.needs(evidence)
        if isinstance(needed, Missing):
            reason = f"not checked, because {needed.reason}"
            return Check(self.id, self.title, Status.SKIPPED, reason, source=self.source)
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
        )


def rule(title: str, needs: Callable[[Evidence], T | Missing], source: str) -> Callable[..., Rule[T]]:
    """Make a rule of a function; the function's name is the rule's id."""

    def made(judge: Callable[[T], Verdict]) -> Rule[T]:
        return Rule(judge.__name__, title, needs, judge, source)

    return made


def listed(names: Iterable[object]) -> str:
    """Names in a sentence; of many, the first and how many more."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more


def _took_ms(needed: Any, evidence: Evidence) -> float:
    """How long the probe took; of several pieces of evidence, the longest. Tables are read with the whole database."""
    pieces = needed if isinstance(needed, tuple) else (needed,)
    if any(isinstance(piece, Table) for piece in pieces):
        pieces = (evidence.database,)
    return max((float(getattr(piece, "took_ms", 0.0)) for piece in pieces), default=0.0)
