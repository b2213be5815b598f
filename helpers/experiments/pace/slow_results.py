"""A slow reader as data: how it reads, what floods it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from helpers.errors import SettingsError
from helpers.experiments.sending import scheduled
from helpers.pacing import BoundedQueue, WhenFull
from helpers.profiling.workloads import Constant
from helpers.stream import Form, Item, Sent, Stream

__all__ = ["FORM", "KEPT", "Flood", "Moment", "Reading", "SlowRun"]

#: What is read without a bound holds so many messages, which is more than are ever sent.
UNBOUNDED = 1_000_000

KEPT = 50

#: Bytes cost the client next to nothing to read, so that the handler alone is slow.
FORM = Form.BYTES


class Reading(StrEnum):
    """What a slow client does with what it cannot handle yet; the name is that of an arm."""

    STOPS = "stops reading"
    KEEPS = "keeps everything"
    DROPS = f"keeps the newest {KEPT}"
    NEWEST = "keeps the newest of each key"

    def queue(self) -> BoundedQueue[Item]:
        """Between socket and handler."""
        match self:
            case Reading.DROPS:
                return BoundedQueue(KEPT, when_full=WhenFull.DROP_OLDEST)
            case Reading.NEWEST:
                return BoundedQueue(UNBOUNDED, when_full=WhenFull.COALESCE, key=lambda item: item.key)
            case _:
                return BoundedQueue(UNBOUNDED, when_full=WhenFull.BLOCK)


@dataclass(frozen=True, slots=True)
class Flood:
    """What comes, and how slowly it is handled.

    Attributes:
        handle_s: that the handler waits for each message, for a database or a disk; others run meanwhile.
    """

    rate_per_s: float = 600.0
    seconds: float = 0.8
    body_bytes: int = 96_000
    keys: int = 10
    handle_s: float = 0.005

    def __post_init__(self) -> None:
        if not self.handle_s > 0 or self.rate_per_s * self.handle_s <= 1:
            happened = f"a handler that takes {self.handle_s:g} s can follow {self.rate_per_s:g} messages/s"
            raise SettingsError("planning a slow reader", happened, "Choose a higher rate, or a slower handler")

    def stream(self) -> Stream:
        """The messages, on a channel of their own."""
        return scheduled(Constant(self.rate_per_s), self.seconds, form=FORM, body_bytes=self.body_bytes, keys=self.keys)


class Moment(NamedTuple):
    """Where the bytes are, some seconds after the start.

    Attributes:
        received: by the client so far. in_application: of these, waiting for the handler.
        unread: in the client's kernel. unsent: in the server's kernel; 0 where the system does not tell.
        age_s: of the message that was handled last.
        is_open: whether the server has not given up.
    """

    at_s: float
    received: int
    in_application: int
    unread: int
    unsent: int
    age_s: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class SlowRun:
    """What became of it.

    Attributes:
        sent_bytes: until each moment. on_server: of these, in the server's own memory, before it gave up.
        handled: messages. waiting: for the handler, at the end of the schedule.
        closed_s: when the server gave up, after the start; None if it did not, or the system does not tell.
        told_s: when the client heard of it. reason: what it was told.
        known: whether the system tells of the server's end.
    """

    reading: Reading
    flood: Flood
    target: str
    taken_at: str
    sent: Sent
    moments: tuple[Moment, ...]
    sent_bytes: tuple[float, ...]
    on_server: tuple[float, ...]
    handled: int
    waiting: int
    closed_s: float | None
    told_s: float | None
    reason: str
    known: bool

    @property
    def thrown_away(self) -> tuple[float, ...]:
        """What was sent until each moment and will never arrive, since the server gave up."""
        return tuple(
            0.0 if moment.is_open else max(0.0, sent - moment.received - moment.unread - moment.unsent)
            for moment, sent in zip(self.moments, self.sent_bytes, strict=True)
        )

    @property
    def lost(self) -> int:
        """Messages that were sent, and neither handled nor waiting in the end."""
        return self.sent.messages - self.handled - self.waiting

    @property
    def age_s(self) -> float:
        """Of what was handled last, when the last message was due."""
        return next(moment.age_s for moment in reversed(self.moments) if moment.at_s <= self.flood.seconds)
