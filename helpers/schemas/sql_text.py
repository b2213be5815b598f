"""Splits SQL into statements, each with the line at which it begins; comments go, strings and quoted names stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["NAME", "QUALIFIED", "literals", "split_statements", "unquoted"]

#: A name as SQL writes it, and one with a schema before it.
NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
QUALIFIED = rf"(?:(?P<schema>{NAME})\s*\.\s*)?(?P<table>{NAME})"

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)
      | (?P<block>/\*)
      | (?P<text>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z))
      | (?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)
      | (?P<meta>^[ \t]*\\[^\n]*)
      | (?P<end>;)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_COMMENT_SIGN = re.compile(r"/\*|\*/")
#: Rows follow such a statement, up to a line with nothing but a backslash and a dot.
_ROWS = re.compile(r"\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_END_OF_ROWS = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_BLANK = re.compile(r"\s+")


def split_statements(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of every statement that is not empty.

    Comments are taken out, nested ones too, and so are psql's own commands and the rows after ``COPY … FROM stdin``.
    """
    parts: list[str] = []
    position, line = 0, 1
    while True:
        found = _TOKEN.search(text, position)
        parts.append(text[position : found.start() if found else len(text)])
        if found is None or found["end"]:
            statement = "".join(parts)
            yield from _statement(line, statement)
            if found is None:
                return
            parts, position = [], found.end()
            line += statement.count("\n")
            if _ROWS.match(statement):
                position, line = _after_rows(text, position, line)
            continue
        position = _kept(text, found, parts)


def _kept(text: str, found: re.Match[str], parts: list[str]) -> int:
    """Keep the token if it is one to keep, of others the line ends; where to read on."""
    if found["text"]:
        parts.append(found[0])
        return found.end()
    if found["dollar"]:
        end = text.find(found[0], found.end())
        end = len(text) if end < 0 else end + len(found[0])
        parts.append(text[found.start() : end])
        return end
    end = _end_of_comment(text, found.end()) if found["block"] else found.end()
    parts.append("\n" * text.count("\n", found.start(), end) or " ")
    return end


def _end_of_comment(text: str, position: int) -> int:
    depth = 1
    for sign in _COMMENT_SIGN.finditer(text, position):
        depth += 1 if sign[0] == "/*" else -1
        if depth == 0:
            return sign.end()
    return len(text)


def _after_rows(text: str, position: int, line: int) -> tuple[int, int]:
    found = _END_OF_ROWS.search(text, position)
    end = found.end() if found else len(text)
    return end, line + text.count("\n", position, end)


def _statement(line: int, statement: str) -> Iterator[tuple[int, str]]:
    if statement.strip():
        before = len(statement) - len(statement.lstrip())
        yield line + statement.count("\n", 0, before), statement.strip()


def unquoted(name: str | None) -> str:
    """A name as the catalogs hold it: without quotes, and in lower case if it had none."""
    if not name:
        return ""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def literals(statement: str) -> set[str]:
    """Every string and quoted name in a statement, and its words."""
    quoted = {(a or b).replace("''", "'").replace('""', '"') for a, b in _LITERAL.findall(statement)}
    return {_BLANK.sub(" ", each) for each in quoted}
