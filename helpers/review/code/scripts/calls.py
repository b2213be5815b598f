"""Helpers that make channels out of their parameters, and the calls that fill these in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tree_sitter import Node

from helpers.review.code.drafts import Export, Helper, HelperCall, Value
from helpers.review.code.scripts.effects import effect_of
from helpers.review.code.scripts.exports import exported, exported_names
from helpers.review.code.scripts.functions import callers, declared_name, function_of
from helpers.review.code.scripts.handlers import handler_of
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import object_node
from helpers.review.code.scripts.payload import Role
from helpers.review.code.scripts.standing import where
from helpers.review.code.scripts.syntax import FUNCTIONS, arguments, callee, outermost, properties
from helpers.review.code.scripts.values import UNKNOWN, evaluate, function_key
from helpers.review.inventory import Channel, Handler, Hole, Text

__all__ = ["exported_functions", "helpers_and_calls"]

#: How deep objects among the arguments are read, and how many helpers of one file may call each other.
DEPTH = 3


def helpers_and_calls(module: Module, channels: Iterable[Channel]) -> tuple[tuple[Helper, ...], tuple[HelperCall, ...]]:
    """The functions of a file that make channels out of their parameters, by themselves or by way of another helper,
    and all calls that may fill such parameters."""
    calls = list(_calls_of_others(module))
    open_keys = {key for channel in channels for key in _keys(_holes(channel))}
    open_keys |= {key for call in calls for value in call.values for key in _keys(_holes_of_value(value))}
    helpers: dict[str, Helper] = {}
    for _ in range(DEPTH):
        for function in _functions(module, open_keys - set(helpers)):
            helpers[function_key(module, function)] = _helper(module, function)
            found = [
                _call(module, call, ("function", function_key(module, function))) for call in callers(module, function)
            ]
            calls += found
            open_keys |= {key for call in found for value in call.values for key in _keys(_holes_of_value(value))}
    return tuple(helpers.values()), tuple(calls)


def exported_functions(module: Module) -> Iterator[Export]:
    """What the functions that a file exports do with a payload or a row, for those that give them to a channel."""
    for name, local in exported(module):
        if function_of(module, local) is not None or local.type in FUNCTIONS:
            yield Export((name,), function=_value(module, local, 0))


def _keys(holes: Iterable[Hole]) -> Iterator[str]:
    return (hole.origin[1] for hole in holes if hole.origin[:1] == ("parameter",))


def _holes(channel: Channel) -> Iterator[Hole]:
    texts: list[Text | None] = [channel.topic, *(value for _, value in channel.config)]
    for binding in channel.bindings:
        texts += [binding.event, binding.schema, binding.table, binding.filter, binding.select]
        yield from _called(binding.handler)
    for value in texts:
        yield from _in_text(value)


def _in_text(value: Text | None) -> Iterator[Hole]:
    return (part for part in (value.parts if value is not None else ()) if isinstance(part, Hole))


def _called(handler: Handler | None) -> Iterator[Hole]:
    return (each.hole for each in (handler.passes_on if handler is not None else ()))


def _holes_of_value(value: Value) -> Iterator[Hole]:
    yield from _in_text(value.text)
    yield from _called(value.as_payload)
    for _, inner in value.items or ():
        yield from _holes_of_value(inner)


def _functions(module: Module, keys: set[str]) -> list[Node]:
    return [function for function in module.nodes("function") if function_key(module, function) in keys]


def _helper(module: Module, function: Node) -> Helper:
    name = declared_name(module, function)
    defaults = tuple(_defaults(module, function))
    return Helper(function_key(module, function), name, exported_names(module, function, name), defaults)


def _defaults(module: Module, function: Node) -> Iterator[tuple[tuple[str, ...], Text]]:
    for declaration in module.parameters_of(function):
        if declaration.default is not None:
            yield (str(declaration.position), *declaration.path), evaluate(module, declaration.default)


def _calls_of_others(module: Module) -> Iterator[HelperCall]:
    """The calls of functions that the file imports from others of the application."""
    for call in module.nodes("call"):
        name = callee(call)
        declaration = module.resolve(name) if name is not None and name.type == "identifier" else None
        if declaration is not None and declaration.kind == "import" and _is_own(declaration.module):
            yield _call(module, call, ("import", declaration.module, declaration.imported))


def _is_own(module: str) -> bool:
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
