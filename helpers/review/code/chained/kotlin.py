"""Kotlin: supabase-kt.

Source of the calls: https://supabase.com/docs/reference/kotlin/subscribe and
https://supabase-community.github.io/supabase-kt/realtime-kt/io.github.jan.supabase.realtime/postgres-change-flow.html
"""

from __future__ import annotations

import re

import tree_sitter_kotlin
from tree_sitter import Language, Node

from helpers.review.code.chained.chains import Argument, Bound, Chain, Link, ancestors, text, walk
from helpers.review.code.chained.nested import NestedSource, condition
from helpers.review.inventory import Scope, Text

__all__ = ["KotlinSource"]

_EVENT = re.compile(r"\bPostgresAction(?:\.(Insert|Update|Delete|Select))?\b")
_OPERATION = re.compile(
    r"filter\s*\(\s*(?:FilterOperation\s*\(\s*)?\"(\w+)\"\s*,\s*FilterOperator\.(\w+)\s*,\s*([^()]+?)\s*\)"
)
_LISTS = frozenset({"postgresListDataFlow", "postgresSingleDataFlow"})
_PRESENCE = frozenset({"presenceChangeFlow", "presenceDataFlow"})


class KotlinSource(NestedSource):
    """A file of Kotlin."""

    language = "kotlin"
    grammar = Language(tree_sitter_kotlin.language())
    functions = frozenset({"function_declaration", "lambda_literal"})
    cleanups = frozenset({"finally_block"})
    endings = frozenset({"onCleared", "onDestroy", "onStop", "close", "stop", "dispose"})
    hole = re.compile(r"(?<!\\)\$(?:\{([^{}]*)\}|([A-Za-z_]\w*))")
    constant = re.compile(r"\bval\s+([A-Za-z_]\w*)\s*(?::\s*String\s*)?=\s*\"([^\"$\n]*)\"\s*$", re.MULTILINE)

    def is_text(self, node: Node) -> bool:
        return node.type in ("string_literal", "multiline_string_literal")

    def member(self, node: Node) -> tuple[Node, Node] | None:
        inner = node.named_children
        return (inner[0], inner[-1]) if len(inner) > 1 else None

    def called(self, node: Node) -> tuple[Node, tuple[Argument, ...], Node | None, str]:
        inner = node.named_children
        listed = next((each for each in inner if each.type == "value_arguments"), None)
        closure = next((each for each in inner[1:] if each.type == "annotated_lambda"), None)
        types = next((text(each) for each in inner if each.type == "type_arguments"), "")
        return inner[0], tuple(_arguments(listed)), closure, types

    def holder(self, chain: Chain) -> str:
        parent = chain.node.parent
        if parent is not None and parent.type == "property_declaration":
            declared = next((each for each in parent.named_children if each.type == "variable_declaration"), None)
            return text(declared.named_children[0]) if declared is not None and declared.named_children else ""
        if parent is not None and parent.type == "assignment" and parent.child_by_field_name("right") == chain.node:
            return text(parent.child_by_field_name("left"))
        return ""

    def bound(self, link: Link) -> Bound | None:
        if link.arguments is None:
            return None
        if link.name == "postgresChangeFlow":
            return self._changes(link)
        if link.name in _LISTS:
            schema, table = self.optional(link.named("schema")), self.optional(link.named("table"))
            return Bound("postgres_changes", Text("*"), schema or Text("public"), table)
        if link.name == "broadcastFlow":
            return Bound("broadcast", self.value(link.given("event", 0)))
        if link.name in _PRESENCE:
            return Bound("presence", Text("sync"))
        return None

    def _changes(self, link: Link) -> Bound:
        """``postgresChangeFlow<PostgresAction.Insert>(schema = "public") { table = …; filter(…) }``."""
        event = _EVENT.search(link.types)
        settings = {
            text(each.child_by_field_name("left")): each.child_by_field_name("right")
            for each in (walk(link.closure) if link.closure is not None else ())
            if each.type == "assignment"
        }
        operation = _OPERATION.search(text(link.closure))
        wanted = self.optional(settings.get("filter"))
        if operation is not None:
            wanted = condition(operation[1], operation[2].lower(), self.spelled(operation[3]))
        return Bound(
            "postgres_changes",
            Text((event[1] or "*").upper()) if event else self.value(None),
            self.optional(link.given("schema", 0)),
            self.optional(settings.get("table")),
            wanted,
        )

    def scope(self, node: Node) -> Scope | None:
        name = text(node.child_by_field_name("name"))
        if node.type in ("class_declaration", "object_declaration"):
            return Scope("class", name, self.place(node))
        if node.type == "function_declaration":
            method = any(each.type == "class_declaration" for each in ancestors(node))
            return Scope("method" if method else "function", name, self.place(node))
        if node.type == "for_statement" and len(node.named_children) > 1:
            return Scope("loop", text(node.named_children[1]), self.place(node))
        return None


def _arguments(listed: Node | None) -> list[Argument]:
    found = []
    for each in listed.named_children if listed is not None else ():
        inner = each.named_children
        if each.type == "value_argument" and inner:
            named = len(inner) > 1 and any(child.type == "=" for child in each.children)
            found.append(Argument(text(inner[0]) if named else "", inner[-1]))
    return found
