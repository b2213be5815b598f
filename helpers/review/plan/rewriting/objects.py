"""Edits of an object literal: what an options object says."""

from __future__ import annotations

from tree_sitter import Node

from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.scripts import Script

__all__ = ["object_at", "property_of", "set_property"]


def object_at(node: Node | None) -> Node | None:
    """The object literal that a node is, casts and parentheses taken off."""
    while node is not None and node.type in ("parenthesized_expression", "as_expression", "satisfies_expression"):
        node = node.named_children[0] if node.named_children else None
    return node if node is not None and node.type == "object" else None


def property_of(script: Script, literal: Node, name: str) -> Node | None:
    """The pair of a property; None if the object has none of that name."""
    for child in literal.named_children:
        if child.type == "pair" and (key := child.child_by_field_name("key")) is not None:
            if script.source(key).strip("'\"") == name:
                return child
        elif child.type == "shorthand_property_identifier" and script.source(child) == name:
            return child
    return None


def set_property(script: Script, literal: Node, name: str, value: str) -> Edit:
    """Gives a property another value, or adds it as the last one, the way that the object is written."""
    pair = property_of(script, literal, name)
    if pair is not None:
        old = pair.child_by_field_name("value")
        start, end = script.span(old or pair)
        return Edit(script.path, start, end, value if old else f"{name}: {value}")
    members = [child for child in literal.named_children if child.type != "comment"]
    if not members:
        start, end = script.span(literal)
        return Edit(script.path, start, end, f"{{ {name}: {value} }}")
    _, end = script.span(members[-1])
    own_lines = members[-1].start_point.row > literal.start_point.row
    gap = script.style.newline + script.indent_of(script.span(members[-1])[0]) if own_lines else " "
    return Edit(script.path, end, end, f",{gap}{name}: {value}")
