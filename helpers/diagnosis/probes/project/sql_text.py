"""Splits SQL into statements, each with the line at which it begins; comments go, strings and quoted names stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["NAME", "QUALIFIED", "literals", "split_statements", "unquoted"]

#: A name as SQL writes it, and one with a schema before it.
NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
QUALIFIED = rf"(?:(?P<schema>{NAME})\s*\.\s*)?(?P<table>{NAME})"

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<text>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z))
      | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
      | (?P<end>;)""",
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_BLANK = re.compile(r"\s+")


def split_statements(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of every statement that is not empty."""
    parts: list[str] = []
    start = position = 0
    while True:
        found = _TOKEN.search(text, position)
        parts.append(text[position : found.start() if found else len(text)])
        if found is None or found["end"]:
            yield from _statement(text, start, parts)
            if found is None:
                return
            parts, start = [], found.end()
        position = _kept(text, found, parts)


def _kept(text: str, found: re.Match[str], parts: list[str]) -> int:
    """Keep the token if it is one to keep; where to read on."""
    if found["comment"]:
        parts.append("\n" * found[0].count("\n") or " ")
    elif found["text"]:
        parts.append(found[0])
    elif found["dollar"]:
        end = text.find(found[0], found.end())
        end = len(text) if end < 0 else end + len(found[0])
        parts.append(text[found.start() : end])
        return end
    return found.end()


def _statement(text: str, start: int, parts: list[str]) -> Iterator[tuple[int, str]]:
    statement = "".join(parts)
    if statement.strip():
        before = len(statement) - len(statement.lstrip())
        yield text.count("\n", 0, start) + statement.count("\n", 0, before) + 1, statement.strip()


def unquoted(name: str | None) -> str:
    """A name as the catalogs hold it: without quotes, and in lower case if it had none."""
    if not name:
        return ""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def literals(statement: str) -> set[str]:
    """Every string and quoted name in a statement, and its words."""
    quoted = {(a or b).replace("''", "'").replace('""', '"') for a, b in _LITERAL.findall(statement)}
    return {_BLANK.sub(" ", each) for each in quoted}
