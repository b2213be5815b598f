"""The model: what a load takes of one server, its database and its clients, and how late its messages are.

A server is one event loop on one core, as the lab's is. What the model leaves out: the network, other tenants, the
garbage of long hours, and senders that speak all at the same moment (messages come at random).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.capacity.costs import POLL_S, Costs, Meter, Way
from helpers.capacity.design import Flow
from helpers.capacity.idle import HEARTBEAT_S, Idle
from helpers.capacity.loop import Pace, Turns, chill, distinct, serve
from helpers.capacity.service import ServiceTimes

__all__ = ["RECONNECT_S", "Interval", "Load", "Model", "Prediction", "interval"]

#: The seed of requirements wants everybody back within 30 s after a connection was lost.
RECONNECT_S = 30.0

#: Served for one prediction: enough that the 95th percentile of their delays settles within some percent.
_MESSAGES, _MOST_MESSAGES = 300, 1_200

#: For so long at least, unless these are too many: where turns grow, it takes a few of them until they have grown.
_SPAN_S = 0.5

#: Changes wait for polls, of which there are at least two a second.
_POLLS = 16

#: Draws for an interval of what must be searched for: its ends are the least and the largest of so many.
_DRAWS = 25


@dataclass(frozen=True, slots=True)
class Load:
    """Who listens to how much, on one server.

    Attributes:
        subscribers: of each channel. channels: alike; each subscriber has one of them, on a socket of its own.
        rate_per_s: messages, or changes, on each channel.
        body_bytes: text in each.
    """

    flow: Flow = Flow.BROADCAST
    subscribers: float = 20
    channels: float = 1
    rate_per_s: float = 1.0
    body_bytes: float = 400

    @property
    def connections(self) -> float:
        """One for each subscriber."""
        return self.subscribers * self.channels

    @property
    def total_per_s(self) -> float:
        """Messages on all channels."""
        return self.rate_per_s * self.channels

    @property
    def deliveries_per_s(self) -> float:
        """To all subscribers."""
        return self.rate_per_s * self.connections

    def __str__(self) -> str:
        channels = "one channel" if self.channels == 1 else f"{self.channels:,.0f} channels"
        return (
            f"{self.flow}: {channels} with {self.subscribers:,.0f} subscribers, "
            f"{self.rate_per_s:,g}/s of {self.body_bytes:,.0f} bytes each"
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a load will do.

    Attributes:
        server_cores, database_cores: busy on average; above 1 a server of one loop cannot do it.
        client_percent: of one core, for a client with one subscription.
        delivery_p50_ms, delivery_p95_ms: until the last subscriber has a message; infinite beyond the knee.
        channel_per_s: the most that one channel could carry beside the others, however late.
        connect_p95_ms: while everybody comes back within `RECONNECT_S` and the load goes on.
        frame_bytes: of a delivery. client_bytes, server_bytes: memory of a connection, and of all of them.
        away_s: how long a client is without its connection on average when all must come back.
    """

    server_cores: float
    database_cores: float
    client_percent: float
    delivery_p50_ms: float
    delivery_p95_ms: float
    channel_per_s: float
    connect_p95_ms: float
    frame_bytes: float
    client_bytes: float
    server_bytes: float
    away_s: float


class Interval(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def interval(value: float, draws: Iterable[float]) -> Interval:
    """Of a value, and of what might have come out as well."""
    low, high = np.percentile(np.fromiter(draws, dtype=np.float64), (2.5, 97.5), method="nearest")
    return Interval(value, min(value, float(low)), max(value, float(high)))


@dataclass(frozen=True, slots=True)
class Model:
    """Service times and what connections cost, put together.

    Attributes:
        envelope_bytes: of a delivery, around the text; by flow.
        extra_ms: how long a message is on its way beside the server's turn, at the median and at the 95th percentile;
            by way.
    """

    times: ServiceTimes
    idle: Idle
    envelope_bytes: dict[Flow, float]
    extra_ms: dict[Way, tuple[float, float]]

    def predict(self, load: Load, costs: Costs | None = None) -> Prediction:
        """What a load will do, with the best times or with those of a draw."""
        costs = costs or self.times.best
        turns = serve_load(load, costs)
        server, database = cores(load, costs, turns)
        idle_cores = load.connections * self.idle.heartbeat_s.mean / HEARTBEAT_S
        p50_ms, p95_ms = self._delivery_ms(load, turns)
        frame_bytes = load.body_bytes + self.envelope_bytes[load.flow]
        join_s = self.idle.join_s.mean
        return Prediction(
            server_cores=server + idle_cores,
            database_cores=database,
            client_percent=100 * client_cores(load, costs, turns),
            delivery_p50_ms=p50_ms,
            delivery_p95_ms=p95_ms,
            channel_per_s=channel_per_s(load, costs),
            connect_p95_ms=self._connect_ms(load, costs, turns),
            frame_bytes=frame_bytes,
            client_bytes=self.idle.client_bytes.per_one,
            server_bytes=load.connections * self.idle.server_bytes.per_one,
            away_s=load.connections * join_s / 2,
        )

    def some_costs(self) -> tuple[Costs, ...]:
        """The best times, and some of those that might have come out as well."""
        step = max(1, len(self.times.draws) // _DRAWS)
        return (self.times.best, *self.times.draws[::step])

    def spread(self, what: Callable[[Costs], float]) -> Interval:
        """A value that is computed from service times, with its interval."""
        best, *drawn = map(what, self.some_costs())
        return interval(best, drawn)

    def _delivery_ms(self, load: Load, turns: Turns | None) -> tuple[float, float]:
        if turns is None:
            return math.inf, math.inf
        delays_ms = 1e3 * (turns.waited_s + turns.took_s)
        extra = self.extra_ms[Way.of(load.flow)]
        p50, p95 = np.percentile(delays_ms, (50, 95))
        return float(p50) + extra[0], float(p95) + extra[1]

    def _connect_ms(self, load: Load, costs: Costs, turns: Turns | None) -> float:
        """A join waits for the turn that is under way, and for the joins before it."""
        if turns is None:
            return math.inf
        join_s = self.idle.join_s.mean
        busy = least_busy(load, costs) + load.connections / RECONNECT_S * join_s
        if busy >= 1:
            return math.inf
        turn_s = 0.0 if load.flow.is_change else float(np.percentile(turns.took_s, 95))
        return self.idle.connect_ms + 1e3 * (turn_s + join_s * busy / (1 - busy))


def pace_of(load: Load, costs: Costs) -> Pace:
    """How a server goes under a load."""
    return costs.pace(load.flow, load.subscribers, load.body_bytes, max(1, round(load.channels)))


def serve_load(load: Load, costs: Costs) -> Turns | None:
    """Let a server take messages that come at random; None if it cannot keep up with them for long."""
    pace = pace_of(load, costs)
    if pace.each_s * load.total_per_s >= 1:
        return None
    span_s = _POLLS * POLL_S if load.flow.is_change else _SPAN_S
    messages = int(min(_MOST_MESSAGES, max(_MESSAGES, span_s * load.total_per_s)))
    random = np.random.default_rng(0)  # the same for all loads, so that two differ by what they are
    arrivals = np.cumsum(random.exponential(1 / load.total_per_s, size=messages))
    return serve(arrivals, pace)


def cores(load: Load, costs: Costs, turns: Turns | None) -> tuple[float, float]:
    """Busy cores of server and database. Beyond what one server can do: as many as it would take, one by one."""
    way = Way.of(load.flow)
    server, database = costs.of(way, Meter.SERVER), costs.of(way, Meter.DATABASE)
    if turns is not None and not load.flow.is_change:
        return turns.busy_s / turns.span_s + server["second"], 0.0
    counts = _each_second(load, turns)
    return sum(server[term] * count for term, count in counts.items()), sum(
        database[term] * (count if term != "kilobyte" else load.total_per_s * load.body_bytes / 1_000)
        for term, count in counts.items()
    )


def _each_second(load: Load, turns: Turns | None) -> dict[str, float]:
    """How often each term occurs; without turns, as if each message had one to itself."""
    found = polls = met = load.total_per_s
    if turns is not None:
        found = turns.messages.size / turns.span_s
        polls = found + turns.empty / turns.span_s
        met = _met_per_s(load, turns)
    secured = load.flow is Flow.SECURED
    return {
        "second": 1.0,
        "turn": polls if load.flow.is_change else found,
        "write": met * load.subscribers,
        "commit": load.total_per_s,
        "message": load.total_per_s,
        "delivery": load.deliveries_per_s,
        "kilobyte": load.deliveries_per_s * load.body_bytes / 1_000,
        "inquiry": met * load.subscribers * secured,
        "check": load.deliveries_per_s * secured,
    }


def _met_per_s(load: Load, turns: Turns) -> float:
    """How often a second the server writes to one channel's subscribers, all channels together."""
    channels = max(1, round(load.channels))
    if channels == 1:
        return turns.messages.size / turns.span_s
    return sum(distinct(one, channels) for one in turns.messages.tolist()) / turns.span_s


def client_cores(load: Load, costs: Costs, turns: Turns | None) -> float:
    """Busy share of a core of a client with one subscription; without what the receiving process itself takes.

    What the server writes at once is one turn there, too.
    """
    times, rate = costs.of(Way.of(load.flow), Meter.CLIENT), load.rate_per_s
    each = times["delivery"] + times["kilobyte"] * load.body_bytes / 1_000
    if load.flow.is_change:  # those of one poll come together
        return min(rate, 1 / POLL_S) * times["write"] + rate * each
    reads = rate if turns is None else min(rate, _met_per_s(load, turns) / load.channels)
    return reads * (times["turn"] + times["wake"] * chill(1 / reads) + times["write"]) + rate * each


def least_busy(load: Load, costs: Costs) -> float:
    """Share of the server's loop that a load takes however much it brings together in a turn."""
    times = costs.of(Way.of(load.flow), Meter.SERVER)
    each_delivery = times["delivery"] + times["kilobyte"] * load.body_bytes / 1_000
    return load.total_per_s * times["message"] + load.deliveries_per_s * each_delivery


def channel_per_s(load: Load, costs: Costs) -> float:
    """The most that one channel can carry while the others go on; 0 if they leave nothing."""
    each_s = pace_of(load, costs).each_s
    most = 1 / each_s if each_s else math.inf  # few loads may not be able to tell it from nothing
    return max(0.0, most - load.rate_per_s * (load.channels - 1))
