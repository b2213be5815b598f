"""Everything that is done with a value, wherever it is held.

A channel is made once and then lives in a variable, a ref, a field, a state, a list, or in what a function returns.
`Trail` follows it there and reports each method called on it, each `removeChannel` of it, and whether it goes where it
cannot be followed.
"""

from __future__ import annotations

from tree_sitter import Node

from helpers.review.code.scripts.exports import exported_names
from helpers.review.code.scripts.functions import callers, declaration_of, function_of, wrapping_call
from helpers.review.code.scripts.module import Declaration, Module
from helpers.review.code.scripts.names import EFFECTS, ITERATORS, MEMOS, PASSING
from helpers.review.code.scripts.standing import last_name
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    callee,
    chain_above,
    enclosing,
    field,
    is_call,
    method_call,
    outermost,
    parameters,
    text,
    unwrapped,
)

__all__ = ["Trail"]

_DEPENDING = EFFECTS | PASSING | frozenset({"useMemo"})
_COLLECTING = frozenset({"push", "add", "unshift", "set"})
_HOLDING = MEMOS | frozenset({"ref", "shallowRef", "markRaw", "$state", "$state.raw", "signal", "all", "resolve"})
_TAKING = frozenset({"get", "at", "pop", "shift", "values", "find"})
_ONLY_READ = frozenset({"log", "debug", "info", "warn", "error", "Boolean", "String"})
_CLASS_BODIES = frozenset({"class_body", "object"})


class Trail:
    """Where a value goes from the expression that makes it.

    Attributes:
        calls: methods called on it: the name and the call, in the order of the source.
        removals: places where it is given to `removeChannel`, or its `unsubscribe` is handed over uncalled.
        variable: the first thing that holds it.
        escapes: see `Channel.escapes`.
    """

    def __init__(self, module: Module, made: Node) -> None:
        self._module = module
        self._seen: set[int] = set()
        self._calls: dict[int, tuple[str, Node]] = {}
        self.removals: list[tuple[str, Node]] = []
        self.variable = ""
        self.escapes = ""
        self._use(made)

    @property
    def calls(self) -> list[tuple[str, Node]]:
        return sorted(self._calls.values(), key=lambda link: link[1].end_byte)

    def _use(self, node: Node) -> None:
        """An expression that is the value, or a collection of such values."""
        if node.id in self._seen:
            return
        self._seen.add(node.id)
        last = node
        for name, call in chain_above(node):
            self._calls[call.id] = (name, call)
            last = call
            if name in ITERATORS:
                self._each(call)
                if name != "filter":
                    return
            elif name in _TAKING:
                self._use(call)
                return
            elif name not in ("on", "subscribe"):
                return
        self._goes(last)

    def _each(self, call: Node) -> None:
        """`channels.forEach(channel => …)`, `channels.forEach(supabase.removeChannel)`."""
        given = arguments(call)
        function = function_of(self._module, given[0]) if given else None
        if function is not None:
            self._enter(function, 0)
        elif given and text(given[0]).endswith("removeChannel"):
            self.removals.append(("removeChannel", call))

    def _enter(self, function: Node, position: int) -> None:
        for declaration in self._module.parameters_of(function):
            if declaration.position == position and not declaration.path:
                self._hold(declaration)

    def _hold(self, declaration: Declaration) -> None:
        self.variable = self.variable or declaration.name
        statement = enclosing(declaration.node, frozenset({"export_statement", "statement_block"}))
        if statement is not None and statement.type == "export_statement":
            self.escapes = self.escapes or "exported"
        for use in self._module.uses(declaration):
            self._use(self._content(use))

    @staticmethod
    def _content(use: Node) -> Node:
        """Of a ref the member that holds the value."""
        member = outermost(use).parent
        if member is None or member.type != "member_expression" or unwrapped(field(member, "object")) != use:
            return use
        return member if text(field(member, "property")) in ("current", "value") else use

    def _goes(self, node: Node) -> None:
        """What the value of an expression is put into."""
        top = outermost(node)
        parent = top.parent
        if parent is None:
            return
        if parent.type == "variable_declarator":
            for declaration in self._module.initialised_with(node):
                if declaration.path in ((), ("0",)) or declaration.path[0].isdigit():
                    self._hold(declaration)
        elif parent.type == "assignment_expression":
            if field(parent, "right") == top:
                self._assigned(field(parent, "left"))
                self._goes(parent)
        elif parent.type in ("public_field_definition", "field_definition"):
            self._field(parent, text(field(parent, "name") or field(parent, "property")))
        elif parent.type == "return_statement" or (parent.type == "arrow_function" and field(parent, "body") == top):
            self._returned(enclosing(top, FUNCTIONS))
        elif parent.type == "arguments":
            self._argument(node, parent)
        else:
            self._goes_further(parent, top)

    def _goes_further(self, parent: Node, top: Node) -> None:
        if parent.type in ("array", "spread_element", "ternary_expression"):
            if field(parent, "condition") != top:
                self._use(parent) if parent.type == "array" else self._goes(parent)
        elif parent.type == "binary_expression":
            if text(field(parent, "operator")) in ("??", "||", "&&") and field(parent, "right") == top:
                self._goes(parent)
        elif parent.type == "for_in_statement" and field(parent, "right") == top:
            for declaration in self._module.initialised_with(unwrapped(top) or top):
                self._hold(declaration)
        elif parent.type == "subscript_expression" and field(parent, "object") == top:
            self._use(parent)
        elif parent.type == "member_expression":
            if text(field(parent, "property")) in ("unsubscribe", "teardown"):
                self.removals.append(("unsubscribe", parent))
        elif parent.type in ("pair", "object"):
            self.escapes = self.escapes or "returned"  # return { channel }

    def _assigned(self, left: Node | None) -> None:
        left = unwrapped(left)
        if left is None:
            return
        self.variable = self.variable or text(left)
        while left is not None and left.type == "subscript_expression":
            left = unwrapped(field(left, "object"))
        if left is None:
            return
        owner = unwrapped(field(left, "object")) if left.type == "member_expression" else None
        if left.type == "identifier":
            self._hold_name(left)
        elif owner is not None and owner.type == "this":
            self._field(left, text(field(left, "property")))
        elif owner is not None and owner.type == "identifier":
            self._hold_name(owner)
        else:
            self.escapes = self.escapes or "passed"

    def _hold_name(self, name: Node) -> None:
        declaration = self._module.resolve(name)
        if declaration is None or declaration.kind in ("import", "parameter"):
            self.escapes = self.escapes or "passed"
        if declaration is not None:
            self._hold(declaration)

    def _field(self, node: Node, name: str) -> None:
        """A field of a class: every `this.name` in it."""
        self.variable = self.variable or f"this.{name}"
        body = enclosing(node, _CLASS_BODIES)
        for use in self._module.named(name, within=body):
            member = use.parent
            owner = field(member, "object")
            if member is not None and owner is not None and owner.type == "this":
                self._use(member)

    def _returned(self, function: Node | None) -> None:
        """What a function returns: to its callers, or to what it was given to."""
        if function is None:
            return
        call = wrapping_call(function)
        if call is None and _is_argument_of_new(function):
            return  # new Promise((resolve) => channel.subscribe(resolve))
        if call is not None and (
            last_name(call) in _HOLDING or last_name(call) in ITERATORS or last_name(call) == "from"
        ):
            if last_name(call) != "forEach":
                self._use(call)
            return
        for caller in callers(self._module, function):
            self._use(caller)
        if self._has_other_callers(function):
            self.escapes = self.escapes or "returned"

    def _has_other_callers(self, function: Node) -> bool:
        """Whether more than the calls in its file may get what a function returns."""
        declaration = declaration_of(self._module, function)
        if declaration is None or exported_names(self._module, function, declaration.name):
            return True
        return any(not is_call(outermost(use).parent) for use in self._module.uses(declaration))

    def _argument(self, node: Node, listed: Node) -> None:
        call = listed.parent
        if call is None or not is_call(call):
            self.escapes = self.escapes or "passed"
            return
        name, owner = last_name(call), method_call(call)
        if name in _DEPENDING and arguments(call)[0] != node:
            return  # among the dependencies
        if name == "removeChannel":
            self.removals.append((name, call))
        elif name in _HOLDING:
            self._use(call)
        elif name in _COLLECTING and owner is not None:
            self._assigned(owner[0])
        elif not self._state(call, name) and name not in _ONLY_READ:
            self._given(node, call)

    def _state(self, call: Node, name: str) -> bool:
        """`setChannel(channel)`: whoever reads the state has the channel."""
        function = callee(call)
        setter = self._module.resolve(function) if function is not None and function.type == "identifier" else None
        if setter is None or setter.path != ("1",) or setter.value is None:
            return False
        for declaration in self._module.initialised_with(setter.value):
            if declaration.path == ("0",):
                self._hold(declaration)
        return True

    def _given(self, node: Node, call: Node) -> None:
        function = function_of(self._module, callee(call))
        position = next((at for at, given in enumerate(arguments(call)) if given == unwrapped(node)), -1)
        if function is None or position < 0 or position >= len(parameters(function)):
            self.escapes = self.escapes or "passed"
            return
        self._enter(function, position)


def _is_argument_of_new(function: Node) -> bool:
    listed = outermost(function).parent
    return listed is not None and listed.parent is not None and listed.parent.type == "new_expression"
