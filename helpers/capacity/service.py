"""Service times: CPU seconds of server, database and client for each thing they do, fitted to measured loads.

What is counted of a load is known, but for its turns, and those are measured: the lab tells its polls, the receivers
what they read at once. To predict them for another load is the business of `loop` and `reception`, which serve it with
the times that were found; how quickly a loop wakes is chosen so that they say of the fitted loads what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from helpers.capacity.design import Flow, Point
from helpers.capacity.least_squares import Fit, fit_relative, redrawn
from helpers.capacity.loop import Pace, Turns, chills, serve
from helpers.capacity.observe import Observation
from helpers.capacity.reception import receive, reception_pace
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
    "wake": "a turn after a sleep, for each e-fold of it",
    "write": "a write to a subscriber's socket, or a read of it",
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
    (Way.BROADCAST, Meter.CLIENT): ("second", "turn", "wake", "write", "delivery", "kilobyte"),
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

_REFITS = 3

#: How long a loop may take to wake, on a machine at rest or on a busy one.
_WAKES_S = (0.0, *(25e-6 * 2**step for step in range(8)))

#: A receiver wakes now sooner, now later, and whether few subscribers' messages are read in one turn or in two hangs on
#: that: so it is served with some of the times of waking, as shares of their mean, that are exponentially distributed.
_WAKINGS: Floats = -np.log1p(-(np.arange(5) + 0.5) / 5)

_PHASES = tuple((2 * number + 1) / 16 for number in range(8))


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one meter on one way, in seconds for each term; `cold` and `wake_s` as in `Pace`."""

    of: dict[str, float]
    cold: float = 0.0
    wake_s: float = 0.0

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
            alone_s=times["message"],
            cold=times.cold,
            wake_s=times.wake_s,
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
    costs, seen = _START, _turns_seen(observations)
    for _ in range(_REFITS):
        wakes = _wakes(seen, costs)
        served = {point: served_of(point, _woken(costs, wakes), one.sent) for point, one in seen.items()}
        fits = {model: _fit(model, observations, served, costs) for model in MODELS}
        costs = Costs(*(_times(model, fit.coefficients, cold, wakes) for model, (fit, cold, _) in fits.items()))
    random = np.random.default_rng(seed)
    drawn = [
        [_times(model, one, cold, wakes) for one in redrawn(columns, fit, DRAWS, random)]
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


def served_of(point: Point, costs: Costs, sent: Sequence[Sequence[float]] = ()) -> tuple[Turns, ...]:
    """The turns of a load; of one that is polled, for several moments at which it may meet the poll.

    Args:
        sent: when bursts of a broadcast were really sent, in each round; by default, when they are due.
    """
    pace = costs.pace(point.flow, point.subscribers, point.body_bytes)
    if point.flow.is_change:
        return tuple(serve(point.due_s(), pace, phase=phase) for phase in _PHASES)
    together = _SPACING_S * (np.arange(point.messages) % point.burst)
    begins = [np.repeat(np.array(one), point.burst)[: point.messages] for one in sent] or [point.due_s()]
    return tuple(serve(np.maximum.accumulate(one + together), pace) for one in begins)


def received_of(point: Point, served: Sequence[Turns], costs: Costs) -> tuple[Turns, ...]:
    """The turns of all receiving processes under a broadcast that was served so, for each of `_WAKINGS`."""
    times = costs.of(Way.BROADCAST, Meter.CLIENT)
    each_s = times["delivery"] + times["kilobyte"] * point.body_bytes / 1_000
    sending = costs.pace(point.flow, point.subscribers, point.body_bytes)
    found: list[Turns] = []
    for turns in served:
        messages = point.messages / turns.messages.size
        for wake_s in times.wake_s * _WAKINGS:
            pace = reception_pace(
                times["turn"], times["write"], each_s, messages, chill_s=times["wake"], wake_s=float(wake_s)
            )
            found += receive(point, turns, sending, pace)
    return tuple(found)


class Activity(NamedTuple):
    """What a loop did under a load; what it did in cold turns counts for more.

    Attributes:
        turns: that found something. writes: to sockets in them, or reads. messages: different ones.
        polls: looks at the log of changes, also those that found nothing. wakes: sleeps, by how cold they left a loop.
    """

    turns: float
    writes: float
    messages: float
    polls: float = 0.0
    wakes: float = 0.0


def predicted(
    point: Point, meter: Meter, served: Sequence[Turns], costs: Costs, *, seconds: float, cold: float | None = None
) -> Activity:
    """What will happen in so many seconds, from servings of the load."""
    cold = costs.of(Way.of(point.flow), meter).cold if cold is None else cold
    if meter is Meter.CLIENT and not point.flow.is_change:
        return _reception(point, received_of(point, served, costs), len(served) * len(_WAKINGS))
    turns, messages, polls = (one / len(served) for one in _warmed(served, cold))
    idle = sum(max(0.0, seconds - one.span_s) for one in served) / len(served) / POLL_S
    return Activity(
        turns, turns * point.subscribers, messages, polls + idle + 0.5
    )  # the look after a find finds nothing


def _reception(point: Point, received: Sequence[Turns], times: int) -> Activity:
    """What receivers did under a load that was served so many times."""
    turns, reads = (
        sum(counts) / times
        for counts in zip(*((one.messages.size, one.messages.sum()) for one in received), strict=True)
    )
    wakes = sum(float(chills(one.slept_s).sum()) for one in received) / times
    return Activity(turns, reads, point.messages, wakes=wakes)


def _warmed(some: Sequence[Turns], cold: float) -> tuple[float, float, float]:
    """Turns and what they took, where cold ones count for more; and all turns, also those that found nothing."""
    found = [(1 + cold * chills(turns.slept_s), turns) for turns in some]
    return (
        sum(float(warmth.sum()) for warmth, _ in found),
        sum(float((warmth * turns.messages).sum()) for warmth, turns in found),
        float(sum(turns.messages.size + turns.empty for turns in some)),
    )


def observed(observation: Observation, meter: Meter, warmth: float = 1.0, wakes: float = 0.0) -> Activity:
    """What happened. Of changes the lab tells its polls, and after each that found nothing it has waited.

    Args:
        warmth: by which turns count for more on average, as some were cold. wakes: as the load lets expect.
    """
    point, reads = observation.point, observation.client_reads
    if point.flow.is_change:
        waits = (observation.polled_s - observation.poll_s) / POLL_S
        found = max(1.0, observation.polls - waits)
        return Activity(found, found * point.subscribers, point.messages, observation.polls)
    if meter is Meter.CLIENT:
        return Activity(observation.client_turns, reads, point.messages, wakes=wakes)
    turns = warmth * min(point.messages, max(1.0, reads / point.subscribers))
    return Activity(turns, turns * point.subscribers, warmth * point.messages)


def counted(point: Point, meter: Meter, activity: Activity, seconds: float) -> dict[str, float]:
    """How often each term occurs in a load."""
    turns, writes, messages, polls, wakes = activity
    deliveries = messages * point.subscribers
    secured = point.flow is Flow.SECURED
    return {
        "second": seconds,
        "turn": polls if point.flow.is_change else turns,
        "wake": wakes,
        "write": writes,
        "commit": messages / point.burst,
        "message": messages,
        "delivery": deliveries,
        "kilobyte": (messages if meter is Meter.DATABASE else deliveries) * point.body_bytes / 1_000,
        "inquiry": writes * secured,
        "check": deliveries * secured,
    }


def metered(observation: Observation, meter: Meter) -> float:
    """What a meter read, in seconds."""
    value: float = observation.poll_s if meter is Meter.POLL else getattr(observation, f"{meter.value}_cpu_s")
    return value


class _Seen(NamedTuple):
    """Turns of a broadcast in all of its rounds together, and when its bursts were sent in each."""

    server: float
    client: float
    sent: tuple[tuple[float, ...], ...]


def _turns_seen(observations: Sequence[Observation]) -> dict[Point, _Seen]:
    points = dict.fromkeys(one.point for one in observations if not one.point.flow.is_change)
    of = {point: [one for one in observations if one.point == point] for point in points}
    return {
        point: _Seen(
            sum(observed(one, Meter.SERVER).turns for one in mine),
            sum(observed(one, Meter.CLIENT).turns for one in mine),
            tuple(one.sent_s for one in mine),
        )
        for point, mine in of.items()
    }


def _wakes(seen: Mapping[Point, _Seen], costs: Costs) -> tuple[float, float]:
    """How quickly server and receivers wake: so that they have as many turns as were seen."""

    def server_off(wake_s: float) -> float:
        woken = _woken(costs, (wake_s, 0.0))
        return sum(_off(served_of(point, woken, one.sent), one.server) for point, one in seen.items())

    server_s = min(_WAKES_S, key=server_off)
    best = _woken(costs, (server_s, 0.0))
    served = {point: served_of(point, best, one.sent) for point, one in seen.items()}

    def ratio(point: Point) -> float:
        """Turns of the receivers that there would be for the server's turns as they are served here."""
        return seen[point].client * sum(one.messages.size for one in served[point]) / seen[point].server

    def client_off(wake_s: float) -> float:
        woken = _woken(costs, (server_s, wake_s))
        return sum(_off(received_of(point, served[point], woken), len(_WAKINGS) * ratio(point)) for point in seen)

    return server_s, min(_WAKES_S, key=client_off)


def _off(turns: Sequence[Turns], seen: float) -> float:
    return float(np.log(sum(one.messages.size for one in turns) / seen) ** 2)


def _woken(costs: Costs, wakes: tuple[float, float]) -> Costs:
    server, client = costs.broadcast_server, costs.broadcast_client
    return replace(
        costs,
        broadcast_server=replace(server, wake_s=wakes[0]),
        broadcast_client=replace(client, wake_s=wakes[1]),
    )


def _fit(model: Model, observations: Sequence[Observation], served: Served, costs: Costs) -> tuple[Fit, float, Floats]:
    """The best fit of one model, how cold its turns are, and what was counted."""
    way, meter = model
    mine = [one for one in observations if Way.of(one.point.flow) is way and _tells(one, meter)]
    values = np.array([metered(one, meter) for one in mine])
    wakes = {
        point: predicted(point, meter, turns, costs, seconds=0.0, cold=0.0).wakes for point, turns in served.items()
    }
    tried = []
    for cold in _COLD if model == (Way.BROADCAST, Meter.SERVER) else (0.0,):
        warmths = {point: _warmth(point, meter, turns, costs, cold) for point, turns in served.items()}
        columns = np.array([_row(model, one, warmths.get(one.point, 1.0), wakes.get(one.point, 0.0)) for one in mine])
        tried.append((fit_relative(columns, values), cold, columns))
    least = min(fit.loss for fit, _, _ in tried)
    return next(one for one in tried if one[0].loss <= _AS_GOOD * least)


def _warmth(point: Point, meter: Meter, served: Sequence[Turns], costs: Costs, cold: float) -> float:
    """By how much the messages of a load cost more, as loops had slept."""
    if cold == 0:
        return 1.0
    activity = predicted(point, meter, served, costs, seconds=0.0, cold=cold)
    return activity.messages / point.messages


def _row(model: Model, observation: Observation, warmth: float, wakes: float) -> list[float]:
    _, meter = model
    activity = observed(observation, meter, warmth, wakes)
    counts = counted(observation.point, meter, activity, observation.seconds)
    return [counts[term] for term in MODELS[model]]


def _tells(observation: Observation, meter: Meter) -> bool:
    """Where each subscriber has claims of its own, the receiving process keeps books for each: no client is like it."""
    return meter is not Meter.CLIENT or observation.point.flow is not Flow.SECURED


def _times(model: Model, coefficients: Floats, cold: float, wakes: tuple[float, float]) -> Times:
    named = dict(zip(MODELS[model], coefficients.tolist(), strict=True))
    wake_s = {(Way.BROADCAST, Meter.SERVER): wakes[0], (Way.BROADCAST, Meter.CLIENT): wakes[1]}.get(model, 0.0)
    return Times(named, cold, wake_s)
