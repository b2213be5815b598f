"""What a code base does with Realtime, as plain data.

Nothing in here parses or judges. What cannot be told from the code is a pattern or None, never a guess.
All of it can be pickled, as files are parsed in processes of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from helpers.review.database.facts import DatabaseFacts
from helpers.review.source import Place

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AuthUse",
    "Binding",
    "Channel",
    "Client",
    "Comparison",
    "Deed",
    "DeedKind",
    "Dependency",
    "Effect",
    "FileFacts",
    "Given",
    "Handler",
    "Hole",
    "Ignore",
    "Import",
    "Inventory",
    "KeyKind",
    "PassedOn",
    "Poll",
    "PrismaCall",
    "Removal",
    "Rendering",
    "Scope",
    "ScopeKind",
    "Send",
    "TableCall",
    "Text",
    "Unread",
    "Where",
]


@dataclass(frozen=True, slots=True)
class Hole:
    """A part of a text that the code computes.

    Attributes:
        name: as the code writes it, shortened: ``roomId``, ``params.id``, ``?`` for what has no name.
        origin: what could fill it when all files are known: ``("parameter", function, name)`` or
            ``("import", module, name)``; empty for everything else.
    """

    name: str
    origin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the code: a topic, a filter, a table's name.

    Attributes:
        value: with constants filled in; what is computed stands as ``{name}``; ``"?"`` if nothing is known.
        exact: whether that is the text that the application uses.
        parts: the same in pieces, from which `value` is made; empty for an exact text.
    """

    value: str
    exact: bool = True
    parts: tuple[str | Hole, ...] = field(default=(), repr=False, compare=False)

    @property
    def known(self) -> bool:
        """Whether anything of it is known: an exact text, or a pattern with a fixed part."""
        return self.exact or (self.value != "?" and any(isinstance(part, str) and part for part in self.parts))

    def __str__(self) -> str:
        return self.value


ScopeKind = Literal["module", "class", "component", "hook", "function", "method", "effect", "memo", "handler", "loop"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Something that code stands in.

    Attributes:
        kind: `effect` runs after a component appeared (useEffect, onMounted, onMount, $effect, ngOnInit), `memo` at
            most once per component (useMemo, useState, useRef, useCallback's function is a function), `handler` when
            something happens (onClick, addEventListener, a binding of a channel), `loop` once per item.
        name: of the function; of an effect or memo the hook's; of a handler the event's (``onMouseMove``,
            ``pointermove``, ``postgres_changes``); of a loop what it goes over (``rooms``).
        place: of the whole.
        times: of a loop that goes round as often as a constant says.
    """

    kind: ScopeKind
    name: str
    place: Place
    times: int | None = None


#: Between these and a component stands nothing: their body is run by the scope around them.
_TRANSPARENT: frozenset[str] = frozenset({"loop"})


@dataclass(frozen=True, slots=True)
class Where:
    """In what a piece of code stands, from the file to the innermost scope."""

    scopes: tuple[Scope, ...] = ()

    @property
    def component(self) -> str:
        """The innermost component or hook; empty outside of any."""
        return next((scope.name for scope in reversed(self.scopes) if scope.kind in ("component", "hook")), "")

    @property
    def in_effect(self) -> bool:
        """Whether it runs when a component appears, functions that the effect declares and calls included."""
        return any(scope.kind == "effect" for scope in self.scopes)

    @property
    def in_handler(self) -> Scope | None:
        return self._innermost("handler")

    @property
    def in_render(self) -> bool:
        """Whether each render of a component runs it: its body, loops in it, and nothing else between."""
        inner = next((scope for scope in reversed(self.scopes) if scope.kind not in _TRANSPARENT), None)
        return inner is not None and inner.kind in ("component", "hook")

    @property
    def in_loop(self) -> Scope | None:
        """The innermost loop; its `name` is what it goes over, its `times` how often if that is a constant."""
        return self._innermost("loop")

    @property
    def at_module(self) -> bool:
        """Whether it runs once, when the file is loaded."""
        return all(scope.kind in ("module", "loop") for scope in self.scopes)

    @property
    def function(self) -> Scope | None:
        """The innermost scope that is run as a whole."""
        kinds = ("loop", "module", "class")
        return next((scope for scope in reversed(self.scopes) if scope.kind not in kinds), None)

    def _innermost(self, kind: ScopeKind) -> Scope | None:
        return next((scope for scope in reversed(self.scopes) if scope.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One item of an effect's dependency array.

    Attributes:
        text: as written.
        stable: False if it is made anew in each render; None if the code does not show it.
    """

    text: str
    stable: bool | None


@dataclass(frozen=True, slots=True)
class Effect:
    """A `useEffect` and its kin.

    Attributes:
        place: of the call.
        dependencies: None without an array (the effect runs after every render); empty for one run per mount.
        cleanup: whether something is run when the component goes: a returned function, onUnmounted, onDestroy.
        name: ``useEffect``, ``onMounted``, …
    """

    place: Place
    dependencies: tuple[Dependency, ...] | None
    cleanup: bool
    name: str = "useEffect"


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
    subscribed_where: Where = Where()
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
    key: Text = Text("?", False)
    key_kind: KeyKind = "unknown"
    options: tuple[tuple[str, Text], ...] = ()
    is_server_file: bool | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """Something that is done again and again.

    Attributes:
        every_ms: None if the code computes it.
        target: the function or query that is run.
        kind: ``setInterval``, ``refetchInterval``, ``refreshInterval``, ``pollInterval``.
        tables: that it reads, as far as the calls could be followed: names of tables, and of Prisma's models.
    """

    place: Place
    where: Where
    every_ms: float | None = None
    target: str = ""
    kind: str = "setInterval"
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthUse:
    """A place that deals with Realtime's token.

    Attributes:
        argument: the token's expression, as written.
        effect: in which it runs.
        handed: whether the function around was given the token, so that its callers decide when it is renewed.
    """

    kind: Literal["set_auth", "on_auth_state_change", "access_token"]
    place: Place
    where: Where = Where()
    argument: str = ""
    effect: Effect | None = None
    handed: bool = False


@dataclass(frozen=True, slots=True)
class PrismaCall:
    """``prisma.message.findMany(…)``. `key` are the fields of its `where`."""

    model: str
    method: str
    place: Place
    where: Where = Where()
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableCall:
    """``supabase.from('messages').select('id').eq('room_id', roomId)``.

    Attributes:
        method: select, insert, update, upsert or delete.
        conditions: the filters, as ``(column, operator, value)``.
        select: the columns asked for; None without any.
    """

    table: Text
    method: str
    place: Place
    where: Where = Where()
    conditions: tuple[tuple[str, str, Text], ...] = ()
    select: Text | None = None


@dataclass(frozen=True, slots=True)
class Rendering:
    """A component that another one shows. `where.in_loop` tells whether once per row."""

    component: str
    place: Place
    where: Where


@dataclass(frozen=True, slots=True)
class Import:
    """``import { imported as name } from 'module'``. `file` is the reviewed file that `module` means, if it is one."""

    name: str
    imported: str
    module: str
    place: Place
    file: str = ""


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment ``workbook-ignore rule-id, …``; without ids it is about all rules."""

    line: int
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one file does.

    Attributes:
        language: ``typescript``, ``tsx``, ``javascript``, ``vue``, ``svelte``, ``python``, ``dart``, …
        server: whether it runs on a server only; False for the browser (``'use client'``); None if it does not show.
        errors: where the parser stumbled; what stands elsewhere in the file is here all the same.
    """

    path: str
    language: str
    channels: tuple[Channel, ...] = ()
    clients: tuple[Client, ...] = ()
    polls: tuple[Poll, ...] = ()
    auth: tuple[AuthUse, ...] = ()
    prisma_calls: tuple[PrismaCall, ...] = ()
    table_calls: tuple[TableCall, ...] = ()
    rendered: tuple[Rendering, ...] = ()
    imports: tuple[Import, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    server: bool | None = None
    errors: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or folder that was not read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a code base does with Realtime.

    Attributes:
        root: the reviewed folder, as given.
        files: those with facts, by path.
        database: what schema.prisma and the SQL of migrations say.
        unread: what was not read, or only in part.
        looked_at: how many files were there to be read.
    """

    root: str
    files: tuple[FileFacts, ...] = ()
    database: DatabaseFacts = field(default_factory=DatabaseFacts)
    unread: tuple[Unread, ...] = ()
    looked_at: int = 0

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(channel for file in self.files for channel in file.channels)

    def to_frame(self) -> pd.DataFrame:
        """One row per binding, and one for each channel without any."""
        from helpers.review.frames import bindings_frame

        return bindings_frame(self.channels)
