"""What DO blocks do, as far as it shows: statements under conditions, and those put together for several tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.database.pieces import FLAGS, inside, parts
from helpers.review.database.state import Database, Statement
from helpers.schemas.sql_text import literals, split_statements

__all__ = ["unrolled"]

_BODY = re.compile(r"(?P<tag>\$(?:[^\W\d]\w*)?\$)(?P<body>.*)(?P=tag)|'(?P<quoted>(?:[^']|'')*)'", re.DOTALL)
#: What stands before a statement within a block.
_CONTROL = re.compile(
    r"\s*(?:<<\w+>>|begin\b(?!\s+atomic)|declare\b|loop\b|else\b|exception\b|(?:els?e?if|if|when)\b.*?\bthen\b"
    r"|(?:for|foreach|while)\b.*?\bloop\b)\s*",
    FLAGS,
)
_EXECUTE = re.compile(r"execute\s+(?P<made>.*?)(?:\s+using\s+[^']*)?$", FLAGS)
_FORMAT = re.compile(r"format\s*(?=\()", FLAGS)
_STRING = re.compile(r"\s*[eE]?'((?:[^']|'')*)'|\s*(\$(?:[^\W\d]\w*)?\$)(.*?)\2", re.DOTALL)
_HOLE = re.compile(r"%(?:\d+\$)?-?\d*[Is]")
_VALUE = re.compile(r"%(?:\d+\$)?L")
_CATALOG = re.compile(r"\b(?:pg_tables|pg_class|information_schema\s*\.\s*tables)\b", FLAGS)
_TABLE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)?")


def unrolled(database: Database, statement: Statement) -> Iterator[tuple[int, str]]:
    """Line and text of the statements in a DO block.

    Both sides of a condition are taken: migrations ask whether something is there before they make it. A statement
    that is put together is read once for each table that the block names, or, if it goes over the catalogs, for each
    table that is known so far; if there is none, a publication that it adds to is open from then on.
    """
    found = _BODY.search(statement.text)
    if found is None:
        return
    group = "body" if found["body"] is not None else "quoted"
    body = found[group] if group == "body" else found[group].replace("''", "'")
    first = statement.line + statement.text.count("\n", 0, found.start(group))
    for line, text in split_statements(body):
        plain = text
        while control := _CONTROL.match(plain):
            plain = plain[control.end() :]
        line += text[: len(text) - len(plain)].count("\n")
        made = _EXECUTE.match(plain)
        if made is None:
            yield first + line - 1, plain
        else:
            for each in _made(database, made["made"], body):
                yield first + line - 1, each


def _made(database: Database, expression: str, body: str) -> Iterator[str]:
    template = _template(expression)
    if not _HOLE.search(template):
        yield template
        return
    tables = _tables(database, body)
    for name in tables:
        yield _HOLE.sub(lambda _: name, template)  # noqa: B023 - used at once
    opened = re.match(r"\s*alter\s+publication\s+\"?(\w+)\"?\s+add\s", template, FLAGS)
    if opened is not None and not tables:
        publication = database.publication(opened[1])
        publication.open = publication.touched = True


def _template(expression: str) -> str:
    """The text with ``%I`` for whatever is computed, of ``format(…)`` as of ``'…' || …``."""
    call = _FORMAT.match(expression)
    if call is not None:
        listed = inside(expression, call.end())
        first = next(iter(parts(listed[0])))[1] if listed else ""
        return _VALUE.sub("''", _text(first) or "")
    pieces = [_text(piece) for piece in re.split(r"\|\|", expression)]
    return "".join("%I" if piece is None else piece for piece in pieces)


def _text(piece: str) -> str | None:
    found = _STRING.match(piece)
    if found is None:
        return None
    return found[3] if found[2] else found[1].replace("''", "'")


def _tables(database: Database, body: str) -> list[str]:
    known = {name for _, name in database.tables} | {f"{schema}.{name}" for schema, name in database.tables}
    named = sorted(name for name in literals(body) if _TABLE.fullmatch(name) and name in known)
    if named:
        return [_quoted(name) for name in named]
    if _CATALOG.search(body):
        return [_quoted(name) for schema, name in database.tables if schema == "public"]
    return []


def _quoted(name: str) -> str:
    return ".".join(f'"{part}"' for part in name.split("."))
