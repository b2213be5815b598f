"""What handlers of events look at and do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from helpers.review.inventory.text import Hole, Text
from helpers.review.source import Place

__all__ = ["Comparison", "Deed", "DeedKind", "Given", "Handler", "PassedOn"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A test of a column of a payload.

    Attributes:
        column: of the row.
        operator: ``===``, ``!==``, ``<``, ``includes``; ``truthy`` for ``if (payload.new.read)``. Of a guard as the
            rows that are kept fulfil it: ``if (row.room !== room) return`` guards by ``===``. Else as written.
        other: what it is compared with.
        side: the row's state after the change, or the one before.
        outside: whether `other` is a value from outside of the handler (a prop, state, a constant of the application).
        guards: whether nothing happens to rows that fail it.
    """

    column: str
    operator: str
    other: Text
    side: Literal["new", "old"]
    place: Place
    outside: bool = True
    guards: bool = False


DeedKind = Literal[
    "set_state",
    "append_state",
    "refetch",
    "prisma_read",
    "prisma_write",
    "table_read",
    "table_insert",
    "table_write",
    "broadcast",
    "invalidate",
    "router_refresh",
    "log",
    "other",
]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a handler does.

    Attributes:
        target: the state's setter, the Prisma model, the table, the event, the function called.
        place: of the call, in the handler or in a function that it calls.
        detail: the method (``create``, ``insert``), or of a state how it is set (``append``, ``replace``, ``merge``).
        events: under which event types or statuses alone; empty for all.
        takes: columns of the payload's row that it is given; ``("*",)`` for the whole row or payload.
        timed: ``debounce``, ``throttle`` or ``timeout`` when it is not done at once; else empty.
        key: columns by which a table or a model is read or written (`eq`, `where`); empty for all rows.
        via: the calls that lead from the handler to it.
    """

    kind: DeedKind
    target: str
    place: Place
    detail: str = ""
    events: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    timed: str = ""
    key: tuple[str, ...] = ()
    via: tuple[Place, ...] = ()


Given = Literal["payload", "row", "old", "nothing"]


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A call of a function that comes from elsewhere.

    Attributes:
        hole: the function.
        gives: its first argument: the payload, its new or its old row.
        events: that lead to the call; empty for all.
    """

    hole: Hole
    gives: Given
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handler:
    """What a binding calls.

    Attributes:
        place: of the function.
        payload_name: of its parameter; empty if it takes none or takes it apart at once.
        reads: columns of `new` that it uses; ``("*",)`` when the whole row goes somewhere.
        reads_old: likewise of `old`.
        events: event types that it acts on, if it tests `eventType`; empty if it never does.
        casts: types that the row or the payload is said to have (``payload.new as Message``, ``.on<Message>``).
        complete: False when something in it could not be followed, so that it may do more than this.
        name: of a function that is declared elsewhere.
        passes_on: what it calls that a function around it is given. What is known of those functions is already part
            of the other fields.
    """

    place: Place
    payload_name: str = ""
    reads: tuple[str, ...] = ()
    reads_old: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    deeds: tuple[Deed, ...] = ()
    casts: tuple[str, ...] = ()
    complete: bool = True
    name: str = ""
    passes_on: tuple[PassedOn, ...] = field(default=(), repr=False, compare=False)
