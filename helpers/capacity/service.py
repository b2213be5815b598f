"""Service times: CPU seconds of server, database and client for each thing they do, fitted to measured loads.

What is counted of a load is known, but for its turns: how many there were hangs on how long each took. So turns and
times are found together: serve the load with the times found so far, fit anew, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from helpers.capacity.design import Flow, Point
from helpers.capacity.least_squares import Fit, fit_relative, redrawn
from helpers.capacity.loop import Pace, Turns, chill, serve
from helpers.capacity.observe import Observation
from helpers.errors import SettingsError
from helpers.profiling.histogram import Floats

__all__ = ["POLL_S", "TERMS", "Costs", "Meter", "ServiceTimes", "Times", "Way", "fit_service_times"]


class Meter(StrEnum):
    """Whose CPU time; and, of polls, the time on the clock, as server and database wait for each other there."""

    SERVER = "server"
    DATABASE = "database"
    CLIENT = "client"
    POLL = "poll"


class Way(StrEnum):
    """The two ways through the server; policies are one more term of the second."""

    BROADCAST = "broadcast"
    CHANGES = "postgres_changes"

    @classmethod
    def of(cls, flow: Flow) -> Way:
        """The way of a flow."""
        return cls.CHANGES if flow.is_change else cls.BROADCAST


#: What is counted, and what a person calls it.
TERMS: Mapping[str, str] = {
    "second": "a second, whatever happens",
    "turn": "a turn of the event loop, or a poll for changes",
    "write": "a write to a subscriber's socket",
    "commit": "a transaction that writes rows",
    "message": "a message received from a sender, or a row written and read as a change",
    "delivery": "a delivery to a subscriber",
    "kilobyte": "a kilobyte of text delivered (in the database: written)",
    "inquiry": "a question for one set of claims, in each poll",
    "check": "a row of that question",
}

Model = tuple[Way, Meter]
Served = Mapping[Point, Sequence[Turns]]

#: Which terms each has. Polls go on all the time, so that a second costs nothing beside them.
MODELS: Mapping[Model, tuple[str, ...]] = {
    (Way.BROADCAST, Meter.SERVER): ("second", "turn", "write", "message", "delivery", "kilobyte"),
    (Way.BROADCAST, Meter.CLIENT): ("second", "turn", "write", "delivery", "kilobyte"),
    (Way.CHANGES, Meter.SERVER): ("turn", "write", "message", "delivery", "inquiry", "check"),
    (Way.CHANGES, Meter.DATABASE): ("turn", "commit", "message", "kilobyte", "inquiry", "check"),
    (Way.CHANGES, Meter.CLIENT): ("second", "write", "delivery", "kilobyte"),
    (Way.CHANGES, Meter.POLL): ("turn", "write", "message", "delivery", "inquiry", "check"),
}

#: How much dearer a turn after a sleep may be, for each e-fold of it; of those that fit about as well as the best, the
#: least is taken.
_COLD = tuple(0.2 * step for step in range(16))
_AS_GOOD = 1.1

#: Between two messages of a burst, as the sending client needs it; the rows of a transaction appear together.
_SPACING_S = 40e-6

#: An idle poller waits so long, and one poll takes so many rows (supabase/realtime: `replication_poller.ex:48`,
#: `db_settings.ex:9`; the lab's `ChangeSettings` has the same).
POLL_S = 0.5
POLL_ROWS = 100

#: How many sets of times that might have come out as well are kept: enough for the ends of a 95 % interval.
DRAWS = 100

_REFITS = 4
_PHASES = tuple((2 * number + 1) / 16 for number in range(8))


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one meter on one way, in seconds for each term; `cold` as in `Pace`."""

    of: dict[str, float]
    cold: float = 0.0

    def __getitem__(self, term: str) -> float:
        return self.of.get(term, 0.0)


@dataclass(frozen=True, slots=True)
class Costs:
    """All times of one fit."""

    broadcast_server: Times
    broadcast_client: Times
    changes_server: Times
    changes_database: Times
    changes_client: Times
    changes_poll: Times

    def of(self, way: Way, meter: Meter) -> Times:
        """Nothing for the database on the way of a broadcast, which does not touch it."""
        if (way, meter) not in MODELS:
            return Times({})
        name = "broadcast" if way is Way.BROADCAST else "changes"
        times: Times = getattr(self, f"{name}_{meter.value}")
        return times

    def pace(self, flow: Flow, subscribers: float, body_bytes: float, channels: int = 1) -> Pace:
        """How the server goes under a load: its event loop, or its polls."""
        way, secured = Way.of(flow), flow is Flow.SECURED
        times = self.of(way, Meter.POLL if flow.is_change else Meter.SERVER)
        each_delivery = times["delivery"] + times["kilobyte"] * body_bytes / 1_000 + times["check"] * secured
        return Pace(
            fixed_s=times["turn"] + subscribers * times["inquiry"] * secured,
            write_s=subscribers * times["write"],
            each_s=times["message"] + subscribers * each_delivery,
            cold=times.cold,
            channels=channels,
            pause_s=POLL_S if flow.is_change else 0.0,
            most=POLL_ROWS if flow.is_change else 1_000_000,
        )


#: Where the search begins: within a factor of a few on any machine of these years.
_GUESS = Times({"turn": 80e-6, "write": 8e-6, "message": 30e-6, "delivery": 2e-6})
_START = Costs(*[_GUESS] * 6)


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """What a fit found.

    Attributes:
        best: the times. draws: sets of them that might have come out as well, whose spread is the uncertainty.
        scatter: by how much one measurement differs from its fitted value, as a share; of each model, in the order of
            `MODELS`.
        observations: how many.
    """

    best: Costs
    draws: tuple[Costs, ...]
    scatter: tuple[float, ...]
    observations: int

    def interval(self, way: Way, meter: Meter, term: str) -> tuple[float, float]:
        """95 % interval of a time, in seconds."""
        low, high = np.percentile([draw.of(way, meter)[term] for draw in self.draws], (2.5, 97.5))
        return float(low), float(high)

    def scatter_of(self, way: Way, meter: Meter) -> float:
        """By how much one measurement differs from its fitted value."""
        return self.scatter[list(MODELS).index((way, meter))]


def fit_service_times(observations: Sequence[Observation], *, seed: int = 0) -> ServiceTimes:
    """Find the times from measured loads of all flows.

    Raises:
        SettingsError: too few different loads were measured.
    """
    check_points([one.point for one in observations])
    costs = _START
    for _ in range(_REFITS):
        served = {one.point: served_of(one.point, costs) for one in observations if not one.point.flow.is_change}
        fits = {model: _fit(model, observations, served) for model in MODELS}
        costs = Costs(*(Times(_named(model, fit.coefficients), cold) for model, (fit, cold, _) in fits.items()))
    random = np.random.default_rng(seed)
    drawn = [
        [Times(_named(model, one), cold) for one in redrawn(columns, fit, DRAWS, random)]
        for model, (fit, cold, columns) in fits.items()
    ]
    scatter = tuple(fit.scatter for fit, _, _ in fits.values())
    return ServiceTimes(costs, tuple(Costs(*draw) for draw in zip(*drawn, strict=True)), scatter, len(observations))


def check_points(points: Iterable[Point]) -> None:
    """Raises SettingsError if service times cannot be fitted to these loads: too few different ones."""
    different = set(points)
    for (way, meter), terms in MODELS.items():
        count = sum(Way.of(point.flow) is way for point in different)
        if count < len(terms):
            happened = f"{count} different loads by {way} cannot tell {len(terms)} times of the {meter}"
            raise SettingsError("fitting service times", happened, "Measure the points of `design_of`, or more")


def served_of(point: Point, costs: Costs) -> tuple[Turns, ...]:
    """The turns of a load; of one that is polled, for several moments at which it may meet the poll."""
    together = np.arange(point.messages) % point.burst
    spacing = 0.0 if point.flow.is_change else _SPACING_S
    arrivals, pace = point.due_s() + spacing * together, costs.pace(point.flow, point.subscribers, point.body_bytes)
    return tuple(serve(arrivals, pace, phase=phase) for phase in (_PHASES if point.flow.is_change else (0.5,)))


class Activity(NamedTuple):
    """What the server's loop did under a load, on average over its servings.

    Attributes:
        found: turns that found something; cold ones count for more. messages: in them, likewise.
        polls: looks at the log of changes, also those that found nothing.
    """

    found: float
    messages: float
    polls: float


def predicted(served: Sequence[Turns], seconds: float, cold: float) -> Activity:
    """What will happen in so many seconds, from servings of the load."""
    rows = []
    for turns in served:
        warmth = 1 + cold * np.array([chill(one) for one in turns.slept_s])
        idle = max(0.0, seconds - turns.span_s) / POLL_S + 0.5  # the first look after the last find comes at once
        rows.append((warmth.sum(), (warmth * turns.messages).sum(), warmth.size + turns.empty + idle))
    return Activity(*np.mean(rows, axis=0).tolist())


def observed(observation: Observation) -> Activity:
    """What happened to changes: the lab tells its polls, and after each that found nothing it has waited."""
    waits = (observation.polled_s - observation.poll_s) / POLL_S
    return Activity(max(1.0, observation.polls - waits), observation.point.messages, observation.polls)


def counted(point: Point, meter: Meter, activity: Activity, seconds: float) -> dict[str, float]:
    """How often each term occurs in a load."""
    found, messages, polls = activity
    deliveries = messages * point.subscribers
    secured = point.flow is Flow.SECURED
    turns = polls if point.flow.is_change else found
    return {
        "second": seconds,
        "turn": turns * (point.processes if meter is Meter.CLIENT else 1),
        "write": found * point.subscribers,
        "commit": messages / point.burst,
        "message": messages,
        "delivery": deliveries,
        "kilobyte": (messages if meter is Meter.DATABASE else deliveries) * point.body_bytes / 1_000,
        "inquiry": found * point.subscribers * secured,
        "check": deliveries * secured,
    }


def metered(observation: Observation, meter: Meter) -> float:
    """What a meter read, in seconds."""
    value: float = observation.poll_s if meter is Meter.POLL else getattr(observation, f"{meter.value}_cpu_s")
    return value


def _fit(model: Model, observations: Sequence[Observation], served: Served) -> tuple[Fit, float, Floats]:
    """The best fit of one model, how cold its turns are, and what was counted."""
    way, meter = model
    mine = [one for one in observations if Way.of(one.point.flow) is way and _tells(one, meter)]
    values = np.array([metered(one, meter) for one in mine])
    tried = []
    for cold in _COLD if way is Way.BROADCAST else (0.0,):
        columns = np.array([_row(model, one, served, cold) for one in mine])
        tried.append((fit_relative(columns, values), cold, columns))
    least = min(fit.loss for fit, _, _ in tried)
    return next(one for one in tried if one[0].loss <= _AS_GOOD * least)


def _row(model: Model, observation: Observation, served: Served, cold: float) -> list[float]:
    way, meter = model
    point = observation.point
    activity = observed(observation) if way is Way.CHANGES else predicted(served[point], observation.seconds, cold)
    counts = counted(point, meter, activity, observation.seconds)
    return [counts[term] for term in MODELS[model]]


def _tells(observation: Observation, meter: Meter) -> bool:
    """Where each subscriber has claims of its own, the receiving process keeps books for each: no client is like it."""
    return meter is not Meter.CLIENT or observation.point.flow is not Flow.SECURED


def _named(model: Model, coefficients: Floats) -> dict[str, float]:
    return dict(zip(MODELS[model], coefficients.tolist(), strict=True))
