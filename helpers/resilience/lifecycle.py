"""The life of a subscription that survives, as a table. No I/O and no clock: times are given.

    state         the application gets                         it is here because
    ------------  -------------------------------------------  ------------------------------------------------------
    idle          nothing                                      it was not started
    connecting    nothing new                                  the socket is being opened, again perhaps
    joining       nothing new                                  the channel is being joined
    subscribing   nothing new                                  the server has joined, but does not deliver changes yet
    recovering    what was missed                              the server delivers; what was committed before is read
    live          changes as they come                         nothing is missing
    polling       changes as often as they are read            the socket is down, the database can be read
    offline       nothing new                                  neither socket nor database can be reached
    closed        nothing, for good                            it was stopped, or refused for a reason that will last

`joined` is not `live`: the server answers a join before it delivers changes, and says so in a message of its own
("Subscribed to PostgreSQL"). What is committed in between is delivered to nobody.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NEXT", "Happened", "Lifecycle", "State", "Transition"]

_log = logging.getLogger(__name__)

#: Transitions that are kept to be looked at.
_KEPT = 1_000


class State(StrEnum):
    """Where a subscription is in its life; the table above says what each means."""

    IDLE = "idle"
    CONNECTING = "connecting"
    JOINING = "joining"
    SUBSCRIBING = "subscribing"
    RECOVERING = "recovering"
    LIVE = "live"
    POLLING = "polling"
    OFFLINE = "offline"
    CLOSED = "closed"

    @property
    def is_serving(self) -> bool:
        """Whether changes reach the application, by whichever way."""
        return self in (State.LIVE, State.POLLING)


class Happened(StrEnum):
    """What moves a subscription."""

    STARTED = "started"
    CONNECTED = "connected"  # the socket is open
    JOINED = "joined"  # the server answered the join
    SUBSCRIBED = "subscribed"  # the server delivers changes
    CAUGHT_UP = "caught up"  # nothing that was committed is missing
    GAP = "gap"  # the stream is up, and something is missing in it
    LINK_LOST = "link lost"  # the socket broke, died or was closed, or could not be opened
    CHANNEL_LOST = "channel lost"  # the server ended the channel, the socket stands
    POLLED = "polled"  # the database was read while the socket is down
    POLL_FAILED = "poll failed"
    REFUSED = "refused"  # for a reason that trying again does not change
    STOPPED = "stopped"  # by the application


_DOWN = (State.POLLING, State.OFFLINE)
_TRYING = (State.CONNECTING, State.JOINING, State.SUBSCRIBING)
_JOINED_OR_TRYING = (State.JOINING, State.SUBSCRIBING, State.RECOVERING, State.LIVE)

#: Where each event leads. What is not in here cannot happen in that state, or changes nothing.
NEXT: dict[tuple[State, Happened], State] = {
    (State.IDLE, Happened.STARTED): State.CONNECTING,
    (State.CONNECTING, Happened.CONNECTED): State.JOINING,
    (State.JOINING, Happened.JOINED): State.SUBSCRIBING,
    (State.RECOVERING, Happened.CAUGHT_UP): State.LIVE,
    (State.LIVE, Happened.GAP): State.RECOVERING,
    **{(state, Happened.SUBSCRIBED): State.RECOVERING for state in (State.JOINING, State.SUBSCRIBING, *_DOWN)},
    **{(state, Happened.LINK_LOST): State.CONNECTING for state in _JOINED_OR_TRYING},
    **{(state, Happened.CHANNEL_LOST): State.JOINING for state in _JOINED_OR_TRYING[1:]},
    # While the socket is down for long the database is read, and attempts go on beside it.
    **{(state, Happened.POLLED): State.POLLING for state in (*_TRYING, State.OFFLINE)},
    **{(state, Happened.POLL_FAILED): State.OFFLINE for state in (*_TRYING, State.POLLING)},
    **{(state, Happened.REFUSED): State.CLOSED for state in State if state is not State.CLOSED},
    **{(state, Happened.STOPPED): State.CLOSED for state in State if state is not State.CLOSED},
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a life.

    Attributes:
        at: monotonic seconds. lasted_s: how long it had been in `before`.
        reason: in words, of the server where it gave some.
    """

    at: float
    before: State
    after: State
    happened: Happened
    reason: str
    lasted_s: float

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"{self.before} → {self.after} ({self.happened}{why}) after {self.lasted_s:.2f} s"


class Lifecycle:
    """Keeps the state of one subscription and tells every change of it.

    Attributes:
        transitions: the latest 1,000.
        losses: how often a socket or channel was lost, by reason.
    """

    def __init__(self, now: float) -> None:
        self.state = State.IDLE
        self.transitions: deque[Transition] = deque(maxlen=_KEPT)
        self.losses: dict[str, int] = {}
        self._since = now
        self._seconds = dict.fromkeys(State, 0.0)
        self._listeners: tuple[Callable[[Transition], None], ...] = ()

    def on_transition(self, listener: Callable[[Transition], None]) -> None:
        """Have every further transition told, in order, at once. What a listener raises is logged, no more."""
        self._listeners += (listener,)

    def enter(self, happened: Happened, now: float, reason: str = "") -> Transition | None:
        """Take note of an event; None if it changes nothing in this state."""
        if happened in (Happened.LINK_LOST, Happened.CHANNEL_LOST) and self.state is not State.CLOSED:
            self.losses[reason] = self.losses.get(reason, 0) + 1
        after = NEXT.get((self.state, happened), self.state)
        if after is self.state:
            return None
        step = Transition(now, self.state, after, happened, reason, max(0.0, now - self._since))
        self._seconds[self.state] += step.lasted_s
        self.state, self._since = after, now
        self.transitions.append(step)
        for listener in self._listeners:
            try:
                listener(step)
            except Exception:  # of a widget, say: a subscription outlives it
                _log.exception("a listener to the transitions of a subscription failed")
        return step

    def seconds_in(self, state: State, now: float) -> float:
        """How long it has been in a state, all times together."""
        return self._seconds[state] + (max(0.0, now - self._since) if state is self.state else 0.0)
