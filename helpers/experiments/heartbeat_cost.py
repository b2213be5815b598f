"""What heartbeats cost client and server at several rates, and what that makes of an interval."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.client import RealtimeClient
from helpers.errors import SettingsError
from helpers.experiments.experiment import Estimate, Experiment, Metric, Outcome
from helpers.experiments.keepalive import RECOVERY_GOAL_S, VENDOR_INTERVAL_S, latest_known_s, worst_detection_s
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.profiling.harness import RATE_KEPT
from helpers.profiling.meters import Meters
from helpers.profiling.statistics import slope
from helpers.target import Target, TargetKind

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeartbeatCost", "PerHeartbeat", "profile_heartbeat_cost"]

RATE = Metric("heartbeats", "a second")
CLIENT = Metric("client's CPU", "% of a core")
SERVER = Metric("server's CPU", "% of a core")
DATABASE = Metric("database's CPU", "% of a core")
UP = Metric("to the server", "bytes/s")
DOWN = Metric("to the client", "bytes/s")

#: Heartbeats a second that all connections together send.
_RATES = {Size.SMALL: (0.0, 100.0, 400.0, 1_400.0), Size.FULL: (0.0, 100.0, 200.0, 400.0, 1_000.0, 2_000.0)}
_SECONDS = {Size.SMALL: 0.4, Size.FULL: 5.0}
_ROUNDS = {Size.SMALL: 3, Size.FULL: 8}
_CONNECTIONS = 20
#: A heartbeat is smaller than 126 bytes, so its frame has a head of 2 bytes and, from a client, a mask of 4 (RFC 6455,
#: section 5.2).
_HEAD_UP = 6
#: What a target that is not ours is asked at most: four heartbeats a second for each connection.
_POLITE_PER_S = 80.0
_MOST_PER_S = 5_000.0
_NEVER_S = 3_600.0


@dataclass(frozen=True, slots=True)
class PerHeartbeat:
    """What one more heartbeat adds: least squares over the runs, with its 95 % interval; `n` runs."""

    value: float
    low: float
    high: float
    unit: str
    n: int

    def __str__(self) -> str:
        return f"{self.value:.0f} {self.unit} ({self.low:.0f} to {self.high:.0f}, n = {self.n} runs)"


@dataclass(frozen=True, slots=True)
class HeartbeatCost:
    """The runs, and what follows from them.

    The CPU time of a heartbeat is not one number. On a quiet process each heartbeat is a wake-up, on a busy one it is
    one more message: the line bends. So what a rate costs is read between the rates that were measured, and only beyond
    the highest one a slope is used, that of the rates above none.

    Attributes:
        client, server: CPU time of one more heartbeat where there are some already; None where it is not known.
        database: the same, over all rates.
        up, down: bytes of a heartbeat and of its answer, with their frames' heads, without TCP's, IP's and TLS's.
        most_per_s: the highest rate that was measured.
    """

    experiment: Experiment
    client: PerHeartbeat
    server: PerHeartbeat | None
    database: PerHeartbeat | None
    up: PerHeartbeat
    down: PerHeartbeat
    most_per_s: float

    def server_percent(self, rate_per_s: float) -> Estimate | None:
        """CPU of the server at that rate, in percent of a core, what it does without heartbeats included; None where
        that is not known."""
        if self.server is None:
            return None
        return _percent_at(self.experiment, SERVER, self.server, rate_per_s)

    @property
    def waking_us(self) -> float:
        """CPU time of a client for a heartbeat that wakes it: at the lowest rate above none, in microseconds;
        NaN where that was so low that none fell into the time that was watched."""
        quiet, first, *_ = (
            (self.experiment.estimate(arm, RATE.name).mean, self.experiment.estimate(arm, CLIENT.name).mean)
            for arm in self.experiment.arms
        )
        return 1e4 * (first[1] - quiet[1]) / (first[0] - quiet[0]) if first[0] > quiet[0] else math.nan

    def plan(
        self,
        *,
        clients: int = 10_000,
        intervals_s: Sequence[float] = (5, 10, 14, 20, 25, 30, 60),
        timeout_s: float | None = None,
        goal_s: float = RECOVERY_GOAL_S,
    ) -> pd.DataFrame:
        """What each interval would mean: how late a dead link is noticed at most, and what it costs.

        Args:
            clients: connected to one server.
            timeout_s: for the answer; None for a client that waits as long as its interval, as the vendor's
                JavaScript client does.
            goal_s: within which the first attempt to reconnect must come.
        """
        import pandas as pd

        return pd.DataFrame([self._row(clients, one, timeout_s or one, goal_s) for one in intervals_s])

    def _row(self, clients: int, interval_s: float, timeout_s: float, goal_s: float) -> dict[str, object]:
        per_s, worst_s = clients / interval_s, worst_detection_s(interval_s, timeout_s)
        beats_an_hour, used, waking = 3_600 / interval_s, self.server_percent(per_s), self.waking_us
        return {
            "interval (s)": interval_s,
            "noticed, at most (s)": worst_s,
            f"back within {goal_s:g} s": "yes" if worst_s <= latest_known_s(goal_s) else "no",
            "heartbeats/s at the server": round(per_s, 1),
            "server's CPU (% of a core)": _range(used) if used else "not known",
            "rate": "measured" if per_s <= self.most_per_s else "extrapolated",
            "a client, an hour: heartbeats": round(beats_an_hour),
            "KB": round((self.up.value + self.down.value) * beats_an_hour / 1_000, 1),
            "client's CPU (ms)": "not known" if math.isnan(waking) else round(waking * beats_an_hour / 1_000),
            "server's CPU (ms)": round(used.mean / clients * 36_000, 1) if used else "not known",
        }

    def _repr_html_(self) -> str:
        return self.experiment._repr_html_()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))

    def __str__(self) -> str:
        return str(self.experiment)


async def profile_heartbeat_cost(
    target: Target,
    *,
    rates_per_s: Sequence[float] | None = None,
    seconds: float | None = None,
    connections: int = _CONNECTIONS,
    size: Size = Size.SMALL,
    rounds: int | None = None,
) -> HeartbeatCost:
    """Let connections send heartbeats at several rates, and read what all of them cost.

    The rate of 10,000 clients with a heartbeat every 25 s, 400 a second, is among them. What is extrapolated is the
    number of sockets: that an idle socket costs no CPU time.

    Args:
        rates_per_s: of all connections together: none, and at least two above it.
        seconds: that each run is metered.

    Raises:
        SettingsError: too few rates, or too high ones for this target.
        ConnectionFailed: the target cannot be reached.
    """
    rates = tuple(sorted(rates_per_s or _polite(target, _RATES[size])))
    _check(target, rates)
    metered_s = seconds or _SECONDS[size]
    arms = {_arm_of(rate): partial(_beat, target, rate, connections, metered_s) for rate in rates}
    experiment = await run_rounds(
        "heartbeat cost",
        "What does a heartbeat cost?",
        target,
        arms,
        metrics=(RATE, CLIENT, SERVER, DATABASE, UP, DOWN),
        rounds=rounds or _ROUNDS[size],
        size=size,
        answer=_say,
        settings={"connections": connections, "seconds": metered_s},
    )
    slopes = {metric: _slope(experiment, metric) for metric in (CLIENT, SERVER, DATABASE, UP, DOWN)}
    client, up, down = slopes[CLIENT], slopes[UP], slopes[DOWN]
    assert client is not None and up is not None and down is not None
    most = max(experiment.estimate(arm, RATE.name).mean for arm in experiment.arms)
    return HeartbeatCost(experiment, client, slopes[SERVER], slopes[DATABASE], up, down, most)


async def _beat(target: Target, rate_per_s: float, connections: int, seconds: float, _: int) -> Outcome:
    """One run: connect, then meter what is going on."""
    interval_s = connections / rate_per_s if rate_per_s else _NEVER_S
    async with contextlib.AsyncExitStack() as stack:
        clients = [RealtimeClient(target, heartbeat_s=interval_s) for _ in range(connections)]
        for client in clients:  # one after another over an interval, as a server's clients do not beat together
            await stack.enter_async_context(client)
            await asyncio.sleep(min(interval_s, seconds / 4) / connections)
        async with Meters(target) as meters:
            before = _sums(clients)
            await asyncio.sleep(seconds)
            frames, up, down = (now - then for now, then in zip(_sums(clients), before, strict=True))
        usage = meters.usage
    values = {
        RATE.name: frames / usage.seconds,
        CLIENT.name: usage.percent(usage.client_cpu_s),
        SERVER.name: usage.percent(usage.server_cpu_s),
        DATABASE.name: usage.percent(usage.database_cpu_s),
        UP.name: up / usage.seconds,
        DOWN.name: down / usage.seconds,
    }
    return Outcome(values, notes=(*usage.notes, *_missed(rate_per_s, seconds, frames + connections)))


def _missed(asked_per_s: float, seconds: float, sent: int) -> Iterator[str]:
    """The arm is called by the rate that was asked for; what it cost is told by the rate that was sent.

    Args:
        sent: with the one that each connection may have sent just before, or just after.
    """
    if sent < RATE_KEPT * asked_per_s * seconds:
        yield f"{asked_per_s:,.0f} heartbeats/s were asked for and this process could not send them all in time"


def _sums(clients: Sequence[RealtimeClient]) -> tuple[int, int, int]:
    """Heartbeats, bytes up and bytes down of all of them."""
    counters = [client.counters for client in clients]
    frames = sum(one.frames_out for one in counters)
    up = sum(one.bytes_out for one in counters) + _HEAD_UP * frames
    return frames, up, sum(one.wire_bytes_in for one in counters)


def _slope(experiment: Experiment, metric: Metric) -> PerHeartbeat | None:
    """Of a metric over the rate; of the CPU of those who answer, in microseconds, only where there are heartbeats."""
    quiet = experiment.arms[0] if metric in (CLIENT, SERVER) else None
    runs = {(one.arm, one.run): one.value for one in experiment.measures if one.metric == RATE.name}
    points = [
        (runs[one.arm, one.run], one.value)
        for one in experiment.measures
        if one.metric == metric.name and one.arm != quiet and (one.arm, one.run) in runs
    ]
    if len(points) < 3:
        return None
    rise, low, high = slope([rate for rate, _ in points], [value for _, value in points])
    # A percent of a core is 10 ms of CPU time in a second.
    scale, unit = (1.0, "bytes") if metric in (UP, DOWN) else (1e4, "µs")
    return PerHeartbeat(scale * rise, scale * low, scale * high, unit, len(points))


def _percent_at(experiment: Experiment, metric: Metric, beyond: PerHeartbeat, rate_per_s: float) -> Estimate:
    """Between two measured rates on the line that joins them, each end of the interval for itself; beyond the last one
    by the slope."""
    rates = [experiment.estimate(arm, RATE.name).mean for arm in experiment.arms]
    found = [experiment.estimate(arm, metric.name) for arm in experiment.arms]
    more, n = max(0.0, rate_per_s - rates[-1]) / 1e4, min(one.n for one in found)
    mean, low, high = (
        float(np.interp(rate_per_s, rates, ends)) + more * rise
        for ends, rise in (
            ([one.mean for one in found], beyond.value),
            ([one.low for one in found], beyond.low),
            ([one.high for one in found], beyond.high),
        )
    )
    return Estimate(mean, low, high, n)


def _say(experiment: Experiment) -> str:
    client, server, database = (_slope(experiment, metric) for metric in (CLIENT, SERVER, DATABASE))
    up, down = _slope(experiment, UP), _slope(experiment, DOWN)
    said = [
        f"A heartbeat is {up.value:.0f} bytes up and {down.value:.0f} down." if up and down else "No bytes counted."
    ]
    if client is not None:
        said.append(f"One more takes this client {client} of CPU time" + (f", the server {server}." if server else "."))
    if database is not None:
        nothing = database.low <= 0 <= database.high
        said.append("The database has no part in it that shows." if nothing else f"The database: {database}.")
    if server is not None:
        per_s = 10_000 / VENDOR_INTERVAL_S
        used = _range(_percent_at(experiment, SERVER, server, per_s))
        said.append(f"10,000 clients with one every {VENDOR_INTERVAL_S:g} s, {per_s:g}/s, take {used} % of its core.")
    else:
        said.append("What the server spends is not known here.")
    return " ".join(said)


def _range(found: Estimate) -> str:
    return f"{found.mean:.1f} ({max(0.0, found.low):.1f} to {found.high:.1f})"


def _arm_of(rate_per_s: float) -> str:
    return f"{rate_per_s:g}/s" if rate_per_s else "no heartbeats"


def _polite(target: Target, rates: Sequence[float]) -> tuple[float, ...]:
    """A target of somebody else is not flooded."""
    if target.kind is TargetKind.LAB:
        return tuple(rates)
    return tuple(rate * _POLITE_PER_S / max(rates) for rate in rates)


def _check(target: Target, rates: Sequence[float]) -> None:
    tried, most = "planning the heartbeats", _MOST_PER_S if target.kind is TargetKind.LAB else _POLITE_PER_S
    if len(set(rates)) < 3 or min(rates) != 0:
        given = ", ".join(f"{rate:g}" for rate in rates)
        raise SettingsError(tried, f"the rates {given} make no line", "Give 0 and at least two above it")
    if max(rates) > most:
        raise SettingsError(tried, f"{max(rates):g} heartbeats a second", f"Choose 0 to {most:g} for this target")
