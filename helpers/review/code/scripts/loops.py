"""How often loops go round, where a constant says so."""

from __future__ import annotations

import re

from tree_sitter import Node

from helpers.review.code.scripts.functions import wrapping_call
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.syntax import arguments, field, method_call, number, properties, text, unwrapped

__all__ = ["callback_times", "constant_number", "loop_times"]

_LENGTH = re.compile(r"\bArray\((\d+)\)|\blength:\s*(\d+)")


def callback_times(module: Module, function: Node) -> int | None:
    """How often a callback of `map`, `forEach` or `Array.from` runs, if a constant says so."""
    call = wrapping_call(function)
    if call is None:
        return None
    owner = method_call(call)
    over = arguments(call)[0] if owner is not None and text(owner[0]) == "Array" else owner[0] if owner else None
    return _count(module, over)


def _count(module: Module, over: Node | None) -> int | None:
    if over is None:
        return None
    if over.type == "identifier":
        declaration = module.resolve(over)
        if declaration is not None and declaration.kind == "const" and not declaration.path:
            return _count(module, declaration.value)
        return None
    if over.type == "array" and not any(child.type == "spread_element" for child in over.named_children):
        return len(over.named_children)
    length = next((number(value) for name, value in properties(over) if name == "length"), None)
    if length is not None:
        return int(length)
    found = _LENGTH.search(text(over))
    return int(found[1] or found[2]) if found else None


def loop_times(module: Module, loop: Node) -> int | None:
    if loop.type == "for_in_statement":
        return _count(module, unwrapped(field(loop, "right")))
    condition = field(loop, "condition")
    if condition is None or condition.type != "binary_expression":
        return None
    limit, operator = constant_number(module, field(condition, "right")), text(field(condition, "operator"))
    first = re.search(r"=\s*(\d+)", text(field(loop, "initializer")))
    if limit is None or first is None or operator not in ("<", "<="):
        return None
    return max(0, int(limit) - int(first[1]) + (operator == "<="))


def constant_number(module: Module, node: Node | None) -> float | None:
    node = unwrapped(node)
    if node is not None and node.type == "identifier":
        declaration = module.resolve(node)
        node = declaration.value if declaration is not None and declaration.kind == "const" else None
    return number(node)
