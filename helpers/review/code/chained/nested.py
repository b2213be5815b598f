"""Languages in whose trees the beginning of a chain stands within its end: Swift and Kotlin."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.chained.chains import Argument, Chain, Link, Source, text, walk
from helpers.review.inventory import Hole, Text

__all__ = ["NestedSource", "condition"]


class NestedSource(Source):
    """A file whose chains are calls and members within each other."""

    #: Around an expression without changing its value.
    wrappers: frozenset[str] = frozenset()

    @abstractmethod
    def member(self, node: Node) -> tuple[Node, Node] | None:
        """Of ``object.name`` the object and the name."""

    @abstractmethod
    def called(self, node: Node) -> tuple[Node, tuple[Argument, ...], Node | None, str]:
        """Of a call what is called, its arguments, the block behind it and its type arguments."""

    def chains(self) -> Iterator[Chain]:
        for node in walk(self.root):
            if node.type in ("call_expression", "navigation_expression") and not self._continues(node):
                yield self._unrolled(node)

    def outermost(self, node: Node) -> Node:
        while node.parent is not None and node.parent.type in self.wrappers:
            node = node.parent
        return node

    def _continues(self, node: Node) -> bool:
        node = self.outermost(node)
        parent = node.parent
        if parent is None or parent.type not in ("call_expression", "navigation_expression"):
            return False
        return parent.named_children[0] == node

    def _unrolled(self, whole: Node) -> Chain:
        links: list[Link] = []
        node, end, types = whole, whole, ""
        arguments: tuple[Argument, ...] | None = None
        closure: Node | None = None
        while True:
            if node.type == "call_expression":
                end = node if arguments is None else end
                inner, given, block, made = self.called(node)
                arguments, closure, types = (*given, *(arguments or ())), closure or block, types or made
                node = inner
            elif node.type == "navigation_expression" and (parts := self.member(node)) is not None:
                last = end if arguments is not None else node
                links.append(Link(text(parts[1]), parts[1], last, arguments, types, closure))
                arguments, closure, types, node = None, None, "", parts[0]
            elif node.type in self.wrappers and node.named_children:
                node = node.named_children[-1]
            else:
                break
        base = text(node)
        if arguments is not None:
            links.append(Link(base, node, end, arguments, types, closure))
            base = ""
        return Chain(base, tuple(reversed(links)), whole)


def condition(column: str, operator: str, value: Text) -> Text:
    """A filter as the server is sent it."""
    start = f"{column}={operator}."
    if value.exact:
        return Text(start + value.value)
    return Text(f"{start}{value.value}" if value.value != "?" else f"{start}{{?}}", False, (start, *_holes(value)))


def _holes(value: Text) -> tuple[str | Hole, ...]:
    return value.parts or (Hole(re.sub(r"[{}]", "", value.value)),)
