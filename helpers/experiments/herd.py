"""What a server sees when it restarts, and all its clients come back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import aiohttp
import numpy as np

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, FailureError, JoinFailed, SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.herd_process import Ask, Flock, Lives, Way
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.lab import LabSettings
from helpers.lab.faults import Scene
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling.worker import Worker, WorkerGone
from helpers.resilience import spread_for
from helpers.target import Target

__all__ = ["ALL_LIVE", "PEAK", "REFUSED", "Herds", "Return", "Way", "compare_herds"]

QUESTION = "A server restarts: do its clients come back together, and does it bear them?"

PEAK = Metric("attempts in the busiest second", "")
REFUSED = Metric("attempts that were refused", "")
ALL_LIVE = Metric("all live again after", "s")
TURNED_AWAY = Metric("newcomers turned away", "%")
HALF_LIVE = Metric("half of them live again after", "s")

#: Joins a second as on the free plan; a class has less patience, and so fewer clients and a lower limit.
CLIENTS = {Size.SMALL: 200, Size.FULL: 1_000}
JOINS_PER_S = {Size.SMALL: 80.0, Size.FULL: 100.0}

WAYS = {Size.SMALL: (Way.SPREAD, Way.LADDER), Size.FULL: tuple(Way)}

#: As many restarts of each way as an interval needs.
ROUNDS = 3

#: How often the server judges its joins: it takes 5 s for that, which 200 clients do not fill.
TICK_S = {Size.SMALL: 1.0, Size.FULL: 5.0}

#: How long nothing listens, beside what a stop and a start take.
DOWN_S = 0.5

#: When the herd is back somebody new comes so often, for so many periods of the server's judgement.
VISIT_S, VISITS_TICKS = 0.25, 2.5

_PROCESSES = 4
_LOOK_S = 0.1
_LIMIT_S = 180.0
_FREELY = 1_000_000
_TRIED = "watching a herd of clients"

#: Samples of /metrics that are attempts to join: those that were let in, and those that were turned away.
_ADMITTED = ("realtime_channel_global_joins",)
_TURNED_AWAY = (
    'realtime_channel_global_error{code="ClientJoinRateLimitReached"}',
    'lab_handshakes_refused_total{status="429"}',
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the server had counted, seconds after it had let the first one in."""

    at_s: float
    admitted: float
    refused: float

    @property
    def attempts(self) -> float:
        return self.admitted + self.refused


@dataclass(frozen=True, slots=True)
class Return:
    """How a herd came back.

    Attributes:
        newcomers: who came for the first time when the herd was back. turned_away: those of them who were refused.
        looks: at the server's counts. live_s: when each client was live again, in order, in seconds after the first
            one was; clients that were not are missing.
    """

    way: Way
    clients: int
    looks: tuple[Look, ...]
    live_s: tuple[float, ...]
    newcomers: int
    turned_away: int

    @property
    def peak(self) -> float:
        """Attempts in the busiest second."""
        times, counts = [0.0, *(look.at_s for look in self.looks)], [0.0, *(look.attempts for look in self.looks)]
        starts = np.asarray(times) - 1.0
        return float(np.max(counts - np.interp(starts, times, counts)))

    @property
    def refused(self) -> float:
        return self.looks[-1].refused

    def outcome(self) -> Outcome:
        """As an experiment wants it."""
        values: dict[str, float | None] = {PEAK.name: self.peak, REFUSED.name: self.refused}
        values[TURNED_AWAY.name] = 100 * self.turned_away / self.newcomers
        values[HALF_LIVE.name] = _nth(self.live_s, self.clients // 2)
        values[ALL_LIVE.name] = _nth(self.live_s, self.clients)
        missing = self.clients - len(self.live_s)
        return Outcome(values, notes=(f"{self.way}: {missing} were not live after {_LIMIT_S:g} s",) * bool(missing))


@dataclass(frozen=True, slots=True)
class Herds:
    """The experiment, and each return in time: one of each way in each round."""

    experiment: Experiment
    returns: tuple[Return, ...]
    joins_per_s: float

    @property
    def highest(self) -> tuple[Return, ...]:
        """Of each way the return with the highest peak."""
        ways = dict.fromkeys(one.way for one in self.returns)
        return tuple(max((one for one in self.returns if one.way is way), key=lambda one: one.peak) for way in ways)


async def compare_herds(
    *,
    size: Size = Size.SMALL,
    clients: int | None = None,
    joins_per_s: float | None = None,
    ways: Sequence[Way] | None = None,
    rounds: int = ROUNDS,
) -> Herds:
    """Restart a lab of its own under as many clients, in a few processes, with one channel each.

    Args:
        ways: of coming back; in the small size two. rounds: restarts of each.
        joins_per_s: the server's limit. What exceeds it is refused as on the real server: judged by the mean at the
            end of each period, with the socket closed.

    Raises:
        SettingsError: no clients, or no joins. LabError: the lab did not start. FailureError: the clients did not.
    """
    ways = ways or WAYS[size]
    clients, limit = clients or CLIENTS[size], joins_per_s or JOINS_PER_S[size]
    if clients < _PROCESSES or limit <= 0:
        raise SettingsError(
            "planning a herd",
            f"{clients} clients, {limit:g} joins/s",
            f"Choose at least {_PROCESSES}, and a limit above 0",
        )
    spread_s = spread_for(clients, limit)
    returns: list[Return] = []

    async def come_back(scene: Scene, way: Way, _: int) -> Outcome:
        returns.append(await _restarted(scene, way, clients, spread_s, VISITS_TICKS * TICK_S[size]))
        return returns[-1].outcome()

    async with Scene(_settings(clients, limit, TICK_S[size])) as scene:
        experiment = await run_rounds(
            "herd",
            QUESTION,
            scene.lab.target,
            {way.value: partial(come_back, scene, way) for way in ways},
            metrics=(PEAK, REFUSED, TURNED_AWAY, HALF_LIVE, ALL_LIVE),
            rounds=rounds,
            size=size,
            answer=partial(_say, limit),
            settings={
                "clients": clients, "joins_per_s": limit, "spread_s": spread_s, "judged every": f"{TICK_S[size]:g} s",
                "processes": _PROCESSES, "down_s": DOWN_S,
            },
        )  # fmt: skip
    return Herds(experiment, tuple(returns), limit)


def _settings(clients: int, limit: float, tick_s: float) -> LabSettings:
    limits = Limits(users=2 * clients, joins_per_s=limit)
    return LabSettings(realtime=RealtimeSettings(limits=limits, rate_tick_s=tick_s))


async def _restarted(scene: Scene, way: Way, clients: int, spread_s: float, visits_s: float) -> Return:
    # Until the restart, which forgets it, anybody may join: this is not about how they came.
    await scene.operate("PUT", tenant={"max_joins_per_second": _FREELY})
    flock = Flock(scene.lab.target, way, clients // _PROCESSES, spread_s)
    async with _flocks(flock, clients) as workers:
        await _live_since(workers, 0.0, clients)
        left_at = time.monotonic()
        await scene.stop_lab()
        await asyncio.sleep(DOWN_S)
        async with _watched(scene.lab.target) as looks:
            await scene.start_lab()
            lives = await _live_since(workers, left_at, clients)
            visits = await _visits(scene.lab.target, visits_s)
            await asyncio.sleep(2 * _LOOK_S)
    if not looks:
        raise FailureError(_TRIED, "the server never told its counts", "Look into the lab's log")
    back_at = min([looks[0].at_s, *lives])  # those who knocked meanwhile were let in before it told its counts
    since_back = tuple(Look(look.at_s - back_at, look.admitted, look.refused) for look in looks)
    return Return(way, clients, since_back, tuple(live - back_at for live in lives), len(visits), visits.count(False))


@contextlib.asynccontextmanager
async def _flocks(flock: Flock, clients: int) -> AsyncIterator[list[Worker]]:
    """The clients, in processes that are really independent of each other."""
    sizes = [clients // _PROCESSES + (number < clients % _PROCESSES) for number in range(_PROCESSES)]
    async with contextlib.AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(Worker("helpers.experiments.herd_process")) for _ in range(_PROCESSES)
        ]
        orders = [Flock(flock.target, flock.way, size, flock.spread_s) for size in sizes]
        await _all(workers, orders)
        yield workers


async def _live_since(workers: Sequence[Worker], moment: float, clients: int) -> list[float]:
    """When each client was live again after a moment, as soon as all are, or when the time is over."""
    deadline = time.monotonic() + _LIMIT_S
    while True:
        answers = await _all(workers, [Ask()] * len(workers))
        lives = sorted(since for answer in answers for since in answer.since if since > moment)
        if len(lives) == clients or time.monotonic() > deadline:
            return lives
        await asyncio.sleep(_LOOK_S)


async def _all(workers: Sequence[Worker], questions: Sequence[Flock | Ask]) -> list[Lives]:
    try:
        asked = (worker.ask(question, Lives, _LIMIT_S) for worker, question in zip(workers, questions, strict=True))
        return list(await asyncio.gather(*asked))
    except WorkerGone as gone:
        raise FailureError(_TRIED, str(gone), "Try again with fewer clients") from None


async def _visits(target: Target, seconds: float) -> list[bool]:
    """Somebody new now and then; whether each was let in."""
    visits = []
    for _ in range(round(seconds / VISIT_S)):
        visits.append(asyncio.create_task(_visit(target)))
        await asyncio.sleep(VISIT_S)
    return list(await asyncio.gather(*visits))


async def _visit(target: Target) -> bool:
    try:
        async with RealtimeClient(target) as client:
            await client.channel("visit").subscribe()
    except (ConnectionFailed, JoinFailed):
        return False
    return True


@contextlib.asynccontextmanager
async def _watched(target: Target) -> AsyncIterator[list[Look]]:
    """What the server counts during the block."""
    looks: list[Look] = []
    watching = asyncio.create_task(_watch(target, looks))
    try:
        yield looks
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(target: Target, looks: list[Look]) -> None:
    """Ask the server for its counts, from the moment at which it answers."""
    headers = {"Authorization": f"Bearer {target.secret_key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{target.api_url}/metrics") as answer:
                    if answer.status == 200:
                        looks.append(_look(await answer.text(), time.monotonic()))
            await asyncio.sleep(_LOOK_S)


def _look(text: str, at_s: float) -> Look:
    samples: Mapping[str, float] = {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line[:1] != "#")
    }
    admitted, refused = (sum(samples.get(name, 0.0) for name in names) for names in (_ADMITTED, _TURNED_AWAY))
    return Look(at_s, admitted, refused)


def _nth(values: Sequence[float], number: int) -> float | None:
    return values[number - 1] if len(values) >= number else None


def _say(limit: float, experiment: Experiment) -> str:
    """In numbers of these runs."""
    arms = [arm for arm in experiment.arms if experiment.values(arm, PEAK.name)]
    kept = [arm for arm in arms if max(experiment.values(arm, PEAK.name)) <= limit]
    verdict = f"Under the limit of {limit:g} joins a second stayed: {', '.join(kept) or 'nobody'}."
    how = "The server judges the mean at the end of each period: a quick herd gets in, and those who come next do not."
    told_away = any(value > 0 for arm in arms for value in experiment.values(arm, TURNED_AWAY.name))
    told = "; ".join(f"{arm}: {_story(experiment, arm)}" for arm in arms)
    return " ".join([verdict, f"{told}.", *[how] * told_away])


def _story(experiment: Experiment, arm: str) -> str:
    peak, refused, away = (_told(experiment, arm, metric) for metric in (PEAK, REFUSED, TURNED_AWAY))
    runs, live = len(experiment.values(arm, PEAK.name)), len(experiment.values(arm, ALL_LIVE.name))
    often = "" if live == runs else f" in {live} of {runs} runs"
    never = f"not all live again after {_LIMIT_S:g} s"
    end = f"all live again after {_told(experiment, arm, ALL_LIVE)} s{often}" if live else never
    return f"{peak} attempts in the busiest second, {refused} refused, {away} % of newcomers turned away, {end}"


def _told(experiment: Experiment, arm: str, metric: Metric) -> str:
    """The mean, with its interval where there is one."""
    found = experiment.estimate(arm, metric.name)
    digits = 1 if metric.unit == "s" else 0
    if found.n < 2:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"
