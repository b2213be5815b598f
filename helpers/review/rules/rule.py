"""What a rule of the review is: a function from what the code does to what is wrong with it, without any I/O."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypedDict, Unpack

from helpers.review.findings import Finding, Severity
from helpers.review.rules.reviewed import Reviewed
from helpers.review.source import Place

__all__ = ["Found", "Rule", "Severity", "failure", "note", "warning"]


@dataclass(frozen=True, slots=True)
class Found:
    """One place that a rule has something against; see `Finding` for the meaning of the texts.

    Attributes:
        about: what it is about when that is more than its place: of several rules that follow from each other only the
            first speaks of one thing.
    """

    place: Place
    evidence: str
    cause: str
    fix: str
    related: tuple[Place, ...] = ()
    about: Place | None = None

    @property
    def subject(self) -> Place:
        return self.about or self.place


Judge = Callable[[Reviewed], Iterable[Found]]


class Texts(TypedDict, total=False):
    """What a rule's page says, see `Rule`."""

    symptom: str
    remedy: str
    verify: str
    follows: tuple[str, ...]
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A judgement with its name, and the texts of its page.

    Attributes:
        id: stable name.
        title: what is healthy, as a sentence.
        judge: from the code to what is found; nothing where the code does not show enough.
        source: the page, thread or file that it comes from.
        symptom, why, remedy, verify: what a user sees, why it happens, what to do in any project, and how to see that
            it has helped.
        follows: ids of rules whose findings about the same thing explain one of this rule.
        notes: numbers of the known problems (of the workbook's collection) that it finds.
    """

    id: str
    title: str
    severity: Severity
    judge: Judge
    source: str
    symptom: str = ""
    why: str = ""
    remedy: str = ""
    verify: str = ""
    follows: tuple[str, ...] = ()
    notes: tuple[int, ...] = ()

    def finding(self, found: Found, frame: str = "") -> Finding:
        return Finding(
            self.id,
            self.title,
            self.severity,
            found.place,
            found.evidence,
            found.cause,
            found.fix,
            self.source,
            self.verify,
            found.related,
            frame,
        )

    def apply(self, code: Reviewed) -> Iterator[Found]:
        """What it finds, each place once: a helper that is called twice is one place."""
        seen: set[Place] = set()
        for found in self.judge(code):
            if found.place not in seen:
                seen.add(found.place)
                yield found


def failure(title: str, source: str, **texts: Unpack[Texts]) -> Callable[[Judge], Rule]:
    """Make a rule of a function: its name is the rule's id, and its docstring says why the fault happens."""
    return _rule(Severity.FAILURE, title, source, **texts)


def warning(title: str, source: str, **texts: Unpack[Texts]) -> Callable[[Judge], Rule]:
    """As `failure`, for what works and costs."""
    return _rule(Severity.WARNING, title, source, **texts)


def note(title: str, source: str, **texts: Unpack[Texts]) -> Callable[[Judge], Rule]:
    """As `failure`, for what is worth knowing."""
    return _rule(Severity.NOTE, title, source, **texts)


def _rule(severity: Severity, title: str, source: str, **texts: Unpack[Texts]) -> Callable[[Judge], Rule]:
    def made(judge: Judge) -> Rule:
        why = inspect.cleandoc(judge.__doc__ or "")
        return Rule(judge.__name__, title, severity, judge, source, why=why, **texts)

    return made
