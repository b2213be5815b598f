"""A review for a terminal: the verdict in the first line, findings with their lines of code, and what was not read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from helpers.review.faces.document import counts
from helpers.review.findings import Finding, Severity
from helpers.review.plan.model import Plan
from helpers.review.reviewing import Review

__all__ = ["as_text"]

_SIGNS = {Severity.FAILURE: "✗", Severity.WARNING: "!", Severity.NOTE: "·"}
#: Unread files that are named.
MOST_UNREAD = 10


def as_text(review: Review, plan: Plan | None = None, *, everything: bool = False) -> str:
    """What a person reads.

    Args:
        everything: also notes, and each file that was not read.
    """
    shown = [one for one in review.findings if everything or one.severity is not Severity.NOTE]
    lines = [_headline(review), ""]
    for finding in shown:
        lines += [*_finding(finding), ""]
    if len(shown) < len(review.findings):
        lines.append(f"· {_counted(len(review.findings) - len(shown), 'note')} more: add --all")
    lines += _unread(review, None if everything else MOST_UNREAD)
    if review.silenced:
        lines.append(f"– {_counted(len(review.silenced), 'finding')} silenced by comments")
    if plan is not None:
        lines += ["", "The plan", "", str(plan)]
    return "\n".join(lines).rstrip() + "\n"


def _headline(review: Review) -> str:
    found = counts(review)
    inventory = review.inventory
    read = f"{_counted(inventory.looked_at, 'file')}, {_counted(len(inventory.channels), 'channel')}"
    if not inventory.channels and not review.findings:
        return f"No use of Realtime was found: {read}."
    told = ", ".join(_counted(found[severity], str(severity)) for severity in Severity if found[severity])
    return f"{told[0].upper()}{told[1:]} in {read}." if told else f"Nothing to be said against it: {read}."


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{_SIGNS[finding.severity]} {finding.place}  {finding.cause}  [{finding.rule}]"
    yield from (f"    {line}" for line in finding.code_frame.splitlines())
    yield f"    {finding.evidence}"
    first, *rest = finding.fix.splitlines() or [""]
    yield f"    Fix: {first}"
    yield from (f"    {line}" for line in rest)


def _unread(review: Review, most: int | None) -> Iterator[str]:
    unread = review.inventory.unread
    for each in islice(unread, most):
        yield f"– not read: {each.path}: {each.reason}"
    if most is not None and len(unread) > most:
        yield f"– and {len(unread) - most:,} more"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
