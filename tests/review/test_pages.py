"""The rules of the review have pages, and `explain` finds them beside those of the diagnosis."""

from __future__ import annotations

import pytest

from helpers.diagnosis import explain
from helpers.diagnosis.pages import Page, all_pages
from helpers.review.pages import AREAS, review_pages
from helpers.review.rules import RULES

FEWEST = 30
TEXTS = ("title", "symptom", "why", "remedy", "verify", "source")


def test_there_are_enough_rules_with_names_of_their_own() -> None:
    """No name stands for two rules, of the review or of the diagnosis."""
    names = [page.id for page in (*review_pages(), *all_pages())]
    assert len(review_pages()) >= FEWEST
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", review_pages(), ids=lambda page: page.id)
def test_each_page_is_whole(page: Page) -> None:
    """What is seen, why, what to do, how to see that it helped, and where it is from."""
    assert [text for text in TEXTS if not getattr(page, text)] == []
    assert page.area in AREAS.values()


def test_rules_follow_from_rules_that_there_are() -> None:
    """A misspelt name would let a consequence be told beside its cause."""
    assert {cause for rule in RULES for cause in rule.follows} <= {rule.id for rule in RULES}


@pytest.mark.parametrize(
    ("seen", "rule"),
    [
        ("full_table", "full_table"),
        ("channel_not_removed", "channel_not_removed"),
        ("events arrive twice", "channel_not_removed"),
        ("Multiple GoTrueClient instances detected", "client_in_render"),
        ("deletions never arrive", "delete_filter_identity"),
    ],
)
def test_what_somebody_has_seen_leads_to_the_page(seen: str, rule: str) -> None:
    """By a rule's name, by a message, or by a symptom in one's own words."""
    assert rule in [page.id for page in explain(seen, review_pages()).pages]
