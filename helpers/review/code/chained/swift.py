"""Swift: supabase-swift.

Source of the calls: https://supabase.com/docs/reference/swift/subscribe
"""

from __future__ import annotations

import re

import tree_sitter_swift
from tree_sitter import Language, Node

from helpers.review.code.chained.chains import Argument, Bound, Chain, Link, ancestors, text
from helpers.review.code.chained.nested import NestedSource, condition
from helpers.review.inventory import Scope, Text

__all__ = ["SwiftSource"]

_EVENTS = {"AnyAction": "*", "InsertAction": "INSERT", "UpdateAction": "UPDATE", "DeleteAction": "DELETE"}
_FILTER = re.compile(r"(?:RealtimePostgresFilter)?\.(\w+)\(\s*\"(\w+)\"\s*,\s*values?:\s*(.+)\)$", re.DOTALL)
_BROADCAST = frozenset({"broadcastStream", "broadcast", "onBroadcast"})
_PRESENCE = frozenset({"presenceChange", "onPresenceChange"})


class SwiftSource(NestedSource):
    """A file of Swift."""

    language = "swift"
    grammar = Language(tree_sitter_swift.language())
    functions = frozenset({"function_declaration", "lambda_literal", "deinit_declaration", "init_declaration"})
    cleanups = frozenset({"deinit_declaration", "defer_statement"})
    endings = frozenset({"stop", "disconnect", "cleanup", "onDisappear", "close"})
    wrappers = frozenset({"await_expression", "try_expression"})
    hole = re.compile(r"\\\(((?:[^()]|\([^()]*\))*)\)")
    constant = re.compile(r"\blet\s+([A-Za-z_]\w*)\s*(?::\s*String\s*)?=\s*\"([^\"\\\n]*)\"\s*$", re.MULTILINE)

    def is_text(self, node: Node) -> bool:
        return node.type in ("line_string_literal", "multi_line_string_literal")

    def member(self, node: Node) -> tuple[Node, Node] | None:
        target, suffix = node.child_by_field_name("target"), node.child_by_field_name("suffix")
        name = suffix.child_by_field_name("suffix") if suffix is not None else None
        return (target, name) if target is not None and name is not None else None

    def called(self, node: Node) -> tuple[Node, tuple[Argument, ...], Node | None, str]:
        suffix = next((each for each in node.named_children if each.type == "call_suffix"), None)
        inner = suffix.named_children if suffix is not None else []
        listed = next((each for each in inner if each.type == "value_arguments"), None)
        closure = next((each for each in inner if each.type == "lambda_literal"), None)
        return node.named_children[0], tuple(_arguments(listed)), closure, ""

    def holder(self, chain: Chain) -> str:
        node = self.outermost(chain.node)
        parent = node.parent
        if parent is not None and parent.type == "property_declaration":
            return text(parent.child_by_field_name("name"))
        if parent is not None and parent.type == "assignment" and parent.child_by_field_name("result") == node:
            return text(parent.child_by_field_name("target"))
        return ""

    def bound(self, link: Link) -> Bound | None:
        if link.name in ("postgresChange", "onPostgresChange") and link.arguments is not None:
            event = _EVENTS.get(text(link.at(0)).partition(".")[0])
            return Bound(
                "postgres_changes",
                Text(event) if event else self.value(None),
                self.optional(link.named("schema")) or Text("public"),
                self.optional(link.named("table")),
                self._filter(link.named("filter")),
                link.named("callback") or link.closure,
            )
        if link.name in _BROADCAST and link.arguments and link.named("message") is None:
            event_node = link.named("event")
            return Bound("broadcast", self.value(event_node), handler=link.closure) if event_node is not None else None
        if link.name in _PRESENCE and link.arguments is not None:
            return Bound("presence", Text("sync"), handler=link.closure)
        return None

    def _filter(self, node: Node | None) -> Text | None:
        found = _FILTER.match(text(node))
        return condition(found[2], found[1], self.spelled(found[3].strip())) if found else self.optional(node)

    def scope(self, node: Node) -> Scope | None:
        if node.type == "class_declaration":
            return Scope("class", text(node.child_by_field_name("name")), self.place(node))
        if node.type == "function_declaration":
            method = any(each.type == "class_declaration" for each in ancestors(node))
            return Scope("method" if method else "function", self.function_name(node), self.place(node))
        if node.type == "for_statement":
            return Scope("loop", text(node.child_by_field_name("collection")), self.place(node))
        return None


def _arguments(listed: Node | None) -> list[Argument]:
    found = []
    for each in listed.named_children if listed is not None else ():
        value = each.child_by_field_name("value")
        if each.type == "value_argument" and value is not None:
            found.append(Argument(text(each.child_by_field_name("name")), value))
    return found
