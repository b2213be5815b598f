"""What differs from run to run, and the rules that make it comparable.

A rule takes a text of one message and the names given so far in its connection, and returns the text with the volatile
parts replaced. Everything that no rule names is compared as it is: ids of bindings and of rows are not volatile, as the
former are a hash of their parameters, and the tables' counters are set to where they stood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

__all__ = ["RULES", "Names", "comparable"]

#: Users of the scenarios; and the id that one scenario puts into a payload.
_GIVEN = frozenset(
    (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-4222-8222-222222222222",
        "11111111-2222-4333-8444-555555555555",
    )
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PRESENCE_REF = re.compile(r'("phx_ref(?:_prev)?":\s*")([^"]+)(")')
_LATE = re.compile(r"Token has expired \d+ seconds ago")
_SECRET_SETTING = re.compile(r'("db_(?:host|name|port|user)":\s*")[^"]+(")')
_THIS_YEAR = ("2026-", "2027-", "2028-", "2029-", "203")
_RUN = re.compile(r"x{1000,}")
_CUT_RUN = re.compile(r"x+\.\.\.<(\d+) chars>\.\.\.x+")


class Names:
    """Gives volatile values names, by the order of their appearance, so that equal ones stay equal."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}

    def name(self, kind: str, value: str) -> str:
        number = sum(known == kind for known, _ in self._given)
        return self._given.setdefault((kind, value), f"<{kind} {number}>")


Rule = Callable[[str, Names], str]


def times(text: str, _names: Names) -> str:
    """Commit and insertion times are of the run's day; times that a scenario writes itself are older."""
    return _TIME.sub(lambda match: "<time>" if match[0].startswith(_THIS_YEAR) else match[0], text)


def uuids(text: str, names: Names) -> str:
    """Presence keys, ids of broadcasts and of tenants are made by the server; those of the users are given."""
    return _UUID.sub(lambda match: match[0] if match[0] in _GIVEN else names.name("uuid", match[0]), text)


def presence_refs(text: str, names: Names) -> str:
    """`phx_ref` is made of time and a counter."""
    return _PRESENCE_REF.sub(lambda match: match[1] + names.name("ref", match[2]) + match[3], text)


def seconds_late(text: str, _names: Names) -> str:
    """How long ago a token expired depends on when it is looked at."""
    return _LATE.sub("Token has expired <n> seconds ago", text)


def database_settings(text: str, _names: Names) -> str:
    """The management API shows the database's address encrypted with a key of the installation."""
    return _SECRET_SETTING.sub(r"\1<encrypted>\2", text)


def truncated_texts(text: str, _names: Names) -> str:
    """The recorder cut the middle out of messages of more than 200,000 characters, of which most are the letter x."""
    if " chars>..." in text:  # or else the search would take long in what was not cut
        text = _CUT_RUN.sub(lambda match: _about(int(match[1])), text)
    return _RUN.sub(lambda match: _about(len(text)), text)


def _about(characters: int) -> str:
    return f"<x … of {round(characters, -4)} characters>"


RULES: tuple[Rule, ...] = (truncated_texts, times, uuids, presence_refs, seconds_late, database_settings)


def comparable(text: str, names: Names) -> str:
    """A message after all rules: JSON with its fields in one order, as their order says nothing."""
    for rule in RULES:
        text = rule(text, names)
    try:
        message = json.loads(text, parse_float=_exactly)
    except (ValueError, RecursionError):
        return text
    return json.dumps(message, ensure_ascii=False, sort_keys=True)


def _exactly(number: str) -> str:
    """Numbers with a fraction are compared digit by digit: 1.50 is not 1.5."""
    return f"number {number}"
