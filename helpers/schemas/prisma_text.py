"""The form of `schema.prisma`: blocks, lines of blocks, attributes. Unknown words are kept, not judged.

Prisma's own engine would tell the same, but refuses a whole schema for one attribute newer than itself, needs a build
for each platform, and answers in seconds. What is read here is names and places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = [
    "FIELD",
    "Attribute",
    "Block",
    "Entry",
    "SchemaSyntaxError",
    "first_word",
    "mapped_name",
    "names_in",
    "read_blocks",
    "text_of",
]

#: The words of a field: its name, its type, whether it is a list, whether it is optional.
FIELD = re.compile(r"([^\W\d][\w-]*)\s+(Unsupported\(.*\)|[\w.]+)\s*(\[\s*\])?\s*(\?)?\s*$", re.DOTALL)
_NAMES = re.compile(r"[\w-]+")

_OPENING = re.compile(r"\s*(\w+)\s+([\w-]+)?\s*\{(.*)$", re.DOTALL)
_ATTRIBUTE = re.compile(r"@@?([\w.]+)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_PAIRS = {")": "(", "]": "[", "}": "{"}


class SchemaSyntaxError(Exception):
    """The text is not a Prisma schema; `line` counts from 1. As text: "schema.prisma line 12: …"."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file} line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Attribute:
    """``@name(arguments)`` or ``@@name(arguments)``."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a block: its words before the attributes, and these."""

    line: int
    head: str
    attributes: tuple[Attribute, ...]

    def attribute(self, name: str) -> Attribute | None:
        return next((each for each in self.attributes if each.name == name), None)


@dataclass(slots=True)
class Block:
    """``kind name { entries }``."""

    kind: str
    name: str
    file: str
    line: int
    entries: list[Entry] = field(default_factory=list)

    def attribute(self, name: str) -> Attribute | None:
        """A ``@@`` attribute of the block itself."""
        own = (entry.attribute(name) for entry in self.entries if not entry.head)
        return next((each for each in own if each is not None), None)


def text_of(arguments: str) -> str | None:
    """The first string among an attribute's arguments."""
    found = _STRING.search(arguments)
    return _ESCAPE.sub(r"\1", found[1]) if found else None


def mapped_name(attribute: Attribute | None, name: str) -> str:
    """The database's name: that of ``@map`` or ``@@map``, or without one Prisma's own."""
    return (text_of(attribute.arguments) if attribute else None) or name


def names_in(arguments: str) -> list[str]:
    """The names in an attribute's brackets, without what stands in brackets behind each (``sort: Desc``)."""
    found = re.search(r"\[(.*)\]", arguments, re.DOTALL)
    return _NAMES.findall(re.sub(r"\([^)]*\)", "", found[1])) if found else []


def read_blocks(text: str, file: str = "schema.prisma") -> list[Block]:
    """The blocks of a file's text.

    Raises:
        SchemaSyntaxError: with the line at which reading had to end.
    """
    blocks: list[Block] = []
    current: Block | None = None
    for line, statement in _statements(_without_comments(text, file), file):
        if current is None:
            current, rest = _opened(file, line, statement)
            blocks.append(current)
        else:
            rest = statement
        body, closed = _before_closing(rest)
        if body.strip():
            current.entries.append(_entry(line, body.strip()))
        current = None if closed else current
    if current is not None:
        raise SchemaSyntaxError(file, current.line, f"the block {current.kind} {current.name} is never closed")
    return blocks


def _opened(file: str, line: int, statement: str) -> tuple[Block, str]:
    found = _OPENING.match(statement)
    if found is None:
        raise SchemaSyntaxError(file, line, f"“{first_word(statement)}” does not begin a block")
    return Block(found[1], found[2] or "", file, line), found[3]


def _before_closing(statement: str) -> tuple[str, bool]:
    """What stands before the brace that closes the block, and whether there is one."""
    depth = 0
    for position, sign in _outside_strings(statement):
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            if depth == 0 and sign == "}":
                return statement[:position], True
            depth -= 1
    return statement, False


def _entry(line: int, body: str) -> Entry:
    starts = [position for position, sign in _outside_strings(body) if sign == "@"]
    head = body[: starts[0]] if starts else body
    return Entry(line, head.strip(), tuple(_attributes(line, body, starts)))


def _attributes(line: int, body: str, starts: list[int]) -> Iterator[Attribute]:
    end = 0
    for start in starts:
        found = _ATTRIBUTE.match(body, start) if start >= end else None
        if found is None:
            continue
        arguments, end = _arguments(body, found.end())
        yield Attribute(found[1], arguments)


def _arguments(body: str, start: int) -> tuple[str, int]:
    if body[start : start + 1] != "(":
        return "", start
    depth = 0
    for offset, sign in _outside_strings(body[start:]):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return body[start + 1 : start + offset], start + offset + 1
    return body[start + 1 :], len(body)


def _statements(text: str, file: str) -> Iterator[tuple[int, str]]:
    """Lines, each joined with the next ones while a round or square bracket is open."""
    opened: list[tuple[str, int]] = []
    held, begun = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        begun = number if not held else begun
        _follow_brackets(file, line, number, opened)
        held = f"{held}\n{line}" if held else line
        if not opened:
            if held.strip():
                yield begun, held
            held = ""
    if opened:
        raise SchemaSyntaxError(file, opened[0][1], f"“{opened[0][0]}” is never closed")


def _follow_brackets(file: str, line: str, number: int, opened: list[tuple[str, int]]) -> None:
    for _, sign in _outside_strings(line):
        if sign in "([":
            opened.append((sign, number))
        elif sign in ")]":
            if not opened or opened[-1][0] != _PAIRS[sign]:
                raise SchemaSyntaxError(file, number, f"“{sign}” closes nothing")
            opened.pop()


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    position = 0
    while position < len(text):
        if text[position] == '"' and (found := _STRING.match(text, position)):
            position = found.end()
            continue
        yield position, text[position]
        position += 1


_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def _without_comments(text: str, file: str) -> str:
    """Comments replaced by nothing but their line ends; a string keeps what looks like one."""
    clean = _TOKEN.sub(lambda found: found[0] if found[0][0] == '"' else "\n" * found[0].count("\n"), text)
    for number, line in enumerate(clean.split("\n"), start=1):
        if _STRING.sub("", line).count('"'):
            raise SchemaSyntaxError(file, number, "a string is never closed")
    return clean


def first_word(text: str) -> str:
    """What a message may quote of a file: never so much that it could be a secret."""
    found = re.match(r"\w{1,40}|\W", text.strip())
    return found[0] if found else ""
