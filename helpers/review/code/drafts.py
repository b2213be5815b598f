"""A file's facts before other files have filled in what they know."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.review.inventory import Effect, FileFacts, Handler, Text, Where
from helpers.review.source import Place

__all__ = ["Draft", "Export", "Helper", "HelperCall", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """An argument of a call.

    Attributes:
        text: what it comes to.
        as_payload, as_row, as_nothing: if it is a function, what it does with a payload, a row, or nothing at all.
        items: if it is an object, its properties.
    """

    text: Text
    as_payload: Handler | None = None
    as_row: Handler | None = None
    as_nothing: Handler | None = None
    items: tuple[tuple[str, Value], ...] | None = None

    def at(self, steps: tuple[str, ...]) -> Value | None:
        """The value of a property; None if the object does not have it."""
        value: Value | None = self
        for step in steps:
            if value is None or value.items is None:
                return None
            value = dict(value.items).get(step)
        return value


@dataclass(frozen=True, slots=True)
class Helper:
    """A function that makes channels out of its parameters.

    Attributes:
        key: by which holes name it.
        exported: the names under which other files can import it.
        name: its own.
        defaults: of its parameters, by position and steps.
    """

    key: str
    name: str
    exported: tuple[str, ...]
    defaults: tuple[tuple[tuple[str, ...], Text], ...] = ()


@dataclass(frozen=True, slots=True)
class HelperCall:
    """A call of what may be a helper.

    Attributes:
        callee: ``("function", key)`` or ``("import", module, name)``.
        discarded: whether nobody keeps what it returns.
    """

    callee: tuple[str, ...]
    place: Place
    where: Where
    effect: Effect | None
    values: tuple[Value, ...]
    discarded: bool


@dataclass(frozen=True, slots=True)
class Export:
    """A constant that a file exports, or (with a module) one that it passes on; the name ``*`` passes on all.

    Attributes:
        steps: name, then properties.
        function: what it does, if it is one and somebody asks for it.
    """

    steps: tuple[str, ...]
    text: Text | None = None
    function: Value | None = None
    module: str = ""
    imported: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One file, as the process that parsed it hands it over."""

    facts: FileFacts
    helpers: tuple[Helper, ...] = ()
    calls: tuple[HelperCall, ...] = ()
    exports: tuple[Export, ...] = ()
