"""What makes a piece of code run often: pointer moves, scrolling, keys, frames, intervals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.scripts.functions import declaration_of, declared_name, wrapping_call
from helpers.review.code.scripts.loops import constant_number
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.names import DEBOUNCERS, RATES
from helpers.review.code.scripts.standing import last_name, where
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    enclosing,
    is_call,
    literal_string,
    outermost,
    text,
)

__all__ = ["interval_ms", "rate_of", "slowed"]

#: How many functions up the cause is looked for.
DEPTH = 4
#: Events that are rare but for a text that is typed.
_WHOLE = frozenset({"input", "change", "frame", "interval"})


def rate_of(module: Module, node: Node, depth: int = DEPTH) -> tuple[str, float | None]:
    """What makes a node run often, with the milliseconds of an interval; an empty name if nothing does."""
    handler = where(module, node).in_handler
    if handler is not None:
        hint = _hint(handler.name)
        if hint:
            return hint, _around_interval(module, node) if hint == "interval" else None
    function = enclosing(node, FUNCTIONS)
    while function is not None:
        for name, call in _events_of(module, function):
            if _hint(name):
                return _hint(name), interval_ms(module, call) if call is not None else None
        for caller in _calls_of(module, function) if depth else ():
            found = rate_of(module, caller, depth - 1)
            if found[0]:
                return found
        function = enclosing(function, FUNCTIONS)
    return "", None


def _hint(event: str) -> str:
    name = event.lower().removeprefix("on")
    return next(
        (rate for part, rate in RATES.items() if name == part or (part not in _WHOLE and part in name)),
        "",
    )


def _events_of(module: Module, function: Node) -> Iterator[tuple[str, Node | None]]:
    """The events that a named function is given to as a handler."""
    declaration = declaration_of(module, function)
    for use in module.uses(declaration) if declaration is not None else ():
        parent = outermost(use).parent
        call = wrapping_call(use)
        if call is not None and last_name(call) in ("addEventListener", "useEventListener", "on"):
            yield literal_string(arguments(call)[0]) or "", None
        elif call is not None and last_name(call) in ("setInterval", "requestAnimationFrame", "useInterval"):
            yield ("frame" if last_name(call) == "requestAnimationFrame" else "interval"), call
        elif parent is not None and parent.type == "jsx_expression" and parent.parent is not None:
            yield text(parent.parent.named_children[0]), None
    yield from _events_in_template(module, declared_name(module, function))


def _events_in_template(module: Module, name: str) -> Iterator[tuple[str, Node | None]]:
    """``@mousemove="move"`` of Vue, ``on:mousemove={move}`` and ``onmousemove={move}`` of Svelte."""
    if module.language in ("vue", "svelte") and name:
        pattern = (
            rb"(?:@|v-on:|on:|\bon)([\w-]+)[\w.|-]*\s*=\s*[\"'{]+\s*(?:\([^)]*\)\s*=>\s*)?" + name.encode() + rb"\b"
        )
        for found in re.finditer(pattern, module.source):
            yield found[1].decode(), None


def _calls_of(module: Module, function: Node) -> Iterator[Node]:
    declaration = declaration_of(module, function)
    for use in module.uses(declaration) if declaration is not None else ():
        call = outermost(use).parent
        if call is not None and is_call(call) and not call.start_byte < function.start_byte < call.end_byte:
            yield call


def _around_interval(module: Module, node: Node) -> float | None:
    function = enclosing(node, FUNCTIONS)
    while function is not None:
        call = wrapping_call(function)
        if call is not None and last_name(call) in ("setInterval", "useInterval"):
            return interval_ms(module, call)
        function = enclosing(function, FUNCTIONS)
    return None


def interval_ms(module: Module, call: Node) -> float | None:
    """The second argument of `setInterval`, if it is a constant."""
    given = arguments(call)
    return constant_number(module, given[1]) if len(given) > 1 else None


def slowed(module: Module, node: Node) -> str:
    """``debounce`` or ``throttle`` if a node stands in a function that is given to one."""
    function = enclosing(node, FUNCTIONS)
    while function is not None:
        call = wrapping_call(function)
        if call is not None and last_name(call) in DEBOUNCERS:
            return DEBOUNCERS[last_name(call)]
        function = enclosing(function, FUNCTIONS)
    return ""
