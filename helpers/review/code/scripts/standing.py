"""In what a node stands: component, hook, effect, handler, loop; and when the code there runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tree_sitter import Node

from helpers.review.code.scripts.functions import callers, declared_name, wrapping_call
from helpers.review.code.scripts.loops import callback_times, loop_times
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.names import (
    CLEANUP_HOOKS,
    EFFECT_METHODS,
    EFFECTS,
    ITERATORS,
    MEMOS,
    MOUNTS,
)
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    callee,
    enclosing,
    field,
    literal_string,
    method_call,
    outermost,
    text,
)
from helpers.review.inventory import Scope, ScopeKind, Where

__all__ = ["DEPTH", "effect_function", "last_name", "where"]

_LOOPS = frozenset({"for_statement", "for_in_statement", "while_statement", "do_statement"})
_CLASSES = frozenset({"class_declaration", "class"})
_HOOK = re.compile(r"use[A-Z0-9]")
#: Methods that are given what to do when something happens: `onAuthStateChange`, `onTokenRefresh`.
_LISTENER = re.compile(r"on[A-Z]")
#: Timers and their names as events.
_TIMERS = {"setInterval": "interval", "setTimeout": "timeout", "requestAnimationFrame": "frame"}
#: How many functions are gone through from a helper to the effect or cleanup that calls it.
DEPTH = 4


def where(module: Module, node: Node) -> Where:
    """The scopes around a node. A local function that nothing but an effect calls stands in the effect."""
    return Where(tuple(reversed(dict.fromkeys(_scopes(module, node, frozenset())))))


def _scopes(module: Module, node: Node, path: frozenset[int]) -> Iterator[Scope]:
    inner, around = node, node.parent
    while around is not None:
        if around.type in FUNCTIONS and not _is_parameter(inner, around):
            scope = _function_scope(module, around)
            if scope.kind != "memo":  # the call around it says so
                yield scope
            if scope.kind == "function" and len(path) < DEPTH:
                yield from _effect_above(module, around, path | {around.id})
        elif around.type in _LOOPS and inner == field(around, "body"):
            yield Scope("loop", text(field(around, "right"))[:80], module.place(around), loop_times(module, around))
        elif around.type == "call_expression" and last_name(around) in MEMOS and inner == field(around, "arguments"):
            yield Scope("memo", last_name(around), module.place(around))
        elif around.type in _CLASSES:
            yield Scope("class", text(field(around, "name")), module.place(around))
        inner, around = around, around.parent
    if module.language in ("vue", "svelte") and node != module.root:
        yield Scope("component", PurePosixPath(module.path).stem, module.place(module.root))
    yield Scope("module", module.path, module.place(module.root))


def _is_parameter(inner: Node, function: Node) -> bool:
    return inner in (field(function, "parameters"), field(function, "parameter"))


def _effect_above(module: Module, function: Node, path: frozenset[int]) -> Iterator[Scope]:
    """The effect that alone, or with others, calls a local function."""
    found: list[tuple[int, Scope]] = []
    for call in _calls_from_outside(module, function, path):
        scopes = list(_scopes(module, call, path))
        between = next((index for index, scope in enumerate(scopes) if scope.kind == "effect"), None)
        if between is None:
            return
        found.append((between, scopes[between]))
    if found:
        yield min(found, key=lambda pair: pair[0])[1]


def _calls_from_outside(module: Module, function: Node, path: frozenset[int]) -> Iterator[Node]:
    """The calls of a function, but for those that it makes itself in the end: `reconnect` calls `connect`, whose
    status callback calls `reconnect`."""
    for call in callers(module, function):
        if not _is_within(call, path) and not _is_called_back(module, call, path):
            yield call


def _is_within(node: Node, path: frozenset[int]) -> bool:
    around: Node | None = node
    while around is not None and around.id not in path:
        around = around.parent
    return around is not None


def _is_called_back(module: Module, call: Node, path: frozenset[int]) -> bool:
    """Whether a call stands in a function that only the functions of the path call."""
    function = enclosing(call, FUNCTIONS)
    above = callers(module, function) if function is not None else []
    return bool(above) and all(_is_within(each, path) for each in above)


def _function_scope(module: Module, function: Node) -> Scope:
    kind, name = _kind_and_name(module, function)
    times = callback_times(module, function) if kind == "loop" else None
    return Scope(kind, name, module.place(function), times)


def _kind_and_name(module: Module, function: Node) -> tuple[ScopeKind, str]:
    if function.type == "method_definition":
        return _method(function)
    call = wrapping_call(function)
    if call is not None:
        given = _given_to(module, function, call)
        if given is not None:
            return given
    attribute = _attribute(function)
    if attribute:
        return "handler", attribute
    return _named(module, function, declared_name(module, function))


def _named(module: Module, function: Node, name: str) -> tuple[ScopeKind, str]:
    if _HOOK.match(name):
        return "hook", name
    if name[:1].isupper() and not module.path.endswith((".ts", ".mts", ".cts")):
        return "component", name
    if not name and outermost(function).parent is not None and outermost(function).parent.type == "export_statement":  # type: ignore[union-attr]
        return _default_export(module)
    return "function", name


def _default_export(module: Module) -> tuple[ScopeKind, str]:
    stem = PurePosixPath(module.path).stem
    if _HOOK.match(stem):
        return "hook", stem
    return ("component", stem) if module.path.endswith((".tsx", ".jsx")) else ("function", stem)


def _method(function: Node) -> tuple[ScopeKind, str]:
    name = text(field(function, "name"))
    if name in EFFECT_METHODS:
        return "effect", name
    if name == "setup":
        return "component", name
    return "method", name


def _given_to(module: Module, function: Node, call: Node) -> tuple[ScopeKind, str] | None:
    """What a function is that stands among the arguments of a call."""
    name, given = last_name(call), arguments(call)
    first = given[0] if given else None
    if name in EFFECTS or name in MOUNTS:
        return "effect", name
    if name in MEMOS:
        return "memo", name
    if name in CLEANUP_HOOKS:
        return "handler", name
    if name in _TIMERS:
        return "handler", _TIMERS[name]
    if name == "from" and text(callee(call)) == "Array.from":
        return "loop", text(first)[:80]
    if name in ITERATORS and (owner := method_call(call)) is not None:
        return "loop", text(owner[0])[:80]
    if name in ("on", "addEventListener", "addListener", "once", "$on", "useEventListener", "subscribe"):
        return "handler", literal_string(first) or name
    if _LISTENER.match(name):
        return "handler", name
    return None


def last_name(call: Node) -> str:
    """The name of the function called: of ``React.useEffect(…)`` ``useEffect``; of ``$effect.pre(…)`` all of it."""
    function = callee(call)
    if function is None:
        return ""
    if function.type == "member_expression":
        whole = text(function)
        return whole if whole.startswith("$") else text(field(function, "property"))
    return text(function) if function.type == "identifier" else ""


def _attribute(function: Node) -> str:
    """The attribute of JSX, or the property, that a function is given to as a handler."""
    parent = outermost(function).parent
    if parent is not None and parent.type == "jsx_expression" and parent.parent is not None:
        attribute = parent.parent
        if attribute.type == "jsx_attribute" and attribute.named_children:
            return text(attribute.named_children[0])
    if parent is not None and parent.type == "assignment_expression":
        name = text(field(field(parent, "left"), "property"))
        return name if name.startswith("on") else ""
    return ""


def effect_function(module: Module, node: Node, path: frozenset[int] = frozenset()) -> Node | None:
    """The function of the innermost effect around a node, or around the calls of the local function it stands in."""
    around = node.parent
    while around is not None:
        if around.type in FUNCTIONS:
            kind, _ = _kind_and_name(module, around)
            if kind == "effect":
                return around
            if kind == "function" and len(path) < DEPTH:
                inner = path | {around.id}
                calls = list(_calls_from_outside(module, around, inner))
                through = [(effect_function(module, call, inner), call) for call in calls]
                if through and all(effect for effect, _ in through):
                    direct = (effect for effect, call in through if enclosing(call, FUNCTIONS) == effect)
                    return next(direct, through[0][0])
        around = around.parent
    return None
