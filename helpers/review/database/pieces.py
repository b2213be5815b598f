"""Taking a statement apart: lists, parentheses, names, types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.schemas.sql_text import NAME, unquoted

__all__ = ["FLAGS", "inside", "masked", "names", "one_line", "parts", "plain_type", "qualified"]

FLAGS = re.IGNORECASE | re.DOTALL
_STRING = r"""\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])(\$(?:[^\W\d]\w*)?\$).*?\1"""
_SIGN = re.compile(rf"{_STRING}|[()\[\],]", re.DOTALL)
_BLANK = re.compile(rf"(?P<string>{_STRING.replace('1', '2')})|\s+", re.DOTALL)
_NAMES = re.compile(NAME)
#: What PostgreSQL calls its types by, from https://www.postgresql.org/docs/current/datatype.html#DATATYPE-TABLE
_ALIASES = {
    "int8": "bigint",
    "bigserial": "bigint",
    "serial8": "bigint",
    "int": "integer",
    "int4": "integer",
    "serial": "integer",
    "serial4": "integer",
    "int2": "smallint",
    "smallserial": "smallint",
    "serial2": "smallint",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "bool": "boolean",
    "varchar": "character varying",
    "char": "character",
    "bpchar": "character",
    "varbit": "bit varying",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
}


def parts(text: str) -> Iterator[tuple[int, str]]:
    """The items of a list by its outer commas, each with the offset at which it begins."""
    depth = start = 0
    for sign in _SIGN.finditer(text):
        if sign[0] in "([":
            depth += 1
        elif sign[0] in ")]":
            depth -= 1
        elif sign[0] == "," and depth == 0:
            yield _item(text, start, sign.start())
            start = sign.end()
    yield _item(text, start, len(text))


def _item(text: str, start: int, end: int) -> tuple[int, str]:
    item = text[start:end]
    return start + len(item) - len(item.lstrip()), item.strip()


def inside(text: str, start: int) -> tuple[str, int] | None:
    """What stands in the parentheses that open at or after blanks from `start`, and where they end."""
    opening = re.compile(r"\s*\(").match(text, start)
    if opening is None:
        return None
    depth = 1
    for sign in _SIGN.finditer(text, opening.end()):
        depth += (sign[0] == "(") - (sign[0] == ")")
        if depth == 0:
            return text[opening.end() : sign.start()], sign.end()
    return None


def masked(text: str) -> str:
    """The text in small letters, with nothing in its parentheses and strings, so that words can be looked for."""
    kept: list[str] = []
    depth = position = 0
    for sign in _SIGN.finditer(text):
        kept.append(text[position : sign.start()] if depth == 0 else "")
        depth += (sign[0] == "(") - (sign[0] == ")")
        kept.append(" () " if depth == 0 and sign[0] == ")" else " ")
        position = sign.end()
    return "".join((*kept, text[position:] if depth == 0 else "")).lower()


def one_line(text: str) -> str:
    """An expression with single blanks, its strings untouched."""
    return _BLANK.sub(lambda found: found["string"] or " ", text).strip()


def names(text: str) -> list[str]:
    """The names in a list of columns, in which orders and operator classes may stand; empty for an expression."""
    return [_leading_name(item) for _, item in parts(text) if item]


def _leading_name(item: str) -> str:
    found = _NAMES.match(item)
    if found is None or re.match(r"\s*[(.:]", item[found.end() :]):
        return ""
    return unquoted(found[0])


def qualified(text: str, home: str = "public") -> tuple[str, str]:
    """Schema and name of ``schema.name`` or ``name``."""
    found = [unquoted(name) for name in _NAMES.findall(text)]
    return (found[-2] if len(found) > 1 else home, found[-1]) if found else (home, "")


_TYPE = re.compile(
    rf"(?:{NAME}\s*\.\s*)?(?P<name>double\s+precision|(?:character|char|bit)\s+varying|national\s+character(?:\s+varying)?|{NAME})"
    r"(?:\s*\([^()]*\))?(?P<zone>\s+with(?:out)?\s+time\s+zone)?(?P<array>(?:\s*\[\d*\])+|\s+array\b(?:\s*\[\d*\])?)?",
    FLAGS,
)


def plain_type(text: str) -> tuple[str, int]:
    """A type without length and precision, by its usual name; and where it ends."""
    found = _TYPE.match(text)
    if found is None:
        return "", 0
    name = " ".join(unquoted(found["name"]).split()) + " ".join((found["zone"] or "").lower().split()).join((" ", ""))
    name = name.strip()
    return _ALIASES.get(name, name) + ("[]" if found["array"] else ""), found.end()
