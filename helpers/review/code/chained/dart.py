"""Dart: supabase_flutter and realtime_client.

Source of the calls: https://supabase.com/docs/reference/dart/subscribe and
https://pub.dev/documentation/realtime_client/latest/realtime_client/RealtimeChannel-class.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_dart
from tree_sitter import Language, Node

from helpers.review.code.chained.chains import Argument, Bound, Chain, Link, Source, ancestors, text, walk
from helpers.review.inventory import Effect, Hole, Scope, ScopeKind, Text

__all__ = ["DartSource"]

_SELECTORS = frozenset({"selector", "cascade_section"})
_EVENTS = {"all": "*", "insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}
_PRESENCE = {"onPresenceSync": "sync", "onPresenceJoin": "join", "onPresenceLeave": "leave"}
#: Of PostgresChangeFilterType, what a filter calls them.
_OPERATORS = {"inFilter": "in"}
_CONDITIONS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "inFilter"})
_LOOPS = frozenset({"for_statement", "for_element"})


class DartSource(Source):
    """A file of Dart."""

    language = "dart"
    grammar = Language(tree_sitter_dart.language())
    functions = frozenset({"function_expression", "function_body"})
    endings = frozenset({"dispose", "close", "deactivate"})
    hole = re.compile(r"(?<!\\)\$(?:\{([^{}]*)\}|([A-Za-z_]\w*))")
    constant = re.compile(r"\b([A-Za-z_]\w*)\s*=\s*['\"]([^'\"$\n]*)['\"]\s*;")

    def has_holes(self, prefix: str) -> bool:
        return prefix != "r"

    def is_text(self, node: Node) -> bool:
        return node.type == "string_literal"

    def chains(self) -> Iterator[Chain]:
        for node in walk(self.root):
            children = node.named_children
            for at, child in enumerate(children):
                following = at + 1 < len(children) and children[at + 1].type in _SELECTORS
                if following and child.type not in _SELECTORS:
                    yield _chain(children[at:])

    def holder(self, chain: Chain) -> str:
        for around in ancestors(chain.node):
            if around.type in ("initialized_variable_definition", "initialized_identifier", "static_final_declaration"):
                return text(around.child_by_field_name("name") or around.named_children[0])
            if around.type == "assignment_expression":
                return text(around.named_children[0])
            if around.type in ("arguments", "block") or "statement" in around.type or "declaration" in around.type:
                return ""
        return ""

    def bound(self, link: Link) -> Bound | None:
        if link.name == "onPostgresChanges":
            return Bound(
                "postgres_changes",
                self._event(link.named("event")),
                self.optional(link.named("schema")),
                self.optional(link.named("table")),
                self._filter(link.named("filter")),
                link.named("callback"),
            )
        if link.name == "onBroadcast":
            return Bound("broadcast", self.value(link.named("event")), handler=link.named("callback"))
        if link.name == "on" and text(link.at(0)) == "RealtimeListenTypes.postgresChanges":
            return self._first_version(link)
        if link.name in _PRESENCE:
            return Bound("presence", Text(_PRESENCE[link.name]), handler=link.at(0))
        return None

    def _first_version(self, link: Link) -> Bound:
        """``on(RealtimeListenTypes.postgresChanges, ChannelFilter(event: '*', …), callback)``, as it was until 2.0."""
        given = {_label(each): each for each in walk(link.at(1) or self.root) if each.type == "named_argument"}
        schema, table, wanted = (self.optional(given.get(name)) for name in ("schema", "table", "filter"))
        return Bound("postgres_changes", self.value(given.get("event")), schema, table, wanted, link.at(2))

    def _event(self, node: Node | None) -> Text:
        found = re.search(r"\bPostgresChangeEvent\.(\w+)$", text(node))
        return Text(_EVENTS[found[1]]) if found and found[1] in _EVENTS else self.value(node)

    def _filter(self, node: Node | None) -> Text | None:
        """``PostgresChangeFilter(type: …, column: …, value: …)`` as the server is sent it."""
        if node is None:
            return None
        given = {_label(each): each.named_children[1:] for each in walk(node) if each.type == "named_argument"}
        kind = re.search(r"PostgresChangeFilterType\.(\w+)", text(node))
        column, value = (self.value(given[name][0]) if given.get(name) else None for name in ("column", "value"))
        if kind is None or column is None or value is None or not column.exact:
            return self.value(node)
        start = f"{column.value}.{_OPERATORS.get(kind[1], kind[1])}.".replace(".", "=", 1)
        written = " ".join(text(each) for each in given["value"]).replace(" ", "")
        if not value.exact or len(given["value"]) > 1:
            name = written if re.fullmatch(r"[\w.?!]+", written) else "?"
            return Text(f"{start}{{{name}}}", False, (start, Hole(name)))
        return Text(start + value.value)

    def value(self, node: Node | None) -> Text:
        if node is not None and node.type in ("named_argument", "argument"):
            return self.spelled(_written(node))
        if node is not None and re.fullmatch(r"-?\d+|true|false", text(node)):
            return Text(text(node))
        return super().value(node)

    def scope(self, node: Node) -> Scope | None:
        if node.type == "class_definition":
            return Scope("class", text(node.child_by_field_name("name")), self.place(node))
        if node.type in _LOOPS:
            return Scope("loop", _looped(text(node)), self.place(node))
        if node.type == "function_body":
            name = self.function_name(node)
            in_class = node.parent is not None and node.parent.type == "class_body"
            kind: ScopeKind = "effect" if name == "initState" else "method" if in_class else "function"
            return Scope(kind, name, self.place(node))
        return None

    def effect(self, node: Node) -> Effect | None:
        for around in ancestors(node):
            if around.type == "function_body":
                if self.function_name(around) != "initState":
                    return None
                siblings = around.parent.named_children if around.parent is not None else []
                disposes = any(self.function_name(each) == "dispose" for each in siblings)
                return Effect(self.place(around), (), disposes, "initState")
        return None

    def streamed(self, chain: Chain) -> tuple[Link, Bound] | None:
        """``from('messages').stream(primaryKey: ['id']).eq('room_id', room)``: the first condition is the filter."""
        names = [link.name for link in chain.links]
        if "stream" not in names or "from" not in names[: names.index("stream")]:
            return None
        at = names.index("stream")
        link, table = chain.links[at], chain.links[names.index("from")]
        if link.named("primaryKey") is None:
            return None
        following = next((each for each in chain.links[at + 1 :] if each.name in _CONDITIONS), None)
        wanted = self._condition(following) if following is not None else None
        return link, Bound("postgres_changes", Text("*"), Text("public"), self.value(table.at(0)), wanted)

    def _condition(self, link: Link) -> Text:
        start = f"{self.value(link.at(0)).value}={_OPERATORS.get(link.name, link.name)}."
        value = self.value(link.at(1))
        return Text(start + value.value, value.exact, () if value.exact else (start, *value.parts))

    def function_name(self, function: Node) -> str:
        signature = self._signature(function)
        return text(signature.child_by_field_name("name")) if signature is not None else ""

    def parameters(self, function: Node) -> Node | None:
        if function.type == "function_body":
            signature = self._signature(function)
            around = walk(signature) if signature is not None else ()
            return next((each for each in around if each.type == "formal_parameter_list"), None)
        return super().parameters(function)

    def _signature(self, function: Node) -> Node | None:
        """A function's head stands before its body, and not around it."""
        head = function.prev_named_sibling if function.type == "function_body" else None
        return next((each for each in walk(head) if each.type == "function_signature"), None) if head else None


def _written(argument: Node) -> str:
    return re.sub(r"^\w+\s*:\s*", "", text(argument)) if argument.type == "named_argument" else text(argument)


def _label(argument: Node) -> str:
    return text(argument.named_children[0]).rstrip(":") if argument.named_children else ""


def _looped(written: str) -> str:
    found = re.search(r"\bin\s+([\w.()?!]+?)\)", written)
    return found[1].strip() if found else ""


def _chain(nodes: list[Node]) -> Chain:
    """A value and the selectors behind it."""
    base, links = text(nodes[0]), []
    for node in nodes[1:]:
        if node.type not in _SELECTORS:
            break
        name = _name(node)
        listed = next((each for each in node.named_children if each.type == "argument_part"), None)
        if name is not None:
            links.append(Link(text(name), name, node))
        if listed is not None and links:
            last = links.pop()
            links.append(Link(last.name, last.node, node, tuple(_arguments(listed))))
        elif listed is not None:
            links.append(Link(base, nodes[0], node, tuple(_arguments(listed))))
            base = ""
    return Chain(base, tuple(links), nodes[0])


def _name(selector: Node) -> Node | None:
    for each in walk(selector):
        if each.type == "argument_part":
            return None
        if each.type == "identifier":
            return each
        if each.type == "index_selector":
            return None
    return None


def _arguments(listed: Node) -> Iterator[Argument]:
    """Of a value with selectors behind it the whole argument, as the tree has no node for the value alone."""
    arguments = next((each for each in listed.named_children if each.type == "arguments"), listed)
    for each in arguments.named_children:
        inner = each.named_children
        if each.type == "named_argument" and len(inner) > 1:
            yield Argument(_label(each), inner[1] if len(inner) == 2 else each)
        elif each.type == "argument" and inner:
            yield Argument("", inner[0] if len(inner) == 1 else each)
