"""What a function makes of a payload: columns it reads, tests it makes, where the whole row goes.

A value is followed from the parameter through members, patterns, names and functions of the file. Its role says what
it is: the payload, a row of it, the event's type, one column, or the status of a subscription.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Literal, NamedTuple

from tree_sitter import Node

from helpers.review.code.scripts.functions import function_of, wrapping_call
from helpers.review.code.scripts.module import Declaration, Module
from helpers.review.code.scripts.syntax import (
    arguments,
    callee,
    field,
    is_inside,
    literal_string,
    method_call,
    outermost,
    text,
    unwrapped,
)
from helpers.review.code.scripts.values import evaluate
from helpers.review.inventory import Text

__all__ = ["Role", "Tracked", "Use", "roles_of", "track"]

Side = Literal["new", "old"]
#: How many functions deep a value is followed.
DEPTH = 3
_COMPARING = frozenset({"===", "==", "!==", "!=", "<", ">", "<=", ">="})
_ITSELF_OR = frozenset({"||", "??"})


class Role(NamedTuple):
    """What a value is: ``payload``, ``row``, ``event``, ``column`` or ``status``; of rows and columns also which."""

    kind: str
    side: Side = "new"
    column: str = ""


#: Which property of a payload has which role.
_OF_CHANGE = {"new": Role("row", "new"), "old": Role("row", "old"), "eventType": Role("event")}
_OF_BROADCAST = {"payload": Role("row", "new")}


class Use(NamedTuple):
    """A place where a column, or the whole row (``*``), is used."""

    node: Node
    side: Side
    column: str


@dataclass(slots=True)
class Tracked:
    """What was found while following a payload.

    Attributes:
        roles: what an expression is, by its node's id.
        uses: in the order in which they were met.
        tests: a comparison's node, the column's role, the operator and what it is compared with.
        casts: types that rows were said to have.
        passed: arguments of functions that could not be followed: the call, the position, the role.
    """

    roles: dict[int, Role] = attribute(default_factory=dict)
    uses: list[Use] = attribute(default_factory=list)
    tests: list[tuple[Node, Role, str, Node | None]] = attribute(default_factory=list)
    casts: dict[str, None] = attribute(default_factory=dict)
    passed: list[tuple[Node, int, Role]] = attribute(default_factory=list)
    complete: bool = True

    def reads(self, side: Side) -> tuple[str, ...]:
        """The columns used of a side; ``("*",)`` if the whole row is."""
        columns = dict.fromkeys(use.column for use in self.uses if use.side == side)
        return ("*",) if "*" in columns else tuple(columns)

    def is_event(self, node: Node) -> bool:
        role = self.roles.get(node.id)
        return role is not None and role.kind in ("event", "status")


def roles_of(kind: str) -> Role:
    """The role of a callback's first parameter."""
    return Role("status") if kind == "status" else Role("payload")


def track(module: Module, function: Node, role: Role, kind: str) -> Tracked:
    """Follow the first parameter of a function."""
    tracker = _Tracker(module, kind)
    tracker.enter(function, 0, role, DEPTH)
    return tracker.found


class _Tracker:
    def __init__(self, module: Module, kind: str) -> None:
        self._module = module
        self._properties = _OF_BROADCAST if kind == "broadcast" else _OF_CHANGE
        self._seen: set[tuple[int, Role]] = set()
        self.found = Tracked()

    def enter(self, function: Node, position: int, role: Role, depth: int) -> None:
        """Follow a parameter of a function."""
        for declaration in self._module.parameters_of(function):
            if declaration.position == position:
                self._cast(declaration.node.parent)
                self._declared(declaration, role, depth)

    def _declared(self, declaration: Declaration, role: Role, depth: int) -> None:
        """Follow a name that is bound to a value, or to a part of it."""
        for step in declaration.path:
            if step == "...":
                break
            if role.kind == "row":
                column = Role("column", role.side, step)
                self._use(declaration.node, column)
                role = column
            elif role.kind == "payload":
                inner = self._properties.get(step)
                if inner is None:
                    return
                role = inner
            else:
                return
        key = (declaration.node.id, role)
        if key in self._seen:
            return
        self._seen.add(key)
        for use in self._module.uses(declaration):
            self._flow(use, role, depth)

    def _flow(self, node: Node, role: Role, depth: int) -> None:
        """What happens with an expression that has a role."""
        self.found.roles[node.id] = role
        top = self._casts_around(node)
        parent = top.parent
        if parent is None:
            return
        if top.type == "shorthand_property_identifier":
            self._escape(node, role)
        elif parent.type in ("member_expression", "subscript_expression") and _is(parent, "object", top):
            self._member(parent, role, depth)
        elif parent.type == "variable_declarator":
            self._cast(parent)
            for declaration in self._module.initialised_with(node):
                self._declared(declaration, role, depth)
        elif parent.type == "binary_expression":
            self._binary(parent, top, role, depth)
        elif parent.type == "ternary_expression":
            self._ternary(parent, top, role, depth)
        elif parent.type in ("if_statement", "unary_expression", "while_statement"):
            self._tested(node, role)
        elif parent.type == "arguments":
            self._argument(parent, top, role, depth)
        elif parent.type not in ("expression_statement", "switch_statement"):
            self._escape(node, role)

    def _casts_around(self, node: Node) -> Node:
        top = outermost(node)
        current = node
        while current != top and current.parent is not None:
            current = current.parent
            if current.type == "as_expression" and current.named_child_count > 1:
                self.found.casts[text(current.named_children[-1])] = None
        return top

    def _cast(self, node: Node | None) -> None:
        """The type that a declaration or a parameter is given."""
        annotation = field(node, "type")
        if annotation is not None:
            self.found.casts[text(annotation).lstrip(": ")] = None

    def _member(self, member: Node, role: Role, depth: int) -> None:
        index = unwrapped(field(member, "index"))
        name = literal_string(index) if index is not None else text(field(member, "property"))
        if role.kind == "payload":
            inner = self._properties.get(name or "")
            if inner is not None:
                self._flow(member, inner, depth)
        elif role.kind == "row":
            column = Role("column", role.side, name or "*")
            if not self._is_method(member):
                self._use(member, column)
                self._flow(member, column, depth)
        elif role.kind == "column" and self._is_method(member):
            pass  # text.trim() and the like: the column was counted
        elif role.kind == "column":
            self._flow(member, role, depth)

    def _is_method(self, member: Node) -> bool:
        top = outermost(member)
        return top.parent is not None and top.parent.type == "call_expression" and callee(top.parent) == member

    def _binary(self, parent: Node, top: Node, role: Role, depth: int) -> None:
        operator = text(field(parent, "operator"))
        left = _is(parent, "left", top)
        if operator in _COMPARING:
            other = unwrapped(field(parent, "right" if left else "left"))
            if role.kind == "column":
                self.found.tests.append((parent, role, operator, other))
            elif role.kind == "status" and _goes_somewhere(parent):
                self._escape(top, role)
        elif operator in _ITSELF_OR or (operator == "&&" and not left):
            self._flow(parent, role, depth)
        elif operator == "&&":
            self._tested(top, role)

    def _ternary(self, parent: Node, top: Node, role: Role, depth: int) -> None:
        if _is(parent, "condition", top):
            self._tested(top, role)
        else:
            self._flow(parent, role, depth)

    def _tested(self, node: Node, role: Role) -> None:
        if role.kind == "column":
            self.found.tests.append((node, role, "truthy", None))

    def _argument(self, listed: Node, top: Node, role: Role, depth: int) -> None:
        call = listed.parent
        function = callee(call) if call is not None and call.type == "call_expression" else None
        if call is None or function is None:
            self._escape(top, role)
            return
        name = text(function)
        if role.kind != "status" and (name.startswith("console.") or name in ("Object.keys", "Boolean")):
            return
        method = method_call(call)
        if method is not None and method[1] in ("includes", "has") and role.kind == "column":
            self.found.tests.append((call, role, method[1], method[0]))
            return
        position = next((at for at, given in enumerate(arguments(call)) if is_inside(given, top)), 0)
        followed = function_of(self._module, function) if depth else None
        if followed is not None:
            self.enter(followed, position, role, depth - 1)
            return
        self._escape(top, role)
        self.found.passed.append((call, position, role))

    def _use(self, node: Node, role: Role) -> None:
        self.found.uses.append(Use(node, role.side, role.column))

    def _escape(self, node: Node, role: Role) -> None:
        """The value goes where it is not followed."""
        if role.kind == "status":
            self.found.uses.append(Use(node, "new", "status"))
        elif role.kind == "column":
            self._use(node, role)
        elif role.kind == "row":
            self.found.uses.append(Use(node, role.side, "*"))
        elif role.kind == "payload":
            self.found.uses.append(Use(node, "new", "*"))
            if self._properties is _OF_CHANGE:
                self.found.uses.append(Use(node, "old", "*"))


def _goes_somewhere(comparison: Node) -> bool:
    """Whether the outcome of a comparison is kept: `setConnected(status === 'SUBSCRIBED')`."""
    parent = outermost(comparison).parent
    return parent is not None and parent.type in ("arguments", "pair", "variable_declarator", "assignment_expression")


def _is(parent: Node, name: str, node: Node) -> bool:
    return field(parent, name) == node


def compared_with(module: Module, other: Node | None, function: Node, tracked: Tracked) -> tuple[Text, bool]:
    """What a column is compared with, and whether that comes from outside of the handler."""
    if other is None:
        return Text("true"), True
    if other.id in tracked.roles:
        return evaluate(module, other), False
    root = other
    while root.type in ("member_expression", "subscript_expression", "call_expression"):
        inner = unwrapped(field(root, "function" if root.type == "call_expression" else "object"))
        if inner is None:
            break
        root = inner
    declaration = module.resolve(root) if root.type == "identifier" else None
    outside = declaration is None or not is_inside(declaration.node, function)
    if declaration is not None and wrapping_call(function) is None:
        outside = outside and declaration.function != function
    return evaluate(module, other), outside
