"""Code that runs when a component goes, or when a caller disposes of what it got."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.scripts.functions import declaration_of, wrapping_call
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.names import CLEANUP_HOOKS, CLEANUP_METHODS
from helpers.review.code.scripts.standing import DEPTH, last_name
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    field,
    is_inside,
    literal_string,
    outermost,
    root_of,
    text,
)

__all__ = ["in_cleanup"]


def in_cleanup(module: Module, node: Node, depth: int = DEPTH) -> bool:
    """Whether code runs when a component goes, an effect is set up anew, or a caller disposes of what it got."""
    around = node if node.type in FUNCTIONS else node.parent
    while around is not None:
        if around.type in FUNCTIONS and _is_disposer(module, around, depth):
            return True
        around = around.parent
    return False


def _is_disposer(module: Module, function: Node, depth: int) -> bool:
    if function.type == "method_definition" and text(field(function, "name")) in CLEANUP_METHODS:
        return True
    call = wrapping_call(function)
    if call is not None and last_name(call) in CLEANUP_HOOKS:
        return True
    if _is_cleanup_position(module, function):
        return True
    if not depth:
        return False
    for use in _references(module, function):
        if _is_cleanup_position(module, use):
            return True
        above = outermost(use).parent
        if above is not None and above.type == "call_expression" and in_cleanup(module, above, depth - 1):
            return True
    return False


def _is_cleanup_position(module: Module, node: Node) -> bool:
    """Whether a function stands where a cleanup is given: returned, or an argument of `onUnmounted` and its kin."""
    top = outermost(node)
    parent = top.parent
    if parent is None:
        return False
    if parent.type == "return_statement":
        return True
    if parent.type == "arrow_function" and field(parent, "body") == top:
        return True
    if parent.type == "arguments" and parent.parent is not None:
        call = parent.parent
        if last_name(call) in CLEANUP_HOOKS:
            return True
        first = arguments(call)[0] if arguments(call) else None
        return last_name(call) == "addEventListener" and literal_string(first) in ("beforeunload", "pagehide", "unload")
    return False


def _references(module: Module, function: Node) -> Iterator[Node]:
    """Where a named function is mentioned."""
    declaration = declaration_of(module, function)
    if declaration is not None:
        for use in module.uses(declaration):
            if not is_inside(use, function):
                yield use
    elif function.type == "method_definition":
        name = text(field(function, "name"))
        for node in module.named(name):
            member = node.parent
            if member is not None and member.type == "member_expression" and text(root_of(member)) == "this":
                yield member
