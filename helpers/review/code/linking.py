"""What several files know together: constants that are imported, and helpers that are called with constants.

A channel whose topic, table or handler is a parameter of a helper becomes one channel for each call of that helper
that could be found; without any call it stays a pattern.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from helpers.review.code.drafts import Draft, Export, Helper, HelperCall, Value
from helpers.review.code.paths import Paths
from helpers.review.code.texts import filled
from helpers.review.inventory import (
    Binding,
    Channel,
    Deed,
    Effect,
    FileFacts,
    Given,
    Handler,
    Hole,
    PassedOn,
    Removal,
    Text,
    Where,
)
from helpers.review.source import Place

__all__ = ["linked", "wanted_functions", "wanted_modules"]

T = TypeVar("T")
Fill = Callable[[Hole], Text | None]
#: Helpers that call helpers are followed so far.
DEPTH = 4
#: A helper that is called more often is listed once for each of the first so many calls.
MOST_CALLS = 200
_WHOLE: tuple[type, ...] = (Place, Where, Effect)


def wanted_modules(drafts: Iterable[Draft], paths: Paths) -> set[str]:
    """The files from which constants are imported that channels and table calls are made with."""
    wanted = set()
    for draft in drafts:
        for hole in _holes((draft.facts.channels, draft.facts.table_calls, draft.calls)):
            if hole.origin[:1] == ("import",):
                wanted.add(paths.file(hole.origin[1], draft.facts.path))
    return wanted - {""}


def wanted_functions(drafts: Iterable[Draft], paths: Paths) -> set[str]:
    """The files from which functions are imported that are given to a channel as handlers."""
    wanted = set()
    for draft in drafts:
        for passed in _passed(draft.facts.channels):
            if passed.hole.origin[:1] == ("import",):
                wanted.add(paths.file(passed.hole.origin[1], draft.facts.path))
    return wanted - {""}


def _passed(channels: Iterable[Channel]) -> Iterator[PassedOn]:
    handlers = (binding.handler for channel in channels for binding in channel.bindings)
    return (passed for handler in handlers if handler is not None for passed in handler.passes_on)


def linked(drafts: Iterable[Draft], paths: Paths, exports: Mapping[str, tuple[Export, ...]]) -> tuple[FileFacts, ...]:
    """The facts of all files, with what they know of each other filled in.

    Args:
        exports: of every file that could be needed, by its path.
    """
    filled = [_with_imports(draft, paths, exports) for draft in drafts]
    calls = _Calls(filled, paths, exports)
    return tuple(_instantiated(draft, calls) for draft in filled)


def _holes(node: Any) -> Iterator[Hole]:
    if isinstance(node, Hole):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from _holes(item)
    elif dataclasses.is_dataclass(node) and not isinstance(node, _WHOLE):
        for name in _fields(type(node)):
            yield from _holes(getattr(node, name))


_FIELDS: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(field.name for field in dataclasses.fields(kind))
    return _FIELDS[kind]


def _mapped(node: T, fill: Fill) -> T:
    """The same data with the holes of every text in it filled as far as `fill` can."""
    if isinstance(node, Text):
        return node if node.exact else filled(node, fill)  # type: ignore[return-value]
    if isinstance(node, tuple):
        items = tuple(_mapped(item, fill) for item in node)
        same = all(new is old for new, old in zip(items, node, strict=True))
        return node if same else items  # type: ignore[return-value]
    if dataclasses.is_dataclass(node) and not isinstance(node, (*_WHOLE, Hole)):
        changes = {}
        for name in _fields(type(node)):
            old = getattr(node, name)
            new = _mapped(old, fill)
            if new is not old:
                changes[name] = new
        return replace(node, **changes) if changes else node  # type: ignore[type-var]
    return node


def _with_imports(draft: Draft, paths: Paths, exports: Mapping[str, tuple[Export, ...]]) -> Draft:
    importer = draft.facts.path

    def fill(hole: Hole) -> Text | None:
        if hole.origin[:1] != ("import",):
            return None
        file = paths.file(hole.origin[1], importer)
        steps = hole.origin[2:] if hole.origin[2] != "*" else hole.origin[3:]
        return _exported(file, steps, paths, exports, DEPTH)

    def argument(hole: Hole) -> Value | None:
        file = paths.file(hole.origin[1], importer)
        return next((each.function for each in exports.get(file, ()) if each.steps == hole.origin[2:]), None)

    channels = tuple(_with_imported_handlers(channel, argument) for channel in draft.facts.channels)
    facts = replace(
        _mapped(replace(draft.facts, channels=channels), fill),
        imports=tuple(replace(each, file=paths.file(each.module, importer)) for each in draft.facts.imports),
    )
    return replace(draft, facts=facts, calls=_mapped(draft.calls, fill))


def _with_imported_handlers(channel: Channel, argument: Callable[[Hole], Value | None]) -> Channel:
    """A channel whose handlers are functions of other files, with what these do."""
    bindings = tuple(replace(binding, handler=_imported(binding.handler, argument)) for binding in channel.bindings)
    return replace(channel, bindings=bindings) if bindings != channel.bindings else channel


def _imported(handler: Handler | None, argument: Callable[[Hole], Value | None]) -> Handler | None:
    for passed in handler.passes_on if handler is not None else ():
        given = argument(passed.hole) if passed.hole.origin[:1] == ("import",) else None
        if handler is not None and given is not None:
            handler = _with_callback(handler, passed, given)
    return handler


def _exported(
    file: str, steps: tuple[str, ...], paths: Paths, exports: Mapping[str, tuple[Export, ...]], depth: int
) -> Text | None:
    """A constant of a file, or of one that it passes on."""
    if not depth or not steps:
        return None
    for export in exports.get(file, ()):
        if export.text is not None and export.steps == steps:
            return export.text if export.text.exact else None
        if export.module and export.steps[0] in (steps[0], "*"):
            inner = (export.imported, *steps[1:]) if export.imported != "*" else steps
            found = _exported(paths.file(export.module, file), inner, paths, exports, depth - 1)
            if found is not None:
                return found
    return None


class _Calls:
    """The calls of each helper, by its key."""

    def __init__(self, drafts: Iterable[Draft], paths: Paths, exports: Mapping[str, tuple[Export, ...]]) -> None:
        drafts = list(drafts)
        self.helpers = {helper.key: helper for draft in drafts for helper in draft.helpers}
        self._paths, self._exports = paths, exports
        self._by_name = {
            (draft.facts.path, name): helper.key
            for draft in drafts
            for helper in draft.helpers
            for name in helper.exported
        }
        self._calls: dict[str, list[HelperCall]] = {}
        for draft in drafts:
            for call in draft.calls:
                key = self._key(call, draft.facts.path)
                if key:
                    self._calls.setdefault(key, []).append(call)

    def _key(self, call: HelperCall, path: str) -> str:
        if call.callee[0] == "function":
            return call.callee[1]
        return self._exported(self._paths.file(call.callee[1], path), call.callee[2], DEPTH)

    def _exported(self, file: str, name: str, depth: int) -> str:
        if (file, name) in self._by_name or not depth or not file:
            return self._by_name.get((file, name), "")
        for export in self._exports.get(file, ()):
            if export.module and export.steps[0] in (name, "*"):
                inner = export.imported if export.imported != "*" else name
                found = self._exported(self._paths.file(export.module, file), inner, depth - 1)
                if found:
                    return found
        return ""

    def of(self, key: str) -> list[HelperCall]:
        return self._calls.get(key, [])[:MOST_CALLS]


def _instantiated(draft: Draft, calls: _Calls) -> FileFacts:
    channels = tuple(made for channel in draft.facts.channels for made in _instances(channel, calls, DEPTH))
    return replace(draft.facts, channels=channels)


def _instances(channel: Channel, calls: _Calls, depth: int) -> Iterator[Channel]:
    """A channel once for each call of the helper that it is a pattern of; itself if nobody calls."""
    key = _open_key(channel, calls)
    if key is None or not depth:
        yield channel
        return
    for call in calls.of(key):
        yield from _instances(_instance(channel, calls.helpers[key], call), calls, depth - 1)


def _open_key(channel: Channel, calls: _Calls) -> str | None:
    """The helper whose parameters are open in a channel, and which somebody calls; the innermost of several."""
    keys = {hole.origin[1] for hole in _holes(channel) if hole.origin[:1] == ("parameter",)}
    called = [key for key in keys if calls.of(key) and key in calls.helpers]
    return max(called, key=lambda key: int(key.rpartition(":")[2])) if called else None


def _instance(channel: Channel, helper: Helper, call: HelperCall) -> Channel:
    defaults = dict(helper.defaults)

    def argument(hole: Hole) -> Value | None:
        position, steps = int(hole.origin[2]), hole.origin[3:]
        return call.values[position].at(steps) if position < len(call.values) else None

    def fill(hole: Hole) -> Text | None:
        if hole.origin[:2] != ("parameter", helper.key):
            return None
        given = argument(hole)
        if given is not None:
            return given.text if given.text.known or given.text.parts else Text(hole.name, False, (Hole(hole.name),))
        if _is_open(call, hole):
            return Text("{" + hole.name + "}", False, (Hole(hole.name),))
        return defaults.get(hole.origin[2:], Text("undefined"))

    bindings = tuple(_bound(binding, helper, argument, call) for binding in channel.bindings)
    made = _mapped(replace(channel, bindings=bindings), fill)
    return replace(
        made,
        bindings=tuple(_without_undefined(binding) for binding in made.bindings),
        where=Where((*call.where.scopes, *made.where.scopes[1:])),
        subscribed_where=Where((*call.where.scopes, *made.subscribed_where.scopes[1:])),
        effect=made.effect or call.effect,
        through=(*made.through, call.place),
        removals=_kept_removals(made) if call.discarded and made.effect is None else made.removals,
    )


def _kept_removals(channel: Channel) -> tuple[Removal, ...]:
    """The removals of a channel whose helper returns a disposer that nobody keeps."""
    helpers = {scope.place for scope in channel.where.scopes if scope.kind in ("function", "method")}
    return tuple(each for each in channel.removals if helpers.isdisjoint(scope.place for scope in each.where.scopes))


def _is_open(call: HelperCall, hole: Hole) -> bool:
    """Whether the argument is there, but is an object whose properties are not known."""
    position = int(hole.origin[2])
    return position < len(call.values) and len(hole.origin) > 3 and call.values[position].items is None


def _without_undefined(binding: Binding) -> Binding:
    """`undefined` for an optional option is none."""
    changes: dict[str, Any] = {
        name: None
        for name in ("schema", "table", "filter", "select")
        if (value := getattr(binding, name)) is not None and value.exact and value.value == "undefined"
    }
    if binding.event.exact and binding.event.value == "undefined":
        changes["event"] = Text("*")
    return replace(binding, **changes) if changes else binding


def _bound(binding: Binding, helper: Helper, argument: Callable[[Hole], Value | None], call: HelperCall) -> Binding:
    """A binding whose handler calls what the helper is given."""
    handler = binding.handler
    if handler is None or not handler.passes_on:
        return binding
    known = [each for each in handler.passes_on if each.hole.origin[:2] == ("parameter", helper.key)]
    if len(known) == len(handler.passes_on):
        handler = _without_passed(handler)
    for passed in known:
        handler = _with_callback(handler, passed, argument(passed.hole))
    return replace(binding, handler=handler)


def _without_passed(handler: Handler) -> Handler:
    """A handler that passes whole rows on, and nothing else with them, reads what those read that get them."""
    given = {passed.gives for passed in handler.passes_on}
    whole = ("*",)
    return replace(
        handler,
        reads=() if handler.reads == whole and given & {"payload", "row"} else handler.reads,
        reads_old=() if handler.reads_old == whole and given & {"payload", "old"} else handler.reads_old,
    )


def _with_callback(handler: Handler, passed: PassedOn, given: Value | None) -> Handler:
    """A handler with what the function does that it calls."""
    rest = tuple(each for each in handler.passes_on if each != passed)
    inner = _called_with(given, passed.gives) if given is not None else _NOTHING
    if inner is None:
        return replace(handler, passes_on=rest)
    if not handler.deeds and not handler.payload_name and handler.name:  # it is nothing but that function
        return replace(inner, passes_on=(*rest, *inner.passes_on), name=handler.name)
    own = tuple(deed for deed in handler.deeds if not _is_call_of(deed, passed))
    deeds = (*own, *(replace(deed, events=passed.events or deed.events) for deed in inner.deeds))
    return replace(
        handler,
        reads=_united(handler.reads, inner.reads),
        reads_old=_united(handler.reads_old, inner.reads_old),
        events=_events(deeds) if handler.events else inner.events,
        comparisons=(*handler.comparisons, *inner.comparisons),
        deeds=deeds,
        casts=tuple(dict.fromkeys((*handler.casts, *inner.casts))),
        complete=not rest and inner.complete,
        passes_on=(*rest, *inner.passes_on),
    )


#: What an optional function does that is left out.
_NOTHING = Handler(Place("", 0))


def _is_call_of(deed: Deed, passed: PassedOn) -> bool:
    """Whether a deed is nothing but the call of a function that is known now."""
    name = passed.hole.name.rpartition(".")[2]
    return deed.kind == "other" and deed.events == passed.events and deed.target.rpartition(".")[2] == name


def _events(deeds: tuple[Deed, ...]) -> tuple[str, ...]:
    """The events of deeds that all have some."""
    real = [deed.events for deed in deeds if deed.kind != "log"]
    return tuple(sorted({event for events in real for event in events})) if all(real) else ()


def _called_with(given: Value, gives: Given) -> Handler | None:
    """What a function does with what it is given."""
    inner = {"payload": given.as_payload, "nothing": given.as_nothing}.get(gives, given.as_row)
    if inner is None or gives != "old":
        return inner
    comparisons = tuple(replace(each, side="old") for each in inner.comparisons)
    return replace(inner, reads=(), reads_old=inner.reads, comparisons=comparisons)


def _united(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return ("*",) if "*" in (*one, *other) else tuple(dict.fromkeys((*one, *other)))
