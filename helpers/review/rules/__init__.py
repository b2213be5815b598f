"""Rules turn an inventory into findings. They do no I/O, so that each is tested on code and on data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from helpers.review.findings import Finding, Judgement, Severity
from helpers.review.inventory import Ignore, Inventory
from helpers.review.rules import (
    channels,
    handlers,
    keys,
    lifecycle,
    parameters,
    policies,
    selection,
    status,
    tables,
    types,
)
from helpers.review.rules.reviewed import Reviewed
from helpers.review.rules.rule import Found, Rule
from helpers.review.source import Place, code_frame

__all__ = ["RULES", "Rule", "judge", "judgement"]

#: By what they are about; findings are sorted by urgency and place.
RULES: tuple[Rule, ...] = (
    *keys.RULES,
    *parameters.RULES,
    *types.RULES,
    *lifecycle.RULES,
    *channels.RULES,
    *status.RULES,
    *selection.RULES,
    *handlers.RULES,
    *tables.RULES,
    *policies.RULES,
)

_URGENCY = {severity: number for number, severity in enumerate(Severity)}
TextOf = Callable[[str], str]


def judge(inventory: Inventory, text_of: TextOf | None = None) -> tuple[Finding, ...]:
    """What the rules find, most urgent first, those that a comment silences left out.

    Args:
        text_of: gives a file's text by its path, for the code frames; without it they are empty.
    """
    return judgement(inventory, text_of).findings


def judgement(inventory: Inventory, text_of: TextOf | None = None) -> Judgement:
    """As `judge`, with what was silenced."""
    code = Reviewed(inventory)
    ignores = {file.path: file.ignores for file in inventory.files}
    heard: list[Finding] = []
    silenced: list[Finding] = []
    pairs = [(rule, found) for rule in RULES for found in rule.apply(code)]
    for cause, found in _causes(pairs):
        finding = cause.finding(found, _frame(found.place, text_of))
        (silenced if _is_silenced(finding, ignores.get(found.place.path, ())) else heard).append(finding)
    return Judgement(_sorted(heard), _sorted(silenced))


def _causes(pairs: list[tuple[Rule, Found]]) -> Iterator[tuple[Rule, Found]]:
    """Those that do not follow from another one about the same thing."""
    subjects = {(rule.id, found.subject) for rule, found in pairs}
    for rule, found in pairs:
        if not any((cause, found.subject) in subjects for cause in rule.follows):
            yield rule, found


def _is_silenced(finding: Finding, ignores: Iterable[Ignore]) -> bool:
    lines = (finding.place.line, finding.place.line - 1)
    return any(each.line in lines and (not each.rules or finding.rule in each.rules) for each in ignores)


def _frame(place: Place, text_of: TextOf | None) -> str:
    return code_frame(text_of(place.path), place) if text_of is not None else ""


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: (_URGENCY[each.severity], each.place, each.rule)))
