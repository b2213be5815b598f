"""Python: supabase-py and realtime-py.

Source of the calls: https://supabase.com/docs/reference/python/subscribe and the library's `channel.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node

from helpers.review.code.chained.chains import Argument, Bound, Chain, Link, Source, text, walk
from helpers.review.inventory import Scope, Text

__all__ = ["PythonSource"]

_CHAINED = frozenset({"call", "attribute"})
_AROUND = frozenset({"await", "parenthesized_expression"})
_PRESENCE = {"on_presence_sync": "sync", "on_presence_join": "join", "on_presence_leave": "leave"}
_RANGE = re.compile(r"range\(\s*(\d[\d_]*)\s*\)$")


class PythonSource(Source):
    """A file of Python."""

    language = "python"
    grammar = Language(tree_sitter_python.language())
    functions = frozenset({"function_definition", "lambda"})
    cleanups = frozenset({"finally_clause"})
    endings = frozenset({"close", "aclose", "stop", "shutdown", "__aexit__", "__exit__", "cleanup"})
    imports = re.compile(r"^\s*(?:from|import)\s+(?:supabase|realtime)\b", re.MULTILINE)
    hole = re.compile(r"(?<!\{)\{([^{}!:]+)(?:![rsa])?(?::[^{}]*)?\}(?!\})")
    constant = re.compile(r"^\s*([A-Za-z_]\w*)\s*(?::[^=\n]+)?=\s*[\"']([^\"'{}\n]*)[\"']\s*(?:#.*)?$", re.MULTILINE)

    def has_holes(self, prefix: str) -> bool:
        return "f" in prefix.lower()

    def chains(self) -> Iterator[Chain]:
        for node in walk(self.root):
            if node.type in _CHAINED and not _continues(node):
                yield _unrolled(node)

    def holder(self, chain: Chain) -> str:
        node = chain.node
        while node.parent is not None and node.parent.type in _AROUND:
            node = node.parent
        parent = node.parent
        if parent is not None and parent.type == "assignment" and parent.child_by_field_name("right") == node:
            return text(parent.child_by_field_name("left"))
        return ""

    def bound(self, link: Link) -> Bound | None:
        if link.name == "on_postgres_changes":
            return Bound(
                "postgres_changes",
                self._event(link.given("event", 0)),
                self.optional(link.given("schema", 3)),
                self.optional(link.given("table", 2)),
                self.optional(link.given("filter", 4)),
                link.given("callback", 1),
            )
        if link.name == "on_broadcast":
            return Bound("broadcast", self.value(link.given("event", 0)), handler=link.given("callback", 1))
        if link.name in _PRESENCE:
            return Bound("presence", Text(_PRESENCE[link.name]), handler=link.given("callback", 0))
        if link.name == "on_system":
            return Bound("system", Text("*"), handler=link.given("callback", 0))
        return None

    def _event(self, node: Node | None) -> Text:
        """A text, or a member of the library's enum: ``RealtimePostgresChangesListenEvent.Insert``."""
        found = re.fullmatch(r"\w*ListenEvent\.(\w+)(?:\.value)?", text(node))
        if found is not None:
            return Text({"all": "*"}.get(found[1].lower(), found[1].upper()))
        return self.value(node)

    def scope(self, node: Node) -> Scope | None:
        name = text(node.child_by_field_name("name"))
        if node.type == "class_definition":
            return Scope("class", name, self.place(node))
        if node.type == "function_definition":
            inner = node.parent.parent if node.parent is not None else None
            return Scope("method" if inner and inner.type == "class_definition" else "function", name, self.place(node))
        if node.type == "for_statement":
            over = text(node.child_by_field_name("right"))
            return Scope("loop", over, self.place(node), self._times(over))
        if node.type in ("list_comprehension", "generator_expression"):
            clause = next((each for each in node.named_children if each.type == "for_in_clause"), None)
            over = text(clause.child_by_field_name("right")) if clause is not None else ""
            return Scope("loop", over, self.place(node), self._times(over))
        return None

    def _times(self, over: str) -> int | None:
        found = _RANGE.match(over)
        if found is not None:
            return int(found[1])
        named = re.fullmatch(r"range\(\s*([A-Za-z_]\w*)\s*\)", over)
        number = named and re.search(
            rf"^{named[1]}\s*(?::[^=\n]+)?=\s*(\d[\d_]*)\s*(?:#.*)?$", self.content, re.MULTILINE
        )
        return int(number[1]) if number else None


def _continues(node: Node) -> bool:
    """Whether a longer chain has this one as its beginning."""
    while node.parent is not None and node.parent.type in _AROUND:
        node = node.parent
    parent = node.parent
    return parent is not None and (
        (parent.type == "attribute" and parent.child_by_field_name("object") == node)
        or (parent.type == "call" and parent.child_by_field_name("function") == node)
    )


def _unrolled(whole: Node) -> Chain:
    links: list[Link] = []
    node: Node | None = whole
    arguments: tuple[Argument, ...] | None = None
    end = whole
    while node is not None:
        if node.type == "call":
            arguments, end = tuple(_arguments(node.child_by_field_name("arguments"))), node
            node = node.child_by_field_name("function")
        elif node.type == "attribute":
            name = node.child_by_field_name("attribute")
            if name is not None:
                links.append(Link(text(name), name, end if arguments is not None else node, arguments))
            arguments, node = None, node.child_by_field_name("object")
        elif node.type in _AROUND and node.named_children:
            node = node.named_children[0]
        else:
            break
    base = text(node)
    if arguments is not None and node is not None:
        links.append(Link(base, node, end, arguments))
        base = ""
    return Chain(base, tuple(reversed(links)), whole)


def _arguments(listed: Node | None) -> Iterator[Argument]:
    for each in listed.named_children if listed is not None else ():
        if each.type == "keyword_argument":
            value = each.child_by_field_name("value")
            if value is not None:
                yield Argument(text(each.child_by_field_name("name")), value)
        elif each.type != "comment":
            yield Argument("", each)
