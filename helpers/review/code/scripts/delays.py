"""Work that is put off: debounced, throttled, or done by a timer."""

from __future__ import annotations

from tree_sitter import Node

from helpers.review.code.scripts.functions import function_of, wrapping_call
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.names import DEBOUNCERS
from helpers.review.code.scripts.standing import last_name
from helpers.review.code.scripts.syntax import FUNCTIONS, descendants, is_call, text

__all__ = ["delayed", "timing"]


def timing(module: Module, node: Node | None) -> str:
    """``debounce`` or ``throttle`` if a function is known under a name that delays it."""
    if node is None or node.type != "identifier":
        return ""
    declaration = module.resolve(node)
    value = declaration.value if declaration is not None else None
    if value is None:
        return ""
    names = [last_name(value)] if is_call(value) else []
    names += [last_name(inner) for inner in descendants(value) if is_call(inner)][:3] if "useMemo" in names else []
    return next((DEBOUNCERS[name] for name in names if name in DEBOUNCERS), "") or _cancels(function_of(module, node))


def _cancels(function: Node | None) -> str:
    """Whether a function starts a timer anew each time: a debounce by hand."""
    body = text(function) if function is not None else ""
    return "debounce" if "clearTimeout(" in body and "setTimeout(" in body else ""


def delayed(module: Module, node: Node, function: Node) -> str:
    """How something within a handler is delayed."""
    around = node.parent
    while around is not None and around != function.parent:
        call = wrapping_call(around) if around.type in FUNCTIONS else None
        name = last_name(call) if call is not None else ""
        if name in DEBOUNCERS:
            return DEBOUNCERS[name]
        if name in ("setTimeout", "requestAnimationFrame", "requestIdleCallback"):
            return _cancels(function) or "timeout"
        around = around.parent
    return ""
