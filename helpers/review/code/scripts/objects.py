"""Object literals, enums and arrays, wherever they are written in a file."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.syntax import (
    arguments,
    callee,
    field,
    is_call,
    literal_string,
    properties,
    returned_values,
    text,
    unwrapped,
)

__all__ = ["is_nothing", "meaning_in", "object_node", "path_of", "property_node"]

_TESTS = frozenset({"binary_expression", "unary_expression"})
#: Through how many names a value is followed.
DEPTH = 8


def is_nothing(node: Node | None) -> bool:
    """Whether an expression is `undefined` or `null`."""
    return node is None or node.type in ("undefined", "null") or text(node) == "undefined"


def object_node(module: Module, node: Node | None, depth: int = DEPTH) -> Node | None:
    """The object literal or enum that an expression is, followed through names of the file."""
    node = unwrapped(node)
    if node is None or not depth:
        return None
    if node.type in ("object", "enum_declaration", "array"):
        return node
    if node.type in ("identifier", "shorthand_property_identifier"):
        declaration = module.resolve(node)
        if declaration is None or declaration.value is None or declaration.kind == "item":
            return None
        value: Node | None = declaration.value
        for step in declaration.path:
            value = property_node(module, value, step) if value is not None else None
        return object_node(module, value, depth - 1)
    if node.type == "member_expression":
        owner = object_node(module, field(node, "object"), depth - 1)
        return (
            object_node(module, property_node(module, owner, text(field(node, "property"))), depth - 1)
            if owner
            else None
        )
    if is_call(node) and text(callee(node)) in ("Object.freeze", "useMemo", "reactive", "ref"):
        given = arguments(node)
        inner = next(returned_values(given[0]), None) if given and given[0].type == "arrow_function" else None
        return object_node(module, inner or (given[0] if given else None), depth - 1)
    return None


def property_node(module: Module, value: Node, name: str) -> Node | None:
    """The node of a property of an object literal or enum, or of an array's item."""
    value = object_node(module, value) or value
    if value.type == "array" and name.isdigit() and int(name) < len(value.named_children):
        return unwrapped(value.named_children[int(name)])
    if value.type == "enum_declaration":
        for child in (field(value, "body") or value).named_children:
            if child.type == "enum_assignment" and text(field(child, "name")).strip("'\"") == name:
                return unwrapped(field(child, "value"))
    found = [inner for key, inner in properties(value) if key == name]
    return found[-1] if found else None


def path_of(node: Node | None) -> tuple[Node | None, tuple[str, ...]]:
    """Of ``a.b['c']`` the ``a`` and the steps; no steps if one is computed."""
    steps: list[str] = []
    node = unwrapped(node)
    while node is not None and node.type in ("member_expression", "subscript_expression"):
        index = unwrapped(field(node, "index"))
        step = literal_string(index) if index is not None else text(field(node, "property"))
        if step is None:
            return None, ()
        steps.append(step)
        node = unwrapped(field(node, "object"))
    return node, tuple(reversed(steps))


def meaning_in(module: Module) -> Callable[[Node | None], Node | None]:
    """Looks through the names of constants, to the expressions that they were given."""

    def meaning(node: Node | None) -> Node | None:
        declaration = module.resolve(node) if node is not None and node.type == "identifier" else None
        if declaration is None or declaration.kind != "const" or declaration.path or declaration.value is None:
            return node
        return declaration.value if declaration.value.type in _TESTS else node

    return meaning
