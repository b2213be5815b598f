"""What an object of options says, wherever its parts come from."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import is_nothing, object_node, path_of
from helpers.review.code.scripts.syntax import field, properties, text, unwrapped
from helpers.review.code.scripts.values import DEPTH, UNKNOWN, declared_value, evaluate, perhaps
from helpers.review.inventory import Text

__all__ = ["flat_options", "member"]


def member(module: Module, node: Node | None, name: str) -> Text | None:
    """The value of an object's property; None if the object is known and does not have it."""
    node = unwrapped(node)
    if is_nothing(node) or node is None:
        return None
    known = object_node(module, node)
    if known is None:
        return _outside_member(module, node, name)
    found = _own_member(module, known, name)
    later = _assigned_member(module, node, name)
    return later if found is None else found


def _own_member(module: Module, literal: Node, name: str) -> Text | None:
    """The last that an object literal says of a property, in its pairs or in what it spreads."""
    result: Text | None = None
    for child in literal.named_children:
        if child.type == "spread_element" and child.named_children:
            for spread in _spread(child.named_children[0]):
                result = _spread_member(module, spread, name) or result
    for key, value in properties(literal):
        if key == name:
            result = None if is_nothing(value) else evaluate(module, value)
    return result


def _spread(node: Node | None) -> Iterator[Node]:
    """What a spread may bring: of ``...(a ? {b} : {})`` and ``...(a && {b})`` the objects."""
    node = unwrapped(node)
    if node is None:
        return
    if node.type == "ternary_expression":
        yield from _spread(field(node, "consequence"))
        yield from _spread(field(node, "alternative"))
    elif node.type == "binary_expression":
        yield from _spread(field(node, "right"))
    else:
        yield node


def _spread_member(module: Module, spread: Node, name: str) -> Text | None:
    found = member(module, spread, name)
    conditional = _is_conditional(spread)
    return perhaps(found) if found is not None and conditional else found


def _is_conditional(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type in ("ternary_expression", "binary_expression", "parenthesized_expression")


def _assigned_member(module: Module, node: Node, name: str) -> Text | None:
    """What is assigned to `options.name` after `options` was made; it may not be, so it is never exact."""
    if node.type != "identifier":
        return None
    for assignment in module.nodes("assignment"):
        left = field(assignment, "left")
        if text(left) == f"{text(node)}.{name}":
            return perhaps(evaluate(module, field(assignment, "right")))
    return None


def _outside_member(module: Module, node: Node, name: str) -> Text:
    """A property of something that is made elsewhere."""
    base, steps = path_of(node)
    declaration = module.resolve(base) if base is not None and base.type == "identifier" else None
    if declaration is None:
        return UNKNOWN
    return declared_value(module, declaration, (*steps, name), DEPTH)


def flat_options(module: Module, node: Node | None, prefix: str = "") -> tuple[tuple[str, Text], ...]:
    """An object's properties and those of objects in it, by their paths: ``broadcast.self``."""
    known = object_node(module, node)
    if known is None or known.type != "object":
        return ()
    found: list[tuple[str, Text]] = []
    for name, value in properties(known):
        inner = object_node(module, value)
        if inner is not None and inner.type == "object":
            found.extend(flat_options(module, inner, f"{prefix}{name}."))
        else:
            found.append((prefix + name, evaluate(module, value)))
    return tuple(found)
