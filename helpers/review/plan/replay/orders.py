"""What the replaying process and the process of the clients say to each other, in lines of JSON."""

from __future__ import annotations

import msgspec

from helpers.review.plan.replay.subscriptions import Kind, Reaction
from helpers.target import Target

__all__ = [
    "Answer",
    "Begin",
    "Binding",
    "ChannelOrder",
    "Collect",
    "Gather",
    "Guard",
    "Hear",
    "Leave",
    "Order",
    "PollOrder",
    "Records",
    "SeatOrder",
]


class Guard(msgspec.Struct, frozen=True):
    """A handler uses rows that have this value in that column, and no others."""

    column: str
    value: str


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """One wish as a client says it.

    Attributes:
        table: in the lab. number: of the table, in what is recorded.
        filter: as it is sent. identity, identity_type: the column by which rows are told apart.
        list_url: path and query of the list that a refetch reads.
    """

    table: str
    number: int
    event: str
    filter: str | None
    select: tuple[str, ...] | None
    guard: Guard | None
    handles: tuple[Kind, ...]
    identity: str
    identity_type: str
    list_url: str
    reaction: Reaction
    broadcast: bool = False


class ChannelOrder(msgspec.Struct, frozen=True):
    """One channel to join."""

    topic: str
    private: bool
    bindings: tuple[Binding, ...]


class PollOrder(msgspec.Struct, frozen=True):
    """A list to read again and again."""

    url: str
    every_s: float


class SeatOrder(msgspec.Struct, frozen=True):
    """One user: the channels of each connection, and what is polled."""

    token: str
    sockets: tuple[tuple[ChannelOrder, ...], ...]
    polls: tuple[PollOrder, ...]


class Gather(msgspec.Struct, frozen=True, tag=True):
    """Connect and join everybody."""

    target: Target
    seats: tuple[SeatOrder, ...]


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Count from now on, and start polling."""


class Hear(msgspec.Struct, frozen=True, tag=True):
    """Wait until so much was shown and so many messages came; give up when nothing comes for `quiet_s`."""

    shown: int
    messages: int
    quiet_s: float
    limit_s: float


class Collect(msgspec.Struct, frozen=True, tag=True):
    """Hand over what was recorded."""


class Leave(msgspec.Struct, frozen=True, tag=True):
    """Close everything."""


Order = Gather | Begin | Hear | Collect | Leave


class Answer(msgspec.Struct, frozen=True):
    """How things stand.

    Attributes:
        sockets, channels: that are open.
        bytes: that came in since `Begin`, or, before, since `Gather`; of REST heads and bodies.
        messages: changes and broadcasts that came. shown: different changes that reached a screen.
        requests: that REST answered. updates: of the state of screens.
        failures: requests that failed.
        error: what went wrong; empty if nothing.
    """

    sockets: int = 0
    channels: int = 0
    bytes: int = 0
    messages: int = 0
    shown: int = 0
    requests: int = 0
    updates: int = 0
    failures: int = 0
    error: str = ""


class Records(msgspec.Struct, frozen=True):
    """When which change was first shown on which seat: columns of one table, in monotonic seconds."""

    seats: list[int]
    tables: list[int]
    kinds: list[Kind]
    numbers: list[int]
    at: list[float]
