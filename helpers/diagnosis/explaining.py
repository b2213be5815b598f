"""From a symptom or a message to the pages about it."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

from helpers.diagnosis.pages import Page, all_pages
from helpers.diagnosis.rules.answers import answer_to

__all__ = ["Explanation", "explain"]

#: So many pages answer one question at most.
MOST_PAGES = 4
#: A page is told if it fits at least this share as well as the best one.
ENOUGH = 0.55
#: What a word counts, by where it stands: what somebody sees and what the server says are what is searched for.
WEIGHTS = {"id": 3.0, "says": 3.0, "symptom": 2.0, "title": 1.5, "why": 1.0, "remedy": 0.7}
#: Words that tell nothing.
COMMON = frozenset(
    {
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "i", "in", "is", "it", "my", "no"),
        *("not", "of", "on", "or", "that", "the", "this", "to", "was", "with"),
    }
)
WORD = re.compile(r"[^\W_]+(?:[_.'][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Explanation:
    """The pages that fit, the best one first, and the names of further rules; none where nothing is known."""

    pages: tuple[Page, ...]
    more: tuple[str, ...] = ()

    @property
    def rest(self) -> str:
        """What to look up where the pages shown do not help."""
        if not self.pages:
            return NOTHING
        return f"As well: {', '.join(self.more)}" if self.more else ""

    def __str__(self) -> str:
        return "\n\n".join([*map(str, self.pages), *([self.rest] if self.rest else [])])

    def _repr_html_(self) -> str:
        shown = [page._repr_html_() for page in self.pages]
        return "<hr>".join([*shown, *([f"<p>{self.rest}</p>"] if self.rest else [])])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


NOTHING = "No page fits. Try the server's own words, a status such as CHANNEL_ERROR, or what does not arrive."


def explain(text: str, further: tuple[Page, ...] = ()) -> Explanation:
    """The pages about a rule's name, a message of the server, or a symptom in your own words.

    A message that the server is known to send is recognised with whatever it names; everything else is compared by its
    words, of which rare ones count more.

    Args:
        further: pages beside those of the diagnosis.
    """
    pages = (*all_pages(), *further)
    exact = [page for page in pages if page.id == text.strip()]
    if exact:
        return Explanation(tuple(exact))
    answer = answer_to(text)
    known = [page for page in pages if answer is not None and page.id == answer.id]
    alike = [page for page in _alike(text, pages) if page not in known]
    fitting = (*known, *alike)
    return Explanation(fitting[:MOST_PAGES], tuple(page.id for page in fitting[MOST_PAGES:]))


def _alike(text: str, pages: tuple[Page, ...]) -> list[Page]:
    rarity = {word: _rarity(word, pages) for word in set(_words(text))}
    scores = {page: _score(rarity, page) for page in pages}
    best = max(scores.values(), default=0.0)
    fitting = [page for page, score in scores.items() if best and score >= ENOUGH * best]
    return sorted(fitting, key=lambda page: -scores[page])


def _score(rarity: dict[str, float], page: Page) -> float:
    """The rarity of each word that the page has, where it counts most."""
    fields = _fields(page)
    return sum(
        rare * max((WEIGHTS[f] for f in WEIGHTS if word in fields[f]), default=0.0) for word, rare in rarity.items()
    )


def _rarity(word: str, pages: tuple[Page, ...]) -> float:
    spread = _spread(pages)
    return math.log((1 + len(pages)) / spread[word]) if word in spread else 0.0


@cache
def _spread(pages: tuple[Page, ...]) -> Counter[str]:
    """In how many pages each word stands."""
    return Counter(word for page in pages for word in set().union(*_fields(page).values()))


@cache
def _fields(page: Page) -> dict[str, frozenset[str]]:
    texts = {name: getattr(page, name) for name in WEIGHTS} | {"id": page.id.replace("_", " ")}
    return {name: frozenset(_words(text)) for name, text in texts.items()}


def _words(text: str) -> list[str]:
    """Lower case, without an ending: `changes` finds `change`, `CHANNEL_ERROR` stays one word."""
    found = (word.casefold() for word in WORD.findall(text))
    return [word.removesuffix("s") if len(word) > 3 else word for word in found if word not in COMMON]
