"""What a handler does, calls of functions of the same file included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from helpers.review.code.scripts.conditions import all_labels, case_labels, conditions, outcomes
from helpers.review.code.scripts.delays import delayed, timing
from helpers.review.code.scripts.functions import function_of, wrapping_call
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import meaning_in
from helpers.review.code.scripts.payload import Tracked
from helpers.review.code.scripts.standing import last_name
from helpers.review.code.scripts.stores import PRISMA_READS, prisma_call, table_call
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    callee,
    descendants,
    enclosing,
    field,
    is_call,
    is_inside,
    literal_string,
    method_call,
    outermost,
    properties,
    root_of,
    text,
    unwrapped,
)
from helpers.review.inventory import Deed, DeedKind

__all__ = ["deeds_of"]

#: How many functions deep a handler is followed.
DEPTH = 3
_SETTER = re.compile(r"set[A-Z]\w*$")
_NO_STATE = frozenset({"setTimeout", "setInterval", "setAuth", "setItem", "setAttribute", "setHeader", "setQueryData"})
_FETCHER = re.compile(r"(?:(?:re)?(?:fetch|load)|refresh|sync|mutate|revalidate|query)(?:[A-Z]\w*)?$")
#: A request that is no question.
_WRITING = re.compile(r"\bmethod:\s*['\"`](?:POST|PUT|PATCH|DELETE)")
#: As a function by itself; as a method it gets what is there already (`store.getState`).
_GETTER = re.compile(r"get[A-Z]\w*$")
#: The events of what no event leads to.
NEVER = ("never",)
#: Calls of these do nothing that the inventory tells.
_PLATFORM = frozenset({"Math", "JSON", "Object", "Array", "String", "Number", "Date", "Promise", "clearTimeout"})
_LIST_METHODS = frozenset({"push", "unshift", "splice"})
_REFRESHERS = frozenset({"invalidateAll", "revalidatePath", "revalidateTag", "refreshNuxtData"})
_INVALIDATORS = frozenset({"invalidateQueries", "refetchQueries", "resetQueries", "invalidate"})


def deeds_of(module: Module, function: Node, tracked: Tracked, every: frozenset[str]) -> tuple[Deed, ...]:
    """The deeds of a function in the order of the source.

    Args:
        tracked: what became of its payload.
        every: the event types (or statuses) that can reach it.
    """
    found = _Reader(module, tracked, every).deeds(function, DEPTH)
    return tuple(deed for deed in found if deed.events != NEVER)


class _Reader:
    def __init__(self, module: Module, tracked: Tracked, every: frozenset[str]) -> None:
        self._module = module
        self._tracked = tracked
        self._every = every
        self._entered: set[int] = set()
        self._handler: Node | None = None

    def deeds(self, function: Node, depth: int) -> Iterator[Deed]:
        if function.id in self._entered:
            return
        self._handler = self._handler or function
        self._entered.add(function.id)
        body = field(function, "body")
        if body is None:
            return
        for node in (unwrapped(body) or body, *descendants(body)):
            if self._is_of_another_handler(node, function):
                continue
            if is_call(node):
                yield from self._call(node, function, depth)
            elif node.type in ("assignment_expression", "augmented_assignment_expression"):
                yield from self._assigned(node, function)
        self._entered.discard(function.id)

    def _is_of_another_handler(self, node: Node, function: Node) -> bool:
        """Whether a node runs when something else happens: in a function that is given to `on` or `subscribe`."""
        around = enclosing(node, FUNCTIONS)
        while around is not None and around != function and is_inside(around, function):
            call = wrapping_call(around)
            if call is not None and last_name(call) in ("on", "subscribe", "addEventListener"):
                return True
            around = enclosing(around, FUNCTIONS)
        return False

    def _call(self, call: Node, function: Node, depth: int) -> Iterator[Deed]:
        deed = self._known(call)
        if deed is not None:
            yield self._under(deed, call, function)
            return
        followed = function_of(self._module, callee(call)) if depth else None
        if followed is not None and not is_inside(call, followed):
            yield from self._followed(call, followed, function, depth)
        elif _asks(call) and self._is_ours(call, function):
            yield self._under(self._deed("refetch", last_name(call), call), call, function)
        elif self._is_statement(call) and self._is_ours(call, function) and not self._goes_on_from_known(call):
            yield self._under(self._deed("other", text(callee(call))[:60], call), call, function)

    def _followed(self, call: Node, followed: Node, function: Node, depth: int) -> Iterator[Deed]:
        """The deeds of a function of the file, and whether that is to read a list again."""
        inner = list(self.deeds(followed, depth - 1))
        timed = timing(self._module, callee(call))
        place = self._module.place(call)
        if any(deed.kind in ("table_read", "prisma_read", "refetch") for deed in inner) or _fetches(followed):
            deed = replace(self._deed("refetch", last_name(call), call), timed=timed)
            yield self._under(deed, call, function)
        for deed in inner:
            within = replace(deed, via=(place, *deed.via), timed=timed or deed.timed)
            yield self._under(within, call, function)

    def _known(self, call: Node) -> Deed | None:
        return self._stored(call) or self._stated(call) or self._framework(call)

    def _stored(self, call: Node) -> Deed | None:
        table = table_call(self._module, call, standing=False)
        if table is not None:
            kinds: dict[str, DeedKind] = {"select": "table_read", "insert": "table_insert"}
            deed = self._deed(kinds.get(table.method, "table_write"), table.table.value, call, table.method)
            return replace(deed, key=tuple(column for column, _, _ in table.conditions))
        prisma = prisma_call(self._module, call, standing=False)
        if prisma is not None:
            kind: DeedKind = "prisma_read" if prisma.method in PRISMA_READS else "prisma_write"
            return replace(self._deed(kind, prisma.model, call, prisma.method), key=prisma.key)
        return None

    def _stated(self, call: Node) -> Deed | None:
        """The setter of a state, a store's dispatch, a list that a component shows."""
        name, owner = last_name(call), method_call(call)
        if name == "setQueryData":
            return self._deed("set_state", text(callee(call)), call, "cache")
        if (_SETTER.match(name) and name not in _NO_STATE) or self._is_setter(callee(call)):
            detail = _how_set(call)
            return self._deed("append_state" if detail == "append" else "set_state", name, call, detail)
        if name in ("dispatch", "setState"):
            return self._deed("set_state", name, call)
        if name == "set" and owner is None and self._is_parameter(callee(call)):
            detail = _how_set(call)
            return self._deed("append_state" if detail == "append" else "set_state", name, call, detail)
        if owner is not None and name in _LIST_METHODS and self._is_shown(owner[0]):
            return self._deed("append_state", text(owner[0]), call, "append")
        if owner is not None and name in ("update", "set") and self._is_store(owner[0]):
            return self._deed("set_state", text(owner[0]), call, _how_set(call))
        return None

    def _is_setter(self, name: Node | None) -> bool:
        """Whether a name is the second that `useState` gives, whatever it is called."""
        declaration = self._module.resolve(name) if name is not None and name.type == "identifier" else None
        made = declaration.value if declaration is not None and declaration.path == ("1",) else None
        return made is not None and is_call(made) and last_name(made) in ("useState", "useReducer", "createSignal")

    def _is_parameter(self, name: Node | None) -> bool:
        """Whether a name is what its function is given first, as a store's creator is given `set`."""
        declaration = self._module.resolve(name) if name is not None else None
        return declaration is not None and declaration.kind == "parameter" and declaration.position == 0

    def _framework(self, call: Node) -> Deed | None:
        name, owner = last_name(call), method_call(call)
        whole = text(callee(call))
        if whole.startswith(("console.", "logger.")):
            return self._deed("log", whole, call)
        if name in _INVALIDATORS or (name == "mutate" and (owner is None or "swr" in whole.lower())):
            return self._deed("invalidate", whole, call)
        if whole in ("router.refresh", "router.reload", "router.replace", "location.reload", "window.location.reload"):
            return self._deed("router_refresh", whole, call)
        if name in _REFRESHERS:
            return self._deed("router_refresh", whole, call)
        if owner is not None and name == "send" and _sends_broadcast(call):
            return self._deed("broadcast", text(owner[0]), call)
        return None

    def _assigned(self, node: Node, function: Node) -> Iterator[Deed]:
        """Vue's `list.value = …`, and Svelte's assignments to what a component declares."""
        left = field(node, "left")
        if left is None or not self._is_shown(left):
            return
        right = unwrapped(field(node, "right"))
        spread = right is not None and right.type == "array" and "..." in text(right)
        detail = "append" if spread else "replace"
        kind: DeedKind = "append_state" if spread else "set_state"
        yield self._under(self._deed(kind, text(left), node, detail), node, function)

    def _is_shown(self, node: Node) -> bool:
        """Whether assigning to it, or pushing to it, changes what a component of Vue or Svelte shows."""
        base = root_of(node)
        if base is not None and base.type == "this":
            return True  # a component that is a class
        declaration = self._module.resolve(base) if base is not None and base.type == "identifier" else None
        if declaration is None or declaration.scope.type == "import" or declaration.value is None:
            return declaration is not None and self._is_svelte_state(declaration.kind, declaration.scope)
        made = text(field(declaration.value, "function"))
        if made in ("ref", "reactive", "shallowRef", "useState", "$state") and ".value" in text(node) + ".value":
            return True
        return self._is_svelte_state(declaration.kind, declaration.scope)

    def _is_svelte_state(self, kind: str, scope: Node) -> bool:
        return self._module.language == "svelte" and kind == "let" and scope == self._module.root

    def _is_store(self, node: Node) -> bool:
        if text(node).startswith("this."):
            return True  # a signal of a class
        declaration = self._module.resolve(node) if node.type == "identifier" else None
        if declaration is None:
            return False
        made = text(field(declaration.value, "function")) if declaration.value is not None else ""
        return made in ("writable", "signal") or (
            declaration.kind == "import" and "store" in declaration.module.lower()
        )

    def _is_ours(self, call: Node, function: Node) -> bool:
        """Whether the function called is a name of the application, not a method of a local value."""
        base = root_of(callee(call))
        if base is None or base.type != "identifier":
            return base is not None and base.type == "this"
        declaration = self._module.resolve(base)
        if declaration is None:
            return text(base) not in _PLATFORM
        is_method = field(callee(call), "object") is not None
        return not (is_method and is_inside(declaration.node, function))

    def _goes_on_from_known(self, call: Node) -> bool:
        """Whether a call is chained onto one that is a deed already: `from('a').insert(row)`."""
        owner = method_call(call)
        while owner is not None:
            if is_call(owner[0]) and self._known(owner[0]) is not None:
                return True
            owner = method_call(owner[0])
        return False

    def _is_statement(self, call: Node) -> bool:
        parent = outermost(call).parent
        while (
            parent is not None
            and parent.type == "binary_expression"
            and text(field(parent, "operator")) in ("&&", "||")
        ):
            parent = outermost(parent).parent
        return parent is not None and parent.type in ("expression_statement", "arrow_function")

    def _deed(self, kind: DeedKind, target: str, node: Node, detail: str = "") -> Deed:
        return Deed(kind, target, self._module.place(node), detail, takes=self._taken(node))

    def _taken(self, node: Node) -> tuple[str, ...]:
        """Columns that the arguments of a call, and of the calls chained onto it, have of the payload."""
        whole = _statement_part(node)
        columns = dict.fromkeys(use.column for use in self._tracked.uses if is_inside(use.node, whole))
        return ("*",) if "*" in columns else tuple(columns)

    def _under(self, deed: Deed, node: Node, function: Node) -> Deed:
        """The deed with the events that lead to it, and with how it is delayed."""
        reached = self._reached(node, function)
        if deed.events:
            reached &= frozenset(deed.events)  # none of `NEVER`
        events = () if reached == self._every else tuple(sorted(reached)) or NEVER
        return replace(deed, events=events, timed=deed.timed or delayed(self._module, node, function))

    def _reached(self, node: Node, function: Node) -> frozenset[str]:
        reached = self._every
        for test, holds in conditions(node, function):
            reached &= outcomes(test, holds, self._tracked.is_event, self._every, meaning_in(self._module))
        for labels in case_labels(node, function, self._tracked.is_event):
            reached &= labels if labels is not None else self._every - all_labels(node)
        return reached


def _how_set(call: Node) -> str:
    """How a state is set: by adding to a list, by replacing it, or by something else."""
    given = arguments(call)
    if not given:
        return "replace"
    value = given[0]
    if value.type == "arrow_function":
        body = text(field(value, "body"))
        if re.search(r"\[\s*\.\.\.|\.concat\(|,\s*\.\.\.\w+\s*\]", body):
            return "append"
        return "merge"
    return "append" if value.type == "array" and "..." in text(value) else "replace"


def _asks(call: Node) -> bool:
    """Whether the name of a function says that it asks for something."""
    name, function = last_name(call), callee(call)
    if _FETCHER.match(name):
        return not _WRITING.search(text(field(call, "arguments")))
    return function is not None and function.type == "identifier" and bool(_GETTER.match(name))


def _sends_broadcast(call: Node) -> bool:
    given = arguments(call)
    return any(
        key == "type" and literal_string(value) == "broadcast" for key, value in properties(given[0] if given else None)
    )


def _fetches(function: Node) -> bool:
    """Whether a function asks a server by `fetch`, `axios.get` or a remote procedure."""
    return any(
        is_call(node) and (text(callee(node)) in ("fetch", "$fetch") or text(callee(node)).startswith("axios."))
        for node in descendants(function)
    )


def _statement_part(node: Node) -> Node:
    """A call with all that is chained onto it."""
    top = node
    while top.parent is not None and top.parent.type in ("member_expression", "call_expression", "await_expression"):
        if top.parent.type == "call_expression" and callee(top.parent) != top:
            break
        top = top.parent
    return top
