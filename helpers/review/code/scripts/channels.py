"""`.channel(…)`, and all that is done with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from helpers.review.code.scripts.cleanups import in_cleanup
from helpers.review.code.scripts.conditions import conditions, outcomes
from helpers.review.code.scripts.effects import effect_of
from helpers.review.code.scripts.functions import function_of
from helpers.review.code.scripts.handlers import CHANGES, STATUSES, handler_of
from helpers.review.code.scripts.holders import Trail
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import is_nothing, meaning_in, object_node
from helpers.review.code.scripts.options import flat_options, member
from helpers.review.code.scripts.payload import Role, track
from helpers.review.code.scripts.rates import rate_of, slowed
from helpers.review.code.scripts.standing import last_name, where
from helpers.review.code.scripts.stores import PRISMA_READS, prisma_call, table_call
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    callee,
    enclosing,
    field,
    is_inside,
    method_call,
    text,
)
from helpers.review.code.scripts.values import UNKNOWN, evaluate
from helpers.review.inventory import Binding, Channel, Deed, Handler, Removal, Send, Text
from helpers.review.source import Place

__all__ = ["channels"]

#: Kinds of bindings.
_KINDS = frozenset({"postgres_changes", "broadcast", "presence", "system"})
_METHODS = frozenset({"on", "subscribe", "send", "httpSend", "track", "untrack", "unsubscribe", "presenceState"})
#: What else has a method `channel`.
_OTHERS = re.compile(
    r"(?i)echo|pusher|ably|slack|discord|guild|dispatcher|cable|socket\b|phoenix|amqp|rabbit|connection$"
)
_SUPABASE = re.compile(r"(?i)supa|realtime|^sb$|client")
_STATUS = re.compile(r"\b(SUBSCRIBED|CHANNEL_ERROR|TIMED_OUT|CLOSED)\b")
_STATEMENTS = frozenset({"expression_statement", "lexical_declaration", "variable_declaration", "return_statement"})


def channels(module: Module) -> tuple[Channel, ...]:
    """The channels that a file makes, in the order of the source."""
    found = [
        channel
        for call in module.nodes("call")
        if (owner := method_call(call)) is not None and owner[1] == "channel" and 1 <= len(arguments(call)) <= 2
        if (channel := _Reading(module, call, owner[0]).channel()) is not None
    ]
    return tuple(found)


class _Reading:
    """One `.channel(…)` call."""

    def __init__(self, module: Module, call: Node, owner: Node) -> None:
        self._module = module
        self._call = call
        self._owner = owner
        self._trail = Trail(module, call)
        self._calls = self._trail.calls
        self._subscribe = next((link for name, link in self._calls if name == "subscribe"), None)

    def channel(self) -> Channel | None:
        bindings = tuple(self._bindings())
        if not self._is_ours(bindings):
            return None
        given, subscribe = arguments(self._call), self._subscribe
        options = given[1] if len(given) > 1 else None
        status = self._status(subscribe)
        return Channel(
            evaluate(self._module, given[0]),
            self._part("channel", self._call),
            where(self._module, self._call),
            self._private(options),
            _config(self._module, options),
            bindings,
            text(self._owner)[:60],
            effect_of(self._module, subscribe or self._call),
            self._part("subscribe", subscribe) if subscribe is not None else None,
            where(self._module, subscribe or self._call),
            status is not None,
            _handled(self._module, subscribe),
            status is not None and _forwards(self._module, subscribe),
            status.deeds if status is not None else (),
            tuple(self._deeds_after(subscribe)),
            tuple(self._removals()),
            tuple(self._sends()),
            self._trail.variable,
            self._trail.escapes,
            statement=self._statement(),
        )

    def _is_ours(self, bindings: Sequence[Binding]) -> bool:
        """Whether it is Supabase's: by what it is made of, or by what is done with it."""
        if bindings:
            return True
        owner = text(self._owner)
        if _OTHERS.search(owner):
            return False
        if owner.endswith("realtime") or "supabase" in owner.lower():
            return True
        methods = {name for name, _ in self._calls}
        return bool(_SUPABASE.search(owner) and methods & _METHODS and b"supabase" in self._module.source)

    def _part(self, name: str, call: Node) -> Place:
        """A call in a chain, from its name to its closing parenthesis."""
        function = callee(call)
        word = field(function, "property") if function is not None else None
        return self._module.place(word, end=call) if word is not None else self._module.place(call)

    def _statement(self) -> Place | None:
        statement = enclosing(self._call, _STATEMENTS | FUNCTIONS)
        return self._module.place(statement) if statement is not None and statement.type in _STATEMENTS else None

    def _private(self, options: Node | None) -> bool | None:
        if options is None or is_nothing(options):
            return False
        if object_node(self._module, options) is None:
            return None
        config = next((value for name, value in _config(self._module, options) if name == "private"), None)
        if config is None:
            return False
        return {"true": True, "false": False}.get(config.value) if config.exact else None

    def _bindings(self) -> Iterator[Binding]:
        for name, call in self._calls:
            if name == "on":
                binding = self._binding(call)
                if binding is not None:
                    yield binding

    def _binding(self, call: Node) -> Binding | None:
        given = arguments(call)
        kind = _enum(evaluate(self._module, given[0])).value.lower() if given else ""
        if kind not in _KINDS:
            return None
        options = given[1] if len(given) > 1 else None
        handler = given[2] if len(given) > 2 else None
        if handler is None and options is not None and function_of(self._module, options) is not None:
            options, handler = None, options
        place = self._part("on", call)
        event = self._option(options, "event") or Text("*")
        known = object_node(self._module, options)
        schema, table, wanted, select = (
            self._change_option(kind, options, name) for name in ("schema", "table", "filter", "select")
        )
        return Binding(
            kind,  # type: ignore[arg-type]
            _enum(event),
            place,
            schema,
            table,
            wanted,
            select,
            self._handler(call, handler, kind, _enum(event)),
            self._module.place(known) if known is not None else None,
            self._is_after_subscribe(call),
        )

    def _option(self, options: Node | None, name: str) -> Text | None:
        return member(self._module, options, name)

    def _change_option(self, kind: str, options: Node | None, name: str) -> Text | None:
        found = self._option(options, name) if kind == "postgres_changes" else None
        return None if found is not None and found.exact and found.value in ("undefined", "null") else found

    def _handler(self, call: Node, handler: Node | None, kind: str, event: Text) -> Handler | None:
        types = field(call, "type_arguments")
        casts = [text(child) for child in types.named_children] if types is not None else []
        every = CHANGES if kind == "postgres_changes" else frozenset({"*"})
        if kind == "postgres_changes" and event.exact and event.value.upper() in CHANGES:
            every = frozenset({event.value.upper()})
        return handler_of(self._module, handler, kind, every=every, casts=casts)

    def _is_after_subscribe(self, call: Node) -> bool:
        subscribe = self._subscribe
        if subscribe is None or call.end_byte <= subscribe.end_byte:
            return False
        return enclosing(call, FUNCTIONS) == enclosing(subscribe, FUNCTIONS)

    def _status(self, subscribe: Node | None) -> Handler | None:
        given = arguments(subscribe) if subscribe is not None else []
        if not given or is_nothing(given[0]):
            return None
        return handler_of(self._module, given[0], "status", every=STATUSES)

    def _deeds_after(self, subscribe: Node | None) -> Iterator[Deed]:
        """Reads and writes of the database below `subscribe()`, in the same function."""
        function = enclosing(subscribe, FUNCTIONS) if subscribe is not None else None
        if subscribe is None or function is None:
            return
        for call in self._module.nodes("call"):
            if call.start_byte >= subscribe.end_byte and enclosing(call, FUNCTIONS) == function:
                yield from _store_deed(self._module, call)

    def _removals(self) -> Iterator[Removal]:
        for name, call in self._calls:
            if name in ("unsubscribe", "teardown"):
                yield self._removal(name, call)
        for name, node in self._trail.removals:
            yield self._removal(name, node)
        for call in self._module.nodes("call"):
            if last_name(call) == "removeAllChannels":
                yield self._removal("removeAllChannels", call)
        for node in self._module.named("removeAllChannels"):
            if (
                node.parent is not None
                and node.parent.parent is not None
                and node.parent.parent.type != "call_expression"
            ):
                yield self._removal("removeAllChannels", node.parent)

    def _removal(self, how: str, node: Node) -> Removal:
        place = self._module.place(node)
        return Removal(how, place, where(self._module, node), in_cleanup(self._module, node))

    def _sends(self) -> Iterator[Send]:
        for name, call in self._calls:
            if name in ("send", "track", "untrack", "httpSend"):
                yield self._send(name, call)

    def _send(self, name: str, call: Node) -> Send:
        given = arguments(call)
        event = Text("")
        if name == "send":
            event = (member(self._module, given[0], "event") if given else None) or UNKNOWN
        elif name == "httpSend":
            event = evaluate(self._module, given[0]) if given else UNKNOWN
        rate, every_ms = rate_of(self._module, call)
        kind = {"send": "broadcast", "httpSend": "http"}.get(name, name)
        return Send(
            kind,  # type: ignore[arg-type]
            event,
            self._part(name, call),
            where(self._module, call),
            rate,
            every_ms,
            self._when(call),
            slowed(self._module, call),
        )

    def _when(self, call: Node) -> str:
        subscribe = self._subscribe
        if subscribe is None:
            return ""
        given = arguments(subscribe)
        callback = function_of(self._module, given[0]) if given else None
        if callback is not None and is_inside(call, callback):
            found = track(self._module, callback, Role("status"), "status")
            reached = STATUSES
            for test, holds in conditions(call, callback):
                reached &= outcomes(test, holds, found.is_event, STATUSES, meaning_in(self._module))
            return "subscribed" if reached == {"SUBSCRIBED"} else ""
        after = call.start_byte >= subscribe.end_byte or is_inside(subscribe, call)
        return "after_subscribe" if after and enclosing(call, FUNCTIONS) == enclosing(subscribe, FUNCTIONS) else ""


def _enum(value: Text) -> Text:
    """A member of supabase-js's enums as its value: `REALTIME_LISTEN_TYPES.POSTGRES_CHANGES`."""
    if value.exact or not value.parts:
        return value
    hole = value.parts[0]
    name = hole if isinstance(hole, str) else hole.name
    if len(value.parts) > 1 or not name.startswith("REALTIME_"):
        return value
    last = name.rpartition(".")[2]
    return Text("*" if last == "ALL" else last)


def _config(module: Module, options: Node | None) -> tuple[tuple[str, Text], ...]:
    return tuple((name.removeprefix("config."), value) for name, value in flat_options(module, options))


def _handled(module: Module, subscribe: Node | None) -> tuple[str, ...]:
    given = arguments(subscribe) if subscribe is not None else []
    function = function_of(module, given[0]) if given else None
    return tuple(dict.fromkeys(_STATUS.findall(text(function)))) if function is not None else ()


def _forwards(module: Module, subscribe: Node | None) -> bool:
    given = arguments(subscribe) if subscribe is not None else []
    function = function_of(module, given[0]) if given else None
    if function is None or _uses_error(module, function):
        return True
    return any(use.column == "status" for use in track(module, function, Role("status"), "status").uses)


def _uses_error(module: Module, function: Node) -> bool:
    """Whether a status callback looks at the error that comes as its second parameter."""
    return any(each.position == 1 and module.uses(each) for each in module.parameters_of(function))


def _store_deed(module: Module, call: Node) -> Iterator[Deed]:
    table = table_call(module, call, standing=False)
    if table is not None:
        kind = {"select": "table_read", "insert": "table_insert"}.get(table.method, "table_write")
        key = tuple(column for column, _, _ in table.conditions)
        yield Deed(kind, table.table.value, table.place, table.method, key=key)  # type: ignore[arg-type]
    prisma = prisma_call(module, call, standing=False)
    if prisma is not None:
        kind = "prisma_read" if prisma.method in PRISMA_READS else "prisma_write"
        yield Deed(kind, prisma.model, prisma.place, prisma.method, key=prisma.key)  # type: ignore[arg-type]
