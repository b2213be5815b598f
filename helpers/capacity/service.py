"""Finds the service times that measured loads had.

Least squares give the times for given turns, and the turns come from serving the loads with the times: so both are
found in turn. How quickly a loop wakes is chosen so that the fitted loads have as many turns as were counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from helpers.capacity.activity import WAKINGS, counted, metered, observed, predicted, received_of, served_of
from helpers.capacity.costs import MODELS, CostModel, Costs, Meter, Times, Way
from helpers.capacity.design import Flow, Point
from helpers.capacity.least_squares import Fit, fit_relative, redrawn
from helpers.capacity.loop import Turns
from helpers.capacity.observe import Observation
from helpers.errors import SettingsError
from helpers.profiling.histogram import Floats

__all__ = ["ServiceTimes", "check_points", "fit_service_times"]

_Served = Mapping[Point, Sequence[Turns]]

#: How much dearer a turn after a sleep may be, for each e-fold of it; of those that fit about as well as the best, the
#: least is taken.
_COLD = tuple(0.2 * step for step in range(16))
_AS_GOOD = 1.1

#: How many sets of times that might have come out as well are kept: enough for the ends of a 95 % interval.
DRAWS = 100

_REFITS = 3

#: How long a loop may take to wake, on a machine at rest or on a busy one.
_WAKES_S = (0.0, *(25e-6 * 2**step for step in range(8)))

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
        return sum(_off(received_of(point, served[point], woken), len(WAKINGS) * ratio(point)) for point in seen)

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


def _fit(
    model: CostModel, observations: Sequence[Observation], served: _Served, costs: Costs
) -> tuple[Fit, float, Floats]:
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


def _row(model: CostModel, observation: Observation, warmth: float, wakes: float) -> list[float]:
    _, meter = model
    activity = observed(observation, meter, warmth, wakes)
    counts = counted(observation.point, meter, activity, observation.seconds)
    return [counts[term] for term in MODELS[model]]


def _tells(observation: Observation, meter: Meter) -> bool:
    """Where each subscriber has claims of its own, the receiving process keeps books for each: no client is like it."""
    return meter is not Meter.CLIENT or observation.point.flow is not Flow.SECURED


def _times(model: CostModel, coefficients: Floats, cold: float, wakes: tuple[float, float]) -> Times:
    named = dict(zip(MODELS[model], coefficients.tolist(), strict=True))
    wake_s = {(Way.BROADCAST, Meter.SERVER): wakes[0], (Way.BROADCAST, Meter.CLIENT): wakes[1]}.get(model, 0.0)
    return Times(named, cold, wake_s)
