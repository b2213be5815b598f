"""What a review says: one finding for each place that a rule has something against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from helpers.review.source import Place

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Finding", "Judgement", "Severity", "findings_frame"]


class Severity(StrEnum):
    """How much a finding matters, most first."""

    FAILURE = "failure"  # loses events, leaks, or does not work
    WARNING = "warning"  # works, and costs more than it has to
    NOTE = "note"  # works, and is worth knowing


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule has against one place.

    Attributes:
        rule: its stable name, for `workbook explain` and for comments that silence it.
        title: what is healthy, as a sentence.
        place: where.
        evidence: what the code shows, with its own names and lines.
        cause: why that is a fault.
        fix: what to write instead, in the language and with the names of the code.
        source: where the rule comes from (a page, a thread, a file of the server).
        verify: how to see that the fix has worked.
        related: other places that have to do with it.
        code_frame: the lines of the place; empty if the file's text was not at hand.
    """

    rule: str
    title: str
    severity: Severity
    place: Place
    evidence: str
    cause: str
    fix: str
    source: str
    verify: str = ""
    related: tuple[Place, ...] = ()
    code_frame: str = ""

    def __str__(self) -> str:
        parts = [f"{self.place}: {self.severity}: {self.cause} ({self.rule})", self.code_frame, f"fix: {self.fix}"]
        return "\n".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Judgement:
    """All findings, and those that a comment silences."""

    findings: tuple[Finding, ...] = ()
    silenced: tuple[Finding, ...] = ()

    @property
    def counts(self) -> dict[Severity, int]:
        """How many there are of each severity."""
        counted = Counter(finding.severity for finding in self.findings)
        return {severity: counted[severity] for severity in Severity}

    @property
    def worst(self) -> Severity | None:
        return next((severity for severity in Severity if self.counts[severity]), None)

    def to_frame(self) -> pd.DataFrame:
        """One row for each finding: severity, rule, file, line, cause, fix."""
        return findings_frame(self.findings)


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row for each finding: severity, rule, file, line, cause, fix."""
    import pandas as pd

    rows = [
        [str(each.severity), each.rule, each.place.path, each.place.line, each.cause, each.fix] for each in findings
    ]
    return pd.DataFrame(rows, columns=["severity", "rule", "file", "line", "cause", "fix"])
