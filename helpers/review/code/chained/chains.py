"""Chains of calls as all four languages have them, and what a language has to say about its trees."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Language, Node, Parser

from helpers.review.inventory import Effect, Hole, Scope, Text, Where
from helpers.review.source import Place

__all__ = [
    "Argument",
    "Bound",
    "Chain",
    "Link",
    "Source",
    "ancestors",
    "text",
    "walk",
]


def text(node: Node | None) -> str:
    """The node's source."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


def walk(node: Node) -> Iterator[Node]:
    """The node and all named nodes below, in the order of the source."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(current.named_children))


def ancestors(node: Node) -> Iterator[Node]:
    around = node.parent
    while around is not None:
        yield around
        around = around.parent


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `name` is empty if it stands by its position."""

    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain: ``.name`` or ``.name(…)``.

    Attributes:
        node: of the name; end: the last node that belongs to it.
        arguments: None of a mere property.
        types: the type arguments, as written.
        closure: a block after the parentheses.
    """

    name: str
    node: Node
    end: Node
    arguments: tuple[Argument, ...] | None = None
    types: str = ""
    closure: Node | None = None

    def named(self, name: str) -> Node | None:
        return next((each.node for each in self.arguments or () if each.name == name), None)

    def at(self, position: int) -> Node | None:
        """The argument at a position among those without names."""
        given = [each.node for each in self.arguments or () if not each.name]
        return given[position] if position < len(given) else None

    def given(self, name: str, position: int) -> Node | None:
        return self.named(name) or self.at(position)


@dataclass(frozen=True, slots=True)
class Chain:
    """``base.link.link(…)``, as long as it is in the source. `node` is the whole, or the part that stands for it."""

    base: str
    links: tuple[Link, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class Bound:
    """What a link listens to, before its handler is read."""

    kind: str
    event: Text
    schema: Text | None = None
    table: Text | None = None
    filter: Text | None = None
    handler: Node | None = None


#: One text, and not several that are put together.
_WHOLE_TEXT = re.compile(r"[a-zA-Z]{0,2}(\"\"\"|'''|\"|')(?:(?!\1).)*\1", re.DOTALL)


def _joined(texts: list[Text]) -> Text:
    """Texts that are put together by ``+``."""
    parts = tuple(part for each in texts for part in (each.parts or (each.value,)))
    value = "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in parts)
    exact = all(each.exact for each in texts)
    return Text(value, exact, () if exact else parts)


class Source(ABC):
    """One file of one of the languages.

    Attributes:
        language: as the inventory calls it.
        functions, cleanups: types of nodes that are functions, and those that run at the end whatever happens.
        endings: names of functions that run when the thing around them goes.
    """

    language: str
    grammar: Language
    functions: frozenset[str]
    cleanups: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()
    #: By which a file shows that it uses the library itself.
    imports: re.Pattern[str] = re.compile(r"supabase", re.IGNORECASE)
    #: What is computed within a text; the first group that is not empty says what.
    hole: re.Pattern[str]
    #: A name that is bound to a text: its groups are the name and the text.
    constant: re.Pattern[str]

    def __init__(self, path: str, content: str) -> None:
        self.path = path
        self.content = content
        self.source = content.encode("utf-8", "replace")
        self.root = Parser(self.grammar).parse(self.source).root_node
        self._lines = self.source.split(b"\n")

    @abstractmethod
    def chains(self) -> Iterator[Chain]:
        """All chains, outer ones before those in their arguments."""

    @abstractmethod
    def holder(self, chain: Chain) -> str:
        """The name that is bound to the chain's value; empty without one."""

    @abstractmethod
    def bound(self, link: Link) -> Bound | None:
        """What a call listens to; None if it is another call."""

    @abstractmethod
    def scope(self, node: Node) -> Scope | None:
        """What a node around some code is to it."""

    def is_text(self, node: Node) -> bool:
        return "string" in node.type

    def place(self, node: Node, end: Node | None = None) -> Place:
        first, last = node.start_point, (end or node).end_point
        columns = (self._column(first.row, first.column), self._column(last.row, last.column))
        return Place(self.path, first.row + 1, columns[0], last.row + 1, columns[1])

    def _column(self, row: int, column: int) -> int:
        return len(self._lines[row][:column].decode("utf-8", "replace")) + 1

    @cached_property
    def constants(self) -> dict[str, str]:
        """Texts without holes that names are bound to once."""
        found: dict[str, list[str]] = {}
        for name, value in self.constant.findall(self.content):
            found.setdefault(name, []).append(value)
        return {name: values[0] for name, values in found.items() if len(values) == 1}

    def value(self, node: Node | None) -> Text:
        """What an expression comes to."""
        if node is None:
            return Text("?", False, (Hole("?"),))
        written = text(node)
        return self._template(written) if self.is_text(node) else self.spelled(written)

    def spelled(self, written: str) -> Text:
        """What an expression comes to that the tree has no node for."""
        if _WHOLE_TEXT.fullmatch(written):
            return self._template(written)
        pieces = re.split(r"\s+\+\s+", written)
        if len(pieces) > 1 and any(_WHOLE_TEXT.fullmatch(piece) for piece in pieces):
            return _joined([self.spelled(piece) for piece in pieces])
        last = written.rpartition(".")[2]
        if last in self.constants:
            return Text(self.constants[last])
        name = written if re.fullmatch(r"[\w.?!]+", written) else "?"
        return Text(f"{{{name}}}" if name != "?" else "?", False, (Hole(name),))

    def optional(self, node: Node | None) -> Text | None:
        return self.value(node) if node is not None else None

    def _template(self, written: str) -> Text:
        prefix = re.match(r"[a-zA-Z]*", written)
        body = written[prefix.end() if prefix else 0 :]
        quote = next((each for each in ('"""', "'''", '"', "'") if body.startswith(each)), "")
        body = body[len(quote) : len(body) - len(quote)]
        parts = tuple(self._pieces(body, written[: prefix.end()] if prefix else ""))
        if all(isinstance(part, str) for part in parts):
            return Text("".join(map(str, parts)))
        shown = "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in parts)
        return Text(shown, False, parts)

    def _pieces(self, body: str, prefix: str) -> Iterator[str | Hole]:
        position = 0
        for found in self.hole.finditer(body) if self.has_holes(prefix) else ():
            if found.start() > position:
                yield body[position : found.start()]
            name = next((group for group in found.groups() if group), "?").strip()
            yield self.constants.get(name) or Hole(name if re.fullmatch(r"[\w.?!]+", name) else "?")
            position = found.end()
        if position < len(body):
            yield body[position:]

    def has_holes(self, prefix: str) -> bool:
        return True

    def where(self, node: Node) -> Where:
        scopes = [scope for each in ancestors(node) if (scope := self.scope(each)) is not None]
        module = Scope("module", "", self.place(self.root))
        return Where((module, *reversed(scopes)))

    def function(self, node: Node) -> Node:
        """The function around a node, or the file."""
        return next((each for each in ancestors(node) if each.type in self.functions), self.root)

    def function_name(self, function: Node) -> str:
        return text(function.child_by_field_name("name"))

    def function_of(self, node: Node | None) -> Node | None:
        """The function that an argument is, or names."""
        if node is None:
            return None
        if any(each.type in self.functions for each in (node, *node.named_children[:1])):
            return node
        name = text(node).rpartition(".")[2]
        return next((each for each in self._declared if self.function_name(each) == name), None)

    @cached_property
    def _declared(self) -> list[Node]:
        return [each for each in walk(self.root) if each.type in self.functions]

    def parameters(self, function: Node) -> Node | None:
        """The node around a function's parameters."""
        return function.child_by_field_name("parameters")

    def effect(self, node: Node) -> Effect | None:
        """What runs when a part of the screen appears, if the node stands in such."""
        return None

    def streamed(self, chain: Chain) -> tuple[Link, Bound] | None:
        """Changes that a chain listens to without a channel of the code's own."""
        return None

    def in_cleanup(self, node: Node) -> bool:
        around = list(ancestors(node))
        names = {self.function_name(each) for each in around if each.type in self.functions}
        return any(each.type in self.cleanups for each in around) or not names.isdisjoint(self.endings)
