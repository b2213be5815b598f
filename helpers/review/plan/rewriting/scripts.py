"""A script as a syntax tree, with places in characters: where an edit begins and ends.

The script of a Vue or Svelte component is its block; places count in the whole file all the same.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from helpers.review.source import Place

__all__ = ["Script", "Style", "open_script"]

_BLOCK = re.compile(r"<script\b[^>]*>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
#: Whose files TypeScript's grammar without tags reads: there ``<T>value`` is a cast.
_PLAIN = (".ts", ".mts", ".cts")
_WITH_BLOCKS = (".vue", ".svelte")
SCRIPTS = (*_PLAIN, ".tsx", ".js", ".jsx", ".mjs", ".cjs", *_WITH_BLOCKS)
#: Statements that end with a semicolon where semicolons are used.
_STATEMENTS = ("import_statement", "expression_statement", "lexical_declaration", "variable_declaration")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written.

    Attributes:
        quote: around strings. end: of a statement, ``;`` or nothing. indent: one step. newline: at the end of lines.
    """

    quote: str
    end: str
    indent: str
    newline: str


@dataclass(frozen=True, slots=True)
class Script:
    """One script.

    Attributes:
        path: of its file. text: of the whole file. base: where the script begins in it. root: of its tree.
        style: of the file.
    """

    path: str
    text: str
    base: int
    root: Node
    style: Style
    _data: bytes = field(repr=False)
    _lines: tuple[int, ...] = field(repr=False)

    def offset(self, line: int, column: int) -> int:
        """Of a place in the file, in characters."""
        return self._lines[line - 1] + column - 1

    def node(self, place: Place) -> Node | None:
        """The smallest node that covers a place; None if it lies outside of the script."""
        start, end = (self.offset(place.line, place.column), self.offset(place.end_line, place.end_column))
        low, high = self._byte(start), self._byte(end)
        if low < 0 or high > len(self._data):
            return None
        return self.root.named_descendant_for_byte_range(low, max(low, high))

    def span(self, node: Node) -> tuple[int, int]:
        """Where a node begins and ends in the file, in characters."""
        return self._char(node.start_byte), self._char(node.end_byte)

    def source(self, node: Node) -> str:
        """A node as it is written."""
        return self._data[node.start_byte : node.end_byte].decode()

    def indent_of(self, offset: int) -> str:
        """The white space that the line of a place begins with."""
        first = self._lines[bisect_right(self._lines, offset) - 1]
        return re.match(r"[ \t]*", self.text[first:])[0]  # type: ignore[index]  # it always matches

    def _byte(self, offset: int) -> int:
        return len(self.text[self.base : offset].encode()) if offset >= self.base else -1

    def _char(self, position: int) -> int:
        return self.base + len(self._data[:position].decode())


def open_script(path: str, text: str, at: Place) -> Script | None:
    """The script of a file that holds a place; None if there is none, or it cannot be read without mistakes there."""
    if not path.endswith(SCRIPTS):
        return None
    lines = tuple(_line_starts(text))
    if at.line > len(lines):
        return None
    blocks = _BLOCK.finditer(text) if path.endswith(_WITH_BLOCKS) else ()
    spans = [found.span(1) for found in blocks] if path.endswith(_WITH_BLOCKS) else [(0, len(text))]
    here = lines[at.line - 1] + at.column - 1
    for start, end in spans:
        if start <= here <= end:
            data = text[start:end].encode()
            root = _parser(path.endswith((*_PLAIN, *_WITH_BLOCKS))).parse(data).root_node
            return Script(path, text, start, root, _style(root, data), data, lines)
    return None


@cache
def _parser(plain: bool) -> Parser:
    typescript = tree_sitter_typescript
    return Parser(Language(typescript.language_typescript() if plain else typescript.language_tsx()))


def _line_starts(text: str) -> Iterator[int]:
    yield 0
    for found in re.finditer("\n", text):
        yield found.end()


def _style(root: Node, data: bytes) -> Style:
    """What most of a script does."""
    text = data.decode()
    singles, doubles = len(re.findall(r"'[^'\n]*'", text)), len(re.findall(r'"[^"\n]*"', text))
    statements = [node for node in root.named_children if node.type in _STATEMENTS]
    ends = sum(data[node.start_byte : node.end_byte].endswith(b";") for node in statements)
    steps = [found[0] for line in text.splitlines() if (found := re.match(r"( +|\t)(?=\S)", line))]
    tabs = steps.count("\t")
    spaces = min((len(step) for step in steps if step[0] == " "), default=2)
    step = "\t" if tabs * 2 > len(steps) else " " * (spaces if spaces in (2, 4, 8) else 2)
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    return Style('"' if doubles > singles else "'", ";" if ends * 2 > len(statements) else "", step, newline)
