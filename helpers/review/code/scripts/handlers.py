"""A handler as the inventory has it: what it reads, tests and does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tree_sitter import Node

from helpers.review.code.scripts.conditions import atoms, conditions
from helpers.review.code.scripts.deeds import deeds_of
from helpers.review.code.scripts.delays import timing
from helpers.review.code.scripts.functions import function_of
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import meaning_in
from helpers.review.code.scripts.payload import Role, Tracked, compared_with, roles_of, track
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    callee,
    descendants,
    enclosing,
    field,
    is_call,
    is_inside,
    parameters,
    root_of,
    text,
)
from helpers.review.code.scripts.values import evaluate
from helpers.review.inventory import Comparison, Deed, Given, Handler, Hole, PassedOn

__all__ = ["CHANGES", "STATUSES", "handler_of"]

CHANGES = frozenset({"INSERT", "UPDATE", "DELETE"})
STATUSES = frozenset({"SUBSCRIBED", "CHANNEL_ERROR", "TIMED_OUT", "CLOSED"})
_OPPOSITE = {
    "===": "!==",
    "!==": "===",
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "truthy": "falsy",
    "includes": "not includes",
    "has": "not has",
}


def handler_of(
    module: Module,
    node: Node | None,
    kind: str,
    *,
    every: frozenset[str] = CHANGES,
    casts: Sequence[str] = (),
    role: Role | None = None,
) -> Handler | None:
    """The handler that an expression is, as far as the file has it.

    Args:
        kind: of the binding, or ``status`` for the callback of `subscribe`.
        every: the event types or statuses that can reach it.
        casts: types that the call names.
        role: of its first parameter, if that is not the whole payload.
    """
    if node is None:
        return None
    function = function_of(module, node)
    if function is None:
        return _of_elsewhere(module, node, casts)
    tracked = track(module, function, role or roles_of(kind), kind)
    deeds = deeds_of(module, function, tracked, every)
    found = _found(module, function, tracked, deeds, every)
    casts = tuple(dict.fromkeys((*casts, *found.casts)))
    return replace(found if node.type in FUNCTIONS else _by_name(module, node, found), casts=casts)


def _found(module: Module, function: Node, tracked: Tracked, deeds: tuple[Deed, ...], every: frozenset[str]) -> Handler:
    passed_on = _passed_on(module, function, tracked, deeds)
    return Handler(
        module.place(function),
        _payload_name(function),
        tracked.reads("new"),
        tracked.reads("old"),
        _events(deeds, every),
        _comparisons(module, function, tracked, deeds),
        deeds,
        tuple(tracked.casts),
        not passed_on,
        passes_on=passed_on,
    )


def _by_name(module: Module, node: Node, found: Handler) -> Handler:
    """A handler that is given by a name: one that reads a list is itself the refetch, and it may be debounced."""
    delayed = timing(module, node)
    deeds = tuple(replace(deed, timed=deed.timed or delayed) for deed in _as_refetch(module, node, found.deeds))
    return replace(found, deeds=deeds, name=text(node)[:60])


def _of_elsewhere(module: Module, node: Node, casts: Sequence[str]) -> Handler:
    """A handler that the file does not have: a parameter, or an import."""
    value = evaluate(module, node)
    holes = [part for part in value.parts if isinstance(part, Hole) and part.origin]
    passed_on = (PassedOn(holes[0], "payload"),) if len(holes) == 1 else ()
    return Handler(module.place(node), complete=False, casts=tuple(casts), name=text(node)[:60], passes_on=passed_on)


def _as_refetch(module: Module, node: Node, deeds: tuple[Deed, ...]) -> tuple[Deed, ...]:
    """A function that reads a list, given as a handler, is itself the refetch."""
    own = (deed for deed in deeds if not (deed.takes or deed.via or deed.events))
    if any(deed.kind in ("table_read", "prisma_read") for deed in own):
        return (Deed("refetch", text(node), module.place(node)), *deeds)
    return deeds


def _payload_name(function: Node) -> str:
    given = parameters(function)
    first = field(given[0], "pattern") or given[0] if given else None
    return text(first) if first is not None and first.type == "identifier" else ""


def _events(deeds: Sequence[Deed], every: frozenset[str]) -> tuple[str, ...]:
    """The events that a handler acts on; none if it acts on all, without a test."""
    real = [deed for deed in deeds if deed.kind != "log"]
    if not any(deed.events for deed in real):
        return ()
    if any(not deed.events for deed in real):
        return tuple(sorted(every))
    return tuple(sorted({event for deed in real for event in deed.events} & every))


def _passed_on(module: Module, function: Node, tracked: Tracked, deeds: Sequence[Deed]) -> tuple[PassedOn, ...]:
    """What it calls that a function around it is given: `onMessage(payload.new)`."""
    given = {call.id: role for call, position, role in tracked.passed if position == 0}
    events = {deed.place: deed.events for deed in deeds}
    known = {deed.place for deed in deeds if deed.kind not in ("other", "refetch")}
    found: dict[PassedOn, None] = {}
    for node in descendants(function):
        name = callee(node) if is_call(node) and module.place(node) not in known else None
        hole = _outside_function(module, name, function) if name is not None else None
        if hole is not None:
            found[PassedOn(hole, _gives(given.get(node.id)), events.get(module.place(node), ()))] = None
    return tuple(found)


def _gives(role: Role | None) -> Given:
    """What a function is called with first, as the inventory says it."""
    if role is None or role.kind not in ("payload", "row"):
        return "nothing"
    return "payload" if role.kind == "payload" else "row" if role.side == "new" else "old"


def _outside_function(module: Module, name: Node, function: Node) -> Hole | None:
    """The parameter of a function around, also through a ref, that a call calls."""
    base = root_of(name)
    declaration = module.resolve(base) if base is not None and base.type == "identifier" else None
    if declaration is None or name.type not in ("identifier", "member_expression"):
        return None
    value = evaluate(module, name)
    hole = value.parts[0] if len(value.parts) == 1 else None
    if not isinstance(hole, Hole) or hole.origin[:1] != ("parameter",):
        return None
    inside = declaration.function is not None and is_inside(declaration.function, function)
    return None if inside else hole


def _comparisons(module: Module, function: Node, tracked: Tracked, deeds: Sequence[Deed]) -> tuple[Comparison, ...]:
    guards = _guards(module, function, deeds)
    found = []
    for node, role, operator, other in tracked.tests:
        guard = guards.get(node.id)
        value, outside = compared_with(module, other, _function_of_test(node, function), tracked)
        if guard is False:
            operator = _OPPOSITE.get(operator, operator)
        place = module.place(node)
        found.append(Comparison(role.column, operator, value, role.side, place, outside, guard is not None))
    return tuple(found)


def _function_of_test(node: Node, function: Node) -> Node:
    """The function that a test stands in: the handler, or one that it calls."""
    if is_inside(node, function):
        return function
    return enclosing(node, FUNCTIONS) or function


def _guards(module: Module, function: Node, deeds: Sequence[Deed]) -> dict[int, bool]:
    """The tests on the way to every deed but logs, and how they come out there."""
    common: dict[int, bool] | None = None
    for node in _deed_nodes(module, function, deeds):
        here = dict(_atoms_above(module, node, function))
        common = here if common is None else {key: value for key, value in common.items() if here.get(key) == value}
    return common or {}


def _atoms_above(module: Module, node: Node, function: Node) -> Iterator[tuple[int, bool]]:
    """The single tests on the way to a node, and how they come out there."""
    meaning = meaning_in(module)
    for test, holds in conditions(node, function):
        for atom, outcome in atoms(test, holds, meaning):
            yield atom.id, outcome


def _deed_nodes(module: Module, function: Node, deeds: Sequence[Deed]) -> list[Node]:
    """The nodes in the handler from which the deeds come."""
    places = {(deed.via[0] if deed.via else deed.place) for deed in deeds if deed.kind != "log"}
    return [
        node
        for node in descendants(function)
        if node.type in ("call_expression", "assignment_expression", "augmented_assignment_expression")
        and module.place(node) in places
    ]
