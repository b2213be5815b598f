"""Helpers that make channels out of their parameters, and the calls that fill these in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tree_sitter import Node

from helpers.review.code.drafts import Helper, HelperCall, Value
from helpers.review.code.scripts.effects import effect_of
from helpers.review.code.scripts.exports import exported_names
from helpers.review.code.scripts.functions import callers, declared_name, function_of
from helpers.review.code.scripts.handlers import handler_of
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.payload import Role
from helpers.review.code.scripts.standing import where
from helpers.review.code.scripts.syntax import arguments, callee, outermost, properties, text
from helpers.review.code.scripts.values import UNKNOWN, evaluate, function_key, object_node
from helpers.review.inventory import Channel, Hole, Text

__all__ = ["helper_calls", "helpers_of"]

#: Names of functions of other files whose calls are looked at closely in the first reading.
_PROMISING = re.compile(r"(?i)^use[A-Z]|subscri|realtime|channel|listen|watch|broadcast|presence|live|sync|changes")
#: How deep objects among the arguments are read.
DEPTH = 2


def open_keys(channels: Iterable[Channel]) -> set[str]:
    """The functions whose parameters are holes in channels."""
    return {hole.origin[1] for channel in channels for hole in _holes(channel) if hole.origin[:1] == ("parameter",)}


def _holes(channel: Channel) -> Iterator[Hole]:
    texts: list[Text | None] = [channel.topic, *(value for _, value in channel.config)]
    for binding in channel.bindings:
        texts += [binding.event, binding.schema, binding.table, binding.filter, binding.select]
        if binding.handler is not None:
            yield from (hole for hole, _ in binding.handler.passes_on)
    for value in texts:
        yield from (part for part in (value.parts if value is not None else ()) if isinstance(part, Hole))


def helpers_of(module: Module, channels: Iterable[Channel]) -> Iterator[Helper]:
    """The functions of a file that make channels out of their parameters."""
    keys = open_keys(channels)
    for function in module.nodes("function"):
        if function_key(module, function) in keys:
            name = declared_name(module, function)
            yield Helper(
                function_key(module, function),
                name,
                exported_names(module, function, name),
                tuple(_defaults(module, function)),
            )


def _defaults(module: Module, function: Node) -> Iterator[tuple[tuple[str, ...], Text]]:
    for declaration in module.parameters_of(function):
        if declaration.default is not None:
            yield (str(declaration.position), *declaration.path), evaluate(module, declaration.default)


def helper_calls(
    module: Module, helpers: Iterable[Helper], wanted: re.Pattern[str] | None = None
) -> Iterator[HelperCall]:
    """The calls of this file's helpers, and of functions of other files that may be helpers.

    Args:
        wanted: names of known helpers; without it those that sound like one.
    """
    keys = {helper.key for helper in helpers}
    for function in module.nodes("function"):
        if function_key(module, function) in keys:
            for call in callers(module, function):
                yield _call(module, call, ("function", function_key(module, function)))
    names = wanted or _PROMISING
    for call in module.nodes("call"):
        function_name = callee(call)
        if function_name is None or function_name.type != "identifier" or not names.search(text(function_name)):
            continue
        declaration = module.resolve(function_name)
        if declaration is not None and declaration.kind == "import" and is_own(declaration.module):
            yield _call(module, call, ("import", declaration.module, declaration.imported))


def is_own(module: str) -> bool:
    """Whether a module may be a file of the application: relative, or by one of the usual aliases."""
    return module.startswith((".", "/", "@/", "~", "#", "$", "src/", "app/", "lib/", "hooks/", "components/", "@app/"))


def _call(module: Module, call: Node, target: tuple[str, ...]) -> HelperCall:
    parent = outermost(call).parent
    return HelperCall(
        target,
        module.place(call),
        where(module, call),
        effect_of(module, call),
        tuple(_value(module, node, DEPTH) for node in arguments(call)),
        parent is None or parent.type == "expression_statement",
    )


def _value(module: Module, node: Node, depth: int) -> Value:
    known = object_node(module, node) if depth else None
    if known is not None and known.type == "object":
        items = tuple((name, _value(module, inner, depth - 1)) for name, inner in properties(known))
        return Value(UNKNOWN, items=items)
    if function_of(module, node) is None:
        value = evaluate(module, node)
        handed_on = any(isinstance(part, Hole) and part.origin[:1] == ("parameter",) for part in value.parts)
        return Value(value, *([handler_of(module, node, "postgres_changes")] * 3 if handed_on else ()))
    return Value(
        UNKNOWN,
        handler_of(module, node, "postgres_changes"),
        handler_of(module, node, "postgres_changes", role=Role("row", "new")),
        handler_of(module, node, "postgres_changes", role=Role("nothing")),
    )
