"""Which loads are measured: those that the service times are fitted to, and those that check them.

The check is twofold. Held-out loads lie between the fitted ones, and whoever builds the model sees how it does there.
The confirmation was fixed by somebody else, before anybody saw a result of it, and is not changed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from helpers.errors import SettingsError
from helpers.experiments import Size
from helpers.profiling.histogram import Floats

__all__ = ["Design", "Flow", "Point", "Role", "design_of"]


#: As many as one receiving process takes in a second at its leisure.
_DELIVERIES_PER_PROCESS = 30_000.0


class Flow(StrEnum):
    """The way of a message."""

    BROADCAST = "broadcast"
    CHANGES = "postgres_changes"
    SECURED = "postgres_changes with RLS"

    @property
    def is_change(self) -> bool:
        """Whether it begins as a row."""
        return self is not Flow.BROADCAST


class Role(StrEnum):
    """What a load is for."""

    FITTED = "fitted"
    HELD_OUT = "held out"
    CONFIRMATION = "confirmation"


@dataclass(frozen=True, slots=True)
class Point:
    """One load: messages at a constant rate to subscribers of one channel, each on a socket of its own.

    Attributes:
        rate_per_s: messages written.
        body_bytes: text in each message.
        burst: messages that are due at the same moment; of changes, rows of one transaction.
        seconds: how long.
    """

    flow: Flow
    subscribers: int
    rate_per_s: float
    body_bytes: int
    burst: int = 1
    seconds: float = 1.0

    def __post_init__(self) -> None:
        bounds = (
            ("subscribers", self.subscribers, 1_000),
            ("rate_per_s", self.rate_per_s, 5_000),
            ("body_bytes", self.body_bytes, 100_000),
            ("burst", self.burst, 100),
            ("seconds", self.seconds, 30),
            ("deliveries", self.messages * self.subscribers, 2_000_000),
        )
        for name, value, most in bounds:
            if not 0 < value <= most:
                advice = f"Choose {name} above 0 and at most {most:,}"
                raise SettingsError("planning a measurement of service times", f"{name} is {value:g}", advice)

    @property
    def messages(self) -> int:
        """How many are written, at least one."""
        return max(1, round(self.rate_per_s * self.seconds))

    @property
    def processes(self) -> int:
        """How many receive, so that none of them is busy for more than about half of the time."""
        return 2 if self.rate_per_s * self.subscribers > _DELIVERIES_PER_PROCESS else 1

    def due_s(self) -> Floats:
        """When each message is due, in seconds after the start."""
        bursts: Floats = np.floor(np.arange(self.messages, dtype=np.float64) / self.burst)
        return bursts * (self.burst / self.rate_per_s)

    def __str__(self) -> str:
        together = f" in bursts of {self.burst}" if self.burst > 1 else ""
        rate = f"{self.rate_per_s:,g}/s{together}"
        return f"{self.flow}: {self.subscribers} subscribers, {rate}, {self.body_bytes:,} bytes"


@dataclass(frozen=True, slots=True)
class Design:
    """What is measured.

    Attributes:
        fitted: the model is fitted to these.
        held_out: and never sees these: other rates, numbers of subscribers and sizes, within the same bounds.
        confirmation: nor these, which whoever builds the model did not choose either.
        rounds: how often each is measured. broadcasts_per_round: where the flows are measured at once, how often
            broadcasts are meanwhile, as they take less time.
        at_once: whether the flows are measured at the same time, each in a lab of its own: quicker, as CPU time is
            counted by process, and less exact, as they share the machine's caches.
        idle: sockets that are joined in each step, of different sizes, to weigh a connection that does nothing.
    """

    fitted: tuple[Point, ...]
    held_out: tuple[Point, ...]
    rounds: int
    at_once: bool = False
    broadcasts_per_round: int = 1
    idle: tuple[int, ...] = (30, 60, 90)
    confirmation: tuple[Point, ...] = ()

    def role_of(self, point: Point) -> Role:
        """What a load is for; one that is not of this design would be fitted."""
        if point in self.held_out:
            return Role.HELD_OUT
        return Role.CONFIRMATION if point in self.confirmation else Role.FITTED

    def points(self, *flows: Flow) -> tuple[Point, ...]:
        """Those of some flows."""
        return tuple(one for one in (*self.fitted, *self.held_out, *self.confirmation) if one.flow in flows)

    def in_round(self, number: int, *flows: Flow) -> tuple[Point, ...]:
        """The same in an order that each round draws anew: so all meet the same weather, and no load always the same
        one before it."""
        mixed = list(self.points(*flows))
        random.Random(number).shuffle(mixed)
        return tuple(mixed)


_Settings = tuple[tuple[int, int, int, int], ...]

#: Subscribers, messages a second, bytes, burst. Few and many of each, and bursts to tell turns from messages.
_BROADCASTS = (
    (1, 100, 200, 1),
    (1, 3_000, 200, 30),
    (30, 15, 1_500, 1),
    (100, 10, 200, 1),
    (20, 400, 200, 1),
    (100, 50, 200, 1),
    (100, 200, 2_000, 1),
    (20, 2_000, 200, 8),
    (100, 1_500, 200, 15),
    (40, 4_000, 200, 40),
    # Few subscribers and many messages: each socket wakes its reader alone.
    (6, 150, 250, 1),
    (14, 80, 400, 1),
)
_BROADCASTS_HELD_OUT = ((50, 120, 800, 1), (150, 80, 300, 1), (60, 1_200, 300, 8))

#: Four to twenty transactions a second: so often that each poll finds some, and so seldom that a poll hardly ever finds
#: one that came during the poll before. Else it hangs on chance, and on what else the machine does, how often the
#: server looks.
_CHANGES = (
    (1, 20, 200, 1),
    (1, 200, 200, 50),
    (50, 5, 1_000, 1),
    (100, 40, 200, 4),
    (100, 150, 2_000, 30),
    (120, 150, 200, 15),
    (5, 8, 500, 1),
    (30, 15, 500, 1),
    (75, 16, 200, 1),
)
_CHANGES_HELD_OUT = ((60, 100, 600, 10), (150, 160, 300, 16))

_SECURED = ((70, 5, 1_000, 1), (80, 60, 200, 6), (30, 150, 200, 15), (100, 120, 200, 12))
_SECURED_HELD_OUT = ((60, 90, 400, 9),)

_FITTED: Mapping[Flow, _Settings] = {Flow.BROADCAST: _BROADCASTS, Flow.CHANGES: _CHANGES, Flow.SECURED: _SECURED}
_HELD_OUT: Mapping[Flow, _Settings] = {
    Flow.BROADCAST: _BROADCASTS_HELD_OUT,
    Flow.CHANGES: _CHANGES_HELD_OUT,
    Flow.SECURED: _SECURED_HELD_OUT,
}

#: Confirmed an earlier model, and where they did not, that one was changed: since then they confirm nothing.
_CONFIRMED_ONCE: Mapping[Flow, _Settings] = {
    Flow.BROADCAST: (
        *((12, 130, 200, 1), (28, 40, 800, 1), (65, 35, 400, 1), (95, 14, 1_200, 1), (8, 90, 600, 1)),
        *((7, 120, 300, 1), (22, 75, 450, 1), (80, 22, 700, 1), (105, 30, 350, 1)),
    ),
    Flow.CHANGES: (
        *((15, 9, 350, 1), (55, 11, 500, 1)),
        *((12, 10, 250, 1), (70, 7, 400, 1), (90, 12, 200, 1)),
    ),
    Flow.SECURED: ((25, 6, 300, 1), (35, 7, 350, 1), (55, 6, 200, 1), (20, 9, 300, 1), (50, 7, 250, 1)),
}

#: Chosen by the owner of the requirements, not by the author of the model; not to be changed, whatever comes of it. A
#: transaction writes one row here.
_CONFIRMATION: Mapping[Flow, _Settings] = {
    Flow.BROADCAST: ((9, 100, 500, 1), (18, 60, 300, 1), (33, 90, 350, 1), (70, 28, 600, 1), (115, 20, 450, 1)),
    Flow.CHANGES: ((18, 8, 300, 1), (65, 9, 250, 1), (85, 6, 450, 1)),
    Flow.SECURED: ((40, 8, 300, 1), (65, 6, 350, 1)),
}


def design_of(size: Size, *, rounds: int | None = None) -> Design:
    """The points that were chosen beforehand. `rounds` is for those who have more time, or less.

    A single quick round confirms nothing: the small size leaves out the confirmation, and what was one.
    """
    full = size is Size.FULL
    broadcast_s, change_s = (1.0, 1.6) if full else (0.5, 1.3)

    def points(settings: Mapping[Flow, _Settings]) -> tuple[Point, ...]:
        return tuple(
            Point(flow, *setting, change_s if flow.is_change else broadcast_s)
            for flow, some in settings.items()
            for setting in some
        )

    return Design(
        fitted=points(_FITTED),
        held_out=points(_HELD_OUT) + (points(_CONFIRMED_ONCE) if full else ()),
        rounds=rounds or (5 if full else 1),
        at_once=not full,
        broadcasts_per_round=1 if full else 2,
        idle=(100, 200, 300, 400) if full else (30, 60, 90),
        confirmation=points(_CONFIRMATION) if full else (),
    )
