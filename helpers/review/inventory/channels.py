"""Clients and channels, with their bindings, messages sent and removals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from helpers.review.inventory.effects import Effect
from helpers.review.inventory.handlers import Deed, Handler
from helpers.review.inventory.text import UNKNOWN, Text
from helpers.review.inventory.where import NOWHERE, Where
from helpers.review.source import Place

__all__ = ["Binding", "Channel", "Client", "KeyKind", "Removal", "Send"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One `.on(…)` of a channel.

    Attributes:
        event: of postgres_changes INSERT, UPDATE, DELETE or ``*`` as written; of a broadcast its name; of presence
            sync, join or leave.
        schema, table, filter, select: of postgres_changes; None where the code gives none.
        handler: None if it could not be found.
        place: of the ``.on`` call, from the word ``on`` to the closing parenthesis.
        options: place of the options object, for rewriting.
        after_subscribe: whether the channel was subscribed above, in the same function.
    """

    kind: Literal["postgres_changes", "broadcast", "presence", "system"]
    event: Text
    place: Place
    schema: Text | None = None
    table: Text | None = None
    filter: Text | None = None
    select: Text | None = None
    handler: Handler | None = None
    options: Place | None = None
    after_subscribe: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Something that a channel is told to send.

    Attributes:
        event: of a broadcast.
        rate_hint: ``pointer``, ``scroll``, ``key``, ``frame`` or ``interval``: what makes it happen often; else empty.
        every_ms: of an interval whose length is a constant.
        when: ``subscribed`` if only under SUBSCRIBED; ``after_subscribe`` if right after ``subscribe()`` in the same
            function; else empty.
        timed: ``debounce`` or ``throttle``.
    """

    kind: Literal["broadcast", "track", "untrack", "http"]
    event: Text
    place: Place
    where: Where
    rate_hint: str = ""
    every_ms: float | None = None
    when: str = ""
    timed: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """Where a channel is given up.

    Attributes:
        how: ``removeChannel``, ``removeAllChannels``, ``unsubscribe``.
        in_cleanup: whether it runs when the component goes, or the effect's dependencies change.
    """

    how: str
    place: Place
    where: Where
    in_cleanup: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as the code makes it. A helper that makes channels counts once for each call that could be told.

    Attributes:
        private: None when the code computes it; False when it says nothing.
        config: its options, flat: ``("broadcast.self", Text("true"))``.
        client: the expression that it is made of (``supabase``).
        created: of the ``.channel(…)`` call, from the word ``channel`` to the closing parenthesis.
        where: in what it is made.
        effect: in which it is subscribed; of a channel that is not subscribed, made.
        subscribed: of the ``.subscribe(…)`` call; None if nobody subscribes.
        subscribed_where: in what.
        status_callback: whether `subscribe` is given a callback.
        handles: statuses that the callback names.
        forwards_status: whether the callback passes the status on (to state, a log, another function).
        status_deeds: what it does; `Deed.events` are statuses.
        deeds_after: what stands after ``subscribe()`` in the same function.
        variable: that holds it, as written (``channel``, ``channelRef.current``, ``this.channel``); else empty.
        escapes: where it goes that could not be followed, so that it may be removed there: ``returned``, ``passed``,
            ``exported``; else empty.
        through: calls of the helper or hook that makes it, nearest first; empty if it is made where it stands.
        statement: the whole statement that makes it, for rewriting.
    """

    topic: Text
    created: Place
    where: Where
    private: bool | None = False
    config: tuple[tuple[str, Text], ...] = ()
    bindings: tuple[Binding, ...] = ()
    client: str = ""
    effect: Effect | None = None
    subscribed: Place | None = None
    subscribed_where: Where = NOWHERE
    status_callback: bool = False
    handles: tuple[str, ...] = ()
    forwards_status: bool = False
    status_deeds: tuple[Deed, ...] = ()
    deeds_after: tuple[Deed, ...] = ()
    removals: tuple[Removal, ...] = ()
    sends: tuple[Send, ...] = ()
    variable: str = ""
    escapes: str = ""
    through: tuple[Place, ...] = ()
    statement: Place | None = None

    @property
    def removed(self) -> tuple[Place, ...]:
        return tuple(removal.place for removal in self.removals)


KeyKind = Literal["publishable", "anon", "service_role", "secret", "unknown"]


@dataclass(frozen=True, slots=True)
class Client:
    """One place that makes a Supabase client.

    Attributes:
        maker: ``createClient``, ``createBrowserClient``, ``createServerClient``, …
        name: of the variable, empty if there is none.
        key: as the code names it (``process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY``); a literal is cut short.
        options: flat: ``("realtime.heartbeatIntervalMs", Text("15000"))``.
        is_server_file: whether the file runs on a server only; None if the code does not show it.
    """

    place: Place
    where: Where
    name: str = ""
    maker: str = "createClient"
    key: Text = UNKNOWN
    key_kind: KeyKind = "unknown"
    options: tuple[tuple[str, Text], ...] = ()
    is_server_file: bool | None = None
