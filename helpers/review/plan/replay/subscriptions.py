"""What an application's clients subscribe to, as data: enough of it to be carried out in a lab.

A screen is whatever a user has open; each of its users has one connection (or several, if the code makes a client
anew). A stream is one channel, a wish one binding of it. What the screen shows is told apart from what is sent to it:
`handles` and `guard` of a wish say which changes its handler makes use of, and these stay the same when the
subscription is rewritten.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

__all__ = ["Kind", "Poll", "Reaction", "Screen", "Stream", "SubscriptionSet", "Wish"]


class Kind(StrEnum):
    """What happens to a row."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


ALL_KINDS = tuple(Kind)


class Reaction(StrEnum):
    """What a handler does with a change."""

    APPLY = "apply"  # takes the row from the payload, one update of the state each
    BATCH = "batch"  # the same, several in one update of the state
    REFETCH = "refetch"  # reads the list again, each time
    COALESCE = "coalesce"  # reads the list again, never twice at the same time


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One binding of a channel.

    Attributes:
        table: its name in the application.
        event: that is subscribed to, ``*`` for all.
        filtered: whether the server is asked for the screen's own rows only.
        guarded: whether the handler uses no others.
        handles: the kinds that the handler makes use of.
        select: the columns that are sent; None for all.
        broadcast: whether a trigger broadcasts these changes, in place of `postgres_changes`.
        reaction: what the handler does.
    """

    table: str
    event: str = "*"
    filtered: bool = False
    guarded: bool = False
    handles: tuple[Kind, ...] = ALL_KINDS
    select: tuple[str, ...] | None = None
    broadcast: bool = False
    reaction: Reaction = Reaction.APPLY

    def asks_for(self, kind: Kind) -> bool:
        """Whether the server is asked for changes of this kind."""
        return self.event in ("*", kind)


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One channel.

    Attributes:
        name: by which it is told from others of the application.
        copies: how many of it are joined, because nobody left the earlier ones.
    """

    name: str = ""
    wishes: tuple[Wish, ...] = ()
    copies: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """A list that is read again and again."""

    table: str
    every_s: Annotated[float, msgspec.Meta(gt=0)]


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """What one user's screen subscribes to.

    Attributes:
        users: that have it open. sockets: connections of each, over which the streams are dealt out in turns.
    """

    name: str
    streams: tuple[Stream, ...]
    users: Annotated[int, msgspec.Meta(ge=1)] = 1
    sockets: Annotated[int, msgspec.Meta(ge=1, le=50)] = 1
    polls: tuple[Poll, ...] = ()


class SubscriptionSet(msgspec.Struct, frozen=True, kw_only=True):
    """All of an application, or of a part of it.

    Attributes:
        rows_per_transaction: how many rows the application writes in one.
    """

    screens: tuple[Screen, ...]
    rows_per_transaction: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """Of all screens."""
        return tuple(wish for screen in self.screens for stream in screen.streams for wish in stream.wishes)

    @property
    def broadcast(self) -> dict[str, frozenset[Kind]]:
        """The kinds of changes of each table that somebody is sent as broadcasts."""
        found: dict[str, frozenset[Kind]] = {}
        for wish in self.wishes:
            if wish.broadcast:
                asked = frozenset(kind for kind in ALL_KINDS if wish.asks_for(kind))
                found[wish.table] = found.get(wish.table, frozenset()) | asked
        return found

    @property
    def tables(self) -> tuple[str, ...]:
        """That somebody subscribes to or polls, each once."""
        polls = (poll for screen in self.screens for poll in screen.polls)
        return tuple(dict.fromkeys([*(wish.table for wish in self.wishes), *(poll.table for poll in polls)]))

    @property
    def coalesces(self) -> bool:
        """Whether it matters how close together changes come."""
        return any(wish.reaction in (Reaction.COALESCE, Reaction.BATCH) for wish in self.wishes)

    @property
    def users(self) -> int:
        """Of all screens together."""
        return sum(screen.users for screen in self.screens)

    def scaled(self, most: int) -> SubscriptionSet:
        """The same with so many users at most, each screen's share kept; at least one each."""
        if self.users <= most:
            return self
        screens = (
            msgspec.structs.replace(screen, users=max(1, screen.users * most // self.users)) for screen in self.screens
        )
        return msgspec.structs.replace(self, screens=tuple(screens))
