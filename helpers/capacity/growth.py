"""The question the other way round: how far can one thing grow until each target fails, and which fails first?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from helpers.capacity.costs import Costs
from helpers.capacity.model import Interval, Load, Model, Prediction, interval

__all__ = ["TARGETS", "Axis", "Ceiling", "Goal", "Uptime", "ceilings"]

#: No server of one loop comes near; a search that gets here says that the target does not fail by this.
_MOST = 1e8

#: From one step of a search to the next.
_RATIO = 1.05

_LEAST_RATE = 0.1


class Axis(StrEnum):
    """What grows, while the rest of the load stays as it is."""

    SUBSCRIBERS = "subscribers"
    RATE = "rate_per_s"
    CHANNELS = "channels"
    BODY = "body_bytes"

    @property
    def label(self) -> str:
        """For people."""
        return _LABELS[self]

    @property
    def is_counted(self) -> bool:
        """Whether there are only whole ones."""
        return self in (Axis.SUBSCRIBERS, Axis.CHANNELS)


_LABELS = {
    Axis.SUBSCRIBERS: "subscribers of a channel",
    Axis.RATE: "messages/s a channel",
    Axis.CHANNELS: "channels",
    Axis.BODY: "bytes of text a message",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A target of the specification.

    Attributes:
        value: of a prediction. limit: it must stay below this, or above it where `at_least`.
    """

    name: str
    limit: float
    unit: str
    value: Callable[[Prediction], float]
    at_least: bool = False

    def is_met(self, prediction: Prediction) -> bool:
        """Whether a prediction keeps to it."""
        value = self.value(prediction)
        return value >= self.limit if self.at_least else value < self.limit


@dataclass(frozen=True, slots=True)
class Uptime:
    """What 99.9 % is taken to mean, as it cannot be measured in minutes.

    Attributes:
        restarts_per_month: of the server, each of which all clients must come back from. Four: a deployment a week.
        notice_s: until a client has noticed: on a closed connection at once, on a dead one the next heartbeat but one.
    """

    restarts_per_month: float = 4.0
    notice_s: float = 25.0

    def percent(self, prediction: Prediction) -> float:
        """Of the month during which a client has its connection, on average."""
        away_s = self.restarts_per_month * (self.notice_s + prediction.away_s)
        return 100 * (1 - away_s / (730 * 3_600))


#: The specification's own numbers ("Performance Targets" and "Optimization Goals").
TARGETS: tuple[Goal, ...] = (
    Goal("connect", 100.0, "ms", lambda one: one.connect_p95_ms),
    Goal("delivery", 50.0, "ms", lambda one: one.delivery_p95_ms),
    Goal("throughput of a channel", 1_000.0, "messages/s", lambda one: one.channel_per_s, at_least=True),
    Goal("payload", 1_000.0, "bytes", lambda one: one.frame_bytes),
    Goal("memory of a subscription", 10e6, "bytes", lambda one: one.client_bytes),
    Goal("CPU of a subscription", 5.0, "%", lambda one: one.client_percent),
    Goal("uptime", 99.9, "%", Uptime().percent, at_least=True),
)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far one thing can grow until one target fails.

    Attributes:
        at: the largest value that keeps to the target; 0 if none does, infinite if it does not fail by this.
    """

    goal: str
    axis: Axis
    at: Interval

    def __str__(self) -> str:
        value, low, high = self.at
        if value == 0:
            return f"{self.goal}: missed from the first one on"
        if math.isinf(value):
            return f"{self.goal}: does not fail by the {self.axis.label}"
        return f"{self.goal}: up to {value:,.3g} {self.axis.label} ({low:,.3g} to {high:,.3g})"


def ceilings(model: Model, load: Load, axis: Axis, goals: Sequence[Goal] = TARGETS) -> tuple[Ceiling, ...]:
    """For each target how far the load can grow, the one that fails first at the head."""
    best, *drawn = (_Search(model, load, axis, costs).largest(goals) for costs in model.some_costs())
    found = [
        Ceiling(goal.name, axis, interval(best[place], [draw[place] for draw in drawn]))
        for place, goal in enumerate(goals)
    ]
    return tuple(sorted(found, key=lambda ceiling: ceiling.at.value))


class _Search:
    """Steps on a scale of equal ratios; a step that several targets ask for is predicted once."""

    def __init__(self, model: Model, load: Load, axis: Axis, costs: Costs) -> None:
        self._model, self._load, self._axis, self._costs = model, load, axis, costs
        self._known: dict[int, Prediction] = {}
        self._least = _LEAST_RATE if axis is Axis.RATE else 1.0
        self._last = math.ceil(math.log(_MOST / self._least, _RATIO))

    def largest(self, goals: Sequence[Goal]) -> list[float]:
        """The largest value for each."""
        return [self._largest(goal) for goal in goals]

    def _largest(self, goal: Goal) -> float:
        if not goal.is_met(self._at(0)):
            return 0.0
        if goal.is_met(self._at(self._last)):
            return math.inf
        low, high = 0, self._last
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if goal.is_met(self._at(middle)) else (low, middle)
        return self._value(low)

    def _at(self, step: int) -> Prediction:
        if step not in self._known:
            grown: dict[str, Any] = {self._axis.value: self._value(step)}
            self._known[step] = self._model.predict(replace(self._load, **grown), self._costs)
        return self._known[step]

    def _value(self, step: int) -> float:
        value = self._least * _RATIO**step
        return float(math.floor(value)) if self._axis.is_counted else value
