"""What is asked for again and again: intervals, and the options of query libraries."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.scripts.deeds import deeds_of
from helpers.review.code.scripts.functions import function_of
from helpers.review.code.scripts.loops import constant_number
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import object_node
from helpers.review.code.scripts.payload import Tracked
from helpers.review.code.scripts.standing import last_name, where
from helpers.review.code.scripts.stores import prisma_call, table_call
from helpers.review.code.scripts.syntax import arguments, descendants, is_call, properties, text
from helpers.review.inventory import Poll

__all__ = ["polls"]

_OPTIONS = frozenset({"refetchInterval", "refreshInterval", "pollInterval"})
_READS = frozenset({"table_read", "prisma_read"})


def polls(module: Module) -> Iterator[Poll]:
    """`setInterval(…)`, `useQuery({ refetchInterval })`, `useSWR(…, { refreshInterval })`."""
    for call in module.nodes("call"):
        if last_name(call) in ("setInterval", "useInterval", "useIntervalFn"):
            yield _interval(module, call)
        else:
            for given in arguments(call):
                yield from _option(module, call, given)


def _interval(module: Module, call: Node) -> Poll:
    given = arguments(call)
    every = constant_number(module, given[1]) if len(given) > 1 else None
    target = text(given[0])[:60] if given else ""
    return Poll(module.place(call), where(module, call), every, target, "setInterval", _tables(module, given[:1]))


def _option(module: Module, call: Node, given: Node) -> Iterator[Poll]:
    if given.type != "object":
        return
    for name, value in properties(given):
        if name in _OPTIONS and text(value) not in ("false", "0", "undefined"):
            every = constant_number(module, value)
            target = last_name(call)
            yield Poll(module.place(value), where(module, call), every, target, name, _tables(module, arguments(call)))


def _tables(module: Module, given: list[Node]) -> tuple[str, ...]:
    """The tables and models that functions among the arguments read."""
    found: dict[str, None] = {}
    for node in given:
        options = object_node(module, node)
        for inner in [node, *(value for _, value in properties(options))]:
            function = function_of(module, inner)
            if function is not None:
                found |= dict.fromkeys(_read(module, function))
            elif is_call(inner):
                found |= dict.fromkeys(_read_by(module, inner))
    return tuple(found)


def _read(module: Module, function: Node) -> Iterator[str]:
    for deed in deeds_of(module, function, Tracked(), frozenset({"*"})):
        if deed.kind in _READS:
            yield deed.target


def _read_by(module: Module, call: Node) -> Iterator[str]:
    for node in (call, *descendants(call)):
        if is_call(node):
            table, prisma = table_call(module, node, standing=False), prisma_call(module, node, standing=False)
            if table is not None and table.method == "select":
                yield table.table.value
            if prisma is not None:
                yield prisma.model
