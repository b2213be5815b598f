"""Who listens during a measurement, as data, and what each of them should hear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from helpers.errors import SettingsError
from helpers.profiling.histogram import Ints
from helpers.profiling.ledger import MAX_CELLS, Bools
from helpers.profiling.workloads.matching import matches
from helpers.profiling.workloads.workload import Action, Workload
from helpers.wire.frames import Version

__all__ = ["MAX_SOCKETS", "Audience", "Churn", "Hearing"]

#: More need a fleet of processes.
MAX_SOCKETS = 2_000
MAX_SUBSCRIBERS = 20_000

_TRIED = "planning the audience"


class Churn(msgspec.Struct, frozen=True, kw_only=True):
    """Subscribers that leave and come back while the others stay, each at its own moment.

    Attributes:
        leavers: how many. stay_s: how long they listen, and away_s: how long they do not, in turns.
    """

    leavers: int
    stay_s: float = 1.0
    away_s: float = 0.5

    def joins(self, seconds: float) -> int:
        """How many joins they take in that time, about, besides their first."""
        return math.ceil(self.leavers * seconds / (self.stay_s + self.away_s))


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Subscribers: each is a channel on a socket. What there are several of, they take in turns.

    Attributes:
        subscribers: how many. sockets: how many connections they share; 0 gives each one of its own.
        bindings: how many `postgres_changes` bindings each channel has; a message that several match comes once.
        filter: of the bindings, one or several in turns; None for the full table.
        sees: a filter that says which rows a subscriber may see, where policies decide that, one or several in turns;
            it is not sent, only what should arrive is told by it.
        event: of the bindings, ``*`` for all.
        select: columns to be sent; None for all.
        version: of the protocol.
        churn: who of them leaves and comes back; None for nobody.
    """

    subscribers: int = 1
    sockets: int = 0
    bindings: int = 1
    filter: str | tuple[str, ...] | None = None
    sees: str | tuple[str, ...] | None = None
    event: str = "*"
    select: tuple[str, ...] | None = None
    version: Version = Version.V2
    churn: Churn | None = None

    def __post_init__(self) -> None:
        bounds = (
            ("subscribers", self.subscribers, 1, MAX_SUBSCRIBERS),
            ("sockets", self.connections, 1, min(MAX_SOCKETS, self.subscribers)),
            ("bindings", self.bindings, 1, 1_000),
        )
        for name, value, least, most in bounds:
            if not least <= value <= most:
                raise SettingsError(_TRIED, f"{name} is {value:,}", f"Choose {name} from {least} to {most:,}")
        churn = self.churn
        if churn and not (0 < churn.leavers <= self.subscribers and churn.stay_s >= 0.1 and churn.away_s >= 0):
            happened = f"{churn.leavers} of {self.subscribers} leave after {churn.stay_s:g} s for {churn.away_s:g} s"
            raise SettingsError(_TRIED, happened, "Let at least one of them leave, after at least 0.1 s")

    @property
    def connections(self) -> int:
        """How many sockets there are."""
        return self.sockets or self.subscribers

    @property
    def channels_per_socket(self) -> int:
        """On the socket that has the most."""
        return -(-self.subscribers // self.connections)

    def socket_of(self, subscriber: int) -> int:
        """The socket that this subscriber's channel is on."""
        return subscriber % self.connections

    def topic_of(self, subscriber: int, channels: int) -> int:
        """Which of a broadcast workload's channels this subscriber joins: never one that its socket has already."""
        socket, place = self.socket_of(subscriber), subscriber // self.connections
        return (socket * self.channels_per_socket + place) % channels

    @property
    def leavers(self) -> range:
        """The subscribers that leave and come back: the last ones."""
        return range(self.subscribers - (self.churn.leavers if self.churn else 0), self.subscribers)

    def filters_of(self, subscriber: int) -> tuple[str | None, ...]:
        """The filters of this subscriber's bindings."""
        given = (self.filter,) if isinstance(self.filter, str) else self.filter
        if not given:
            return (None,) * self.bindings
        first = subscriber * self.bindings
        return tuple(given[(first + number) % len(given)] for number in range(self.bindings))

    def sees_of(self, subscriber: int) -> str | None:
        """What this subscriber may see."""
        given = (self.sees,) if isinstance(self.sees, str) else self.sees
        return given[subscriber % len(given)] if given else None


class Hearing(NamedTuple):
    """What should be heard. Many subscribers should hear the same, so that is kept once.

    Attributes:
        kinds: one row for each different expectation, one column for each message.
        kind_of: which row is each subscriber's.
    """

    kinds: Bools
    kind_of: Ints

    @classmethod
    def of(cls, workload: Workload, audience: Audience, *, full_identity: bool = False) -> Hearing:
        """Work out who should hear what.

        Args:
            full_identity: whether the table has replica identity full; without it nobody can filter a DELETE.

        Raises:
            SettingsError: it cannot be told, or does not fit.
        """
        if not 0 < audience.subscribers * workload.messages <= MAX_CELLS:
            happened = f"{audience.subscribers:,} subscribers to {workload.messages:,} messages are planned"
            raise SettingsError(_TRIED, happened, f"Choose at most {MAX_CELLS:,} in all")
        if workload.is_broadcast:
            return cls._of_broadcasts(workload, audience)
        found: dict[tuple[tuple[str | None, ...], str | None], int] = {}
        kind_of = [
            found.setdefault((audience.filters_of(one), audience.sees_of(one)), len(found))
            for one in range(audience.subscribers)
        ]
        kinds = [_changes(workload, audience.event, filters, sees, full_identity) for filters, sees in found]
        return cls(np.array(kinds), np.array(kind_of, dtype=np.int64))

    @classmethod
    def _of_broadcasts(cls, workload: Workload, audience: Audience) -> Hearing:
        if audience.channels_per_socket > workload.channels:
            happened = f"{audience.channels_per_socket} channels a socket, and {workload.channels} to choose from"
            raise SettingsError(_TRIED, happened, "A socket has each channel once: plan more sockets, or more channels")
        topics = [audience.topic_of(one, workload.channels) for one in range(audience.subscribers)]
        goes_to = np.arange(workload.messages) % workload.channels
        return cls(goes_to == np.arange(workload.channels)[:, None], np.array(topics, dtype=np.int64))


def _changes(
    workload: Workload, event: str, filters: Sequence[str | None], sees: str | None, full_identity: bool
) -> Bools:
    """Which messages a channel with these bindings should get."""
    passing: Bools = np.logical_or.reduce([matches(workload, row_filter) for row_filter in filters])
    actions = np.resize(np.array([action.value for action in workload.actions]), workload.messages)
    if not full_identity and None not in filters:
        passing &= actions != Action.DELETE.value
    passing &= matches(workload, sees) | (actions == Action.DELETE.value)  # policies do not apply to DELETE
    if event != "*":
        passing &= actions == event.upper()
    return passing
