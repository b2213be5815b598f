"""The handbook: each rule has a whole page, and what somebody has seen leads to the right one."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from helpers.diagnosis import explain, rule_index, rule_page
from helpers.diagnosis.pages import AREAS, all_pages
from helpers.diagnosis.rules import RULES
from helpers.errors import InputError
from tests.diagnosis.sentences import SENTENCES


def test_the_index_has_a_line_for_each_rule() -> None:
    """In the order of the way, each with an area that a reader knows."""
    index = rule_index()
    assert list(index["rule"]) == [rule.id for rule in RULES]
    assert set(index["area"]) == set(AREAS.values())
    assert list(rule_index("Prisma")["area"].unique()) == ["Prisma"]


def test_a_page_says_what_to_see_why_and_what_to_do() -> None:
    """The sections come from the rule, in the order in which a person needs them."""
    page, rule = rule_page("host_found"), next(rule for rule in RULES if rule.id == "host_found")
    assert [heading for heading, _ in page.sections] == ["What you will see", "Why", "What to do", "Verify", "Source"]
    assert page.markdown.index(rule.symptom) < page.markdown.index(rule.why) < page.markdown.index(rule.remedy)
    assert str(page).startswith(f"{rule.title} (host_found, The way in)")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.id)
def test_each_page_is_sound_html(page: object) -> None:
    """Every tag that is opened is closed, whatever signs the rule's texts hold."""
    tags = _Tags()
    tags.feed(page._repr_html_())  # type: ignore[attr-defined]
    assert tags.open == []


def test_an_unknown_rule_is_told_with_those_alike() -> None:
    """A slip of the pen leads on."""
    with pytest.raises(InputError, match="tables_published"):
        rule_page("table_published")


SAID = [(rule, heard.sentence) for rule, heard, _ in SENTENCES if heard.sentence]


@pytest.mark.parametrize(("rule", "sentence"), SAID, ids=lambda each: str(each)[:60])
def test_each_sentence_of_the_server_is_explained(rule: str, sentence: str) -> None:
    """What the server says word by word leads to the page about it."""
    assert rule in [page.id for page in explain(sentence).pages[:2]]


@pytest.mark.parametrize(
    ("seen", "rule"),
    [
        ("Unable to subscribe to changes with given parameters", "unsubscribable"),
        ("CHANNEL_ERROR", "host_found"),
        ("permission to read from this channel topic", "topic_unauthorized"),
        ('prepared statement "s0" already exists', "prisma_pooler"),
        ("captive portal", "no_captive_portal"),
        ("token expired", "token_expired"),
        ("a row written right after SUBSCRIBED never arrives", "changes_ready"),
        ("nothing arrives after prisma migrate reset", "migrations_publish"),
        ("changes arrive late", "delivery_time"),
        ("tables_published", "tables_published"),
    ],
)
def test_what_somebody_has_seen_leads_to_the_page(seen: str, rule: str) -> None:
    """By a message, half a message, a symptom in one's own words, or a rule's name."""
    assert rule in [page.id for page in explain(seen).pages]


def test_what_nobody_knows_is_said_so() -> None:
    """No page is better than a wrong one."""
    explanation = explain("wubbleflop")
    assert explanation.pages == ()
    assert str(explanation).startswith("No page fits")
    assert "No page fits" in explanation._repr_html_()


def test_a_broad_symptom_names_the_others() -> None:
    """Of many rules that fit, the best are shown and the rest are named."""
    explanation = explain("CHANNEL_ERROR")
    assert "As well: " in str(explanation)
    assert len(explanation.more) > len(explanation.pages)
