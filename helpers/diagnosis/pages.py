"""The handbook: a page for each rule, made from the rule itself, and a search by what somebody has seen."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from helpers.diagnosis.rules import RULES, Rule
from helpers.diagnosis.rules.answers import says
from helpers.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AREAS", "Page", "all_pages", "rule_index", "rule_page"]

#: By module of the rules, what a reader calls their part of the way. In the order of the way.
AREAS = {
    "way_in": "The way in",
    "tls": "The way in",
    "key": "Key and token",
    "token": "Key and token",
    "wish": "The join",
    "answers": "What the server says",
    "server": "Database",
    "capacity": "Database",
    "slots": "Database",
    "tables": "Tables",
    "publication": "Tables",
    "grants": "Tables",
    "policies": "Row-level security",
    "policy_calls": "Row-level security",
    "policy_trials": "Row-level security",
    "policy_costs": "Row-level security",
    "identity": "Tables",
    "types": "Tables",
    "messages": "Private channels",
    "broadcasts": "Broadcasts from the database",
    "live": "Live",
    "watch": "Watching",
    "watch_events": "Watching",
    "prisma_migrations": "Prisma",
    "prisma_reset": "Prisma",
    "prisma_schema": "Prisma",
    "prisma_connection": "Prisma",
    "packages": "Client packages",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to know about one rule, for any project; a check says it for this one.

    Attributes:
        id: the rule's stable name.
        area: the part of the way that it is about.
        title: what is healthy, as a sentence.
        says: the words of the server by which it is recognised; empty where it is silent.
        symptom, why, remedy, verify, source: what you will see, why, what to do, how to see that it helped, and where
            it is from.
    """

    id: str
    area: str
    title: str
    symptom: str
    why: str
    remedy: str
    verify: str
    source: str
    says: str = ""

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Heading and text, in the order in which a person needs them."""
        parts = (
            ("What you will see", self.symptom),
            ("What the server says", self.says),
            ("Why", self.why),
            ("What to do", self.remedy),
            ("Verify", self.verify),
            ("Source", self.source),
        )
        return tuple((heading, text) for heading, text in parts if text)

    @property
    def markdown(self) -> str:
        """The page as Markdown, from a heading of the third level on."""
        body = [f"**{heading}**\n\n{text}" for heading, text in self.sections]
        return "\n\n".join([f"### {self.title}", f"`{self.id}` · {self.area}", *body]) + "\n"

    def __str__(self) -> str:
        body = [f"{heading}: {text}" for heading, text in self.sections]
        return "\n".join([f"{self.title} ({self.id}, {self.area})", *(f"  {line}" for line in body)])

    def _repr_html_(self) -> str:
        body = "".join(f"<p><strong>{heading}</strong><br>{_html(text)}</p>" for heading, text in self.sections)
        return f"<h4>{escape(self.title)}</h4><p><code>{self.id}</code> · {self.area}</p>{body}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


@cache
def all_pages() -> tuple[Page, ...]:
    """One page for each rule, in the order of the way."""
    return tuple(map(_page, RULES))


def rule_page(rule_id: str) -> Page:
    """The page of one rule.

    Raises:
        InputError: there is no such rule; the error names those that are written alike.
    """
    pages = {page.id: page for page in all_pages()}
    if rule_id in pages:
        return pages[rule_id]
    alike = ", ".join(difflib.get_close_matches(rule_id, pages, n=3)) or "one of `workbook explain`"
    raise InputError("looking up a rule", f"there is none of the name {rule_id!r}", f"Take {alike}")


def rule_index(area: str | None = None) -> pd.DataFrame:
    """One row for each rule: its area, its name, what is healthy, and what is seen when it is not."""
    import pandas as pd

    rows = [[page.area, page.id, page.title, page.symptom] for page in all_pages() if area in (None, page.area)]
    return pd.DataFrame(rows, columns=["area", "rule", "healthy", "what you will see"])


def _page(rule: Rule[Any]) -> Page:
    module = rule.judge.__module__.rpartition(".")[2]
    texts = (rule.symptom, rule.why, rule.remedy, rule.verify, rule.source)
    return Page(rule.id, AREAS.get(module, module), rule.title, *texts, says=says(rule.id))


def _html(text: str) -> str:
    """Escaped; an address leads there, and SQL or code keeps its lines."""
    if text.startswith("https://") and " " not in text:
        return f'<a href="{escape(text)}">{escape(text)}</a>'
    return f"<pre>{escape(text)}</pre>" if "\n" in text else escape(text)
