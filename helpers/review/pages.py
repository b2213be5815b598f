"""A page for each rule of the review, for `workbook explain`."""

from __future__ import annotations

from functools import cache

from helpers.diagnosis.pages import Page
from helpers.review.rules import RULES, Rule

__all__ = ["AREAS", "review_pages"]

#: By module of the rules, what a reader calls their part.
AREAS = {
    "keys": "Review: keys and topics",
    "parameters": "Review: what is asked for",
    "types": "Review: what is asked for",
    "lifecycle": "Review: the life of a channel",
    "channels": "Review: number of channels",
    "status": "Review: the join",
    "selection": "Review: how much is asked for",
    "handlers": "Review: what an event leads to",
    "tables": "Review: the database",
    "policies": "Review: the database",
}


@cache
def review_pages() -> tuple[Page, ...]:
    """One page for each rule, in the order of the rules."""
    return tuple(map(_page, RULES))


def _page(rule: Rule) -> Page:
    module = rule.judge.__module__.rpartition(".")[2]
    return Page(rule.id, AREAS[module], rule.title, rule.symptom, rule.why, rule.remedy, rule.verify, rule.source)
