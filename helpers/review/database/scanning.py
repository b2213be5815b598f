"""Parts of SQL statements: what stands in brackets, and between commas."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.diagnosis.probes.project.sql_text import NAME, unquoted

__all__ = ["FLAGS", "bracketed", "column_names", "names_in", "parts"]

FLAGS = re.IGNORECASE | re.DOTALL
#: What brackets and commas in it do not count of.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(\$(?:[^\W\d]\w*)?\$).*?\1", re.DOTALL)
_SIGN = re.compile(r"[(),]")
_NAME = re.compile(NAME)


def bracketed(text: str, start: int) -> tuple[str, int]:
    """What stands in the first brackets from `start` on, and where they end; empty if there are none."""
    opened = text.find("(", start)
    if opened < 0:
        return "", len(text)
    depth = 0
    for position, sign in _signs(text, opened):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return text[opened + 1 : position], position + 1
    return text[opened + 1 :], len(text)


def parts(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets."""
    depth = start = 0
    for position, sign in _signs(text, 0):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if text[start:].strip():
        yield text[start:].strip()


def names_in(text: str) -> list[str]:
    """Names between commas, as the catalogs hold them."""
    return [unquoted(found[0]) for part in parts(text) if (found := _NAME.match(part))]


def column_names(text: str) -> tuple[str, ...]:
    """The columns of a key or an index; of an expression an empty name."""
    found = []
    for part in parts(text):
        name = _NAME.match(part)
        found.append(unquoted(name[0]) if name and not part[name.end() :].lstrip().startswith("(") else "")
    return tuple(found)


def _signs(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Brackets and commas outside of quotes."""
    position = start
    while found := _SIGN.search(text, position):
        quoted = _QUOTED.search(text, position)
        if quoted is not None and quoted.start() < found.start():
            position = quoted.end()
            continue
        yield found.start(), found[0]
        position = found.end()
