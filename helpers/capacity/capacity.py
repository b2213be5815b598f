"""Measure, fit, check: what a notebook calls."""

from __future__ import annotations

import asyncio
import html
import os
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from helpers.capacity.activity import metered, served_of
from helpers.capacity.bench import POLICY, capacity_bench
from helpers.capacity.check import Check, agreed, check
from helpers.capacity.costs import MODELS, TERMS, Meter, Way
from helpers.capacity.design import Design, Flow, Point, Role, design_of
from helpers.capacity.idle import Idle, measure_idle
from helpers.capacity.model import Model
from helpers.capacity.observe import Bench, Observation, observe
from helpers.capacity.service import ServiceTimes, check_points, fit_service_times
from helpers.experiments import Size
from helpers.profiling.investigation import environment
from helpers.progress import Progress
from helpers.results import utc_now

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Capacity", "capacity_of", "measure_capacity"]

#: What is measured, whatever the reader's own target is.
TARGET = "a lab of its own, without quotas"

#: What the clock of a busy machine adds to a delay hides what the server does; below this a delay is not compared.
_LATE_MS = 20.0


@dataclass(frozen=True, slots=True, repr=False)
class Capacity:
    """Service times with the model and its check.

    Attributes:
        target: the lab that was measured. seconds: how long it took.
        notes: what a reader must know of this run.
    """

    target: str
    taken_at: str
    size: str
    seconds: float
    model: Model
    check: Check
    observations: tuple[Observation, ...]
    environment: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def times(self) -> ServiceTimes:
        """What the fit found."""
        return self.model.times

    @property
    def idle(self) -> Idle:
        """What a connection costs without messages."""
        return self.model.idle

    def to_frame(self) -> pd.DataFrame:
        """One row for each service time, in microseconds of CPU, with its 95 % interval."""
        import pandas as pd

        rows = []
        for (way, meter), terms in MODELS.items():
            for term in terms:
                low, high = self.times.interval(way, meter, term)
                value = self.times.best.of(way, meter)[term]
                rows.append((str(way), str(meter), TERMS[term], 1e6 * value, 1e6 * low, 1e6 * high))
        columns = ["way", "whose time", "for", "µs", "low", "high"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def provenance(self) -> str:
        """Where the numbers are from."""
        return f"capacity, size {self.size}: {self.target}, {self.taken_at}, {self.seconds:.0f} s"

    def __str__(self) -> str:
        return "\n".join([self.check.verdict, *(f"Note: {note}" for note in self.notes), self.provenance])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><strong>{html.escape(self.check.verdict)}</strong></p>"
            + f"<p>Notes</p><ul>{notes}</ul>" * bool(notes)
            + f"<p><small>{html.escape(self.provenance)}</small></p>"
        )


async def measure_capacity(*, size: Size = Size.SMALL, design: Design | None = None) -> Capacity:
    """Measure a small set of loads in a lab of its own, fit the service times, and check them on held-out loads.

    It is always a lab: only there CPU times of server and database are known, and no quota is in the way.

    Args:
        design: the loads, instead of those of the size.

    Raises:
        SettingsError: the design has too few loads.
        FailureError: the lab's processes are not to be found, or a subscriber could not join.
    """
    design = design or design_of(size)
    check_points(design.fitted)
    began, taken_at = time.monotonic(), utc_now()
    with Progress() as progress:
        progress.say("capacity: starting a lab without quotas")
        idle, observations = await (_at_once if design.at_once else _in_turn)(design, progress)
    seconds = time.monotonic() - began
    return capacity_of(observations, idle, design, target=TARGET, taken_at=taken_at, size=size, seconds=seconds)


async def _in_turn(design: Design, progress: Progress) -> tuple[Idle, list[Observation]]:
    """Everything in one lab, one load after the other."""
    async with capacity_bench() as bench:
        return await measure_idle(bench, design.idle), await _observe_all(bench, design, tuple(Flow), 1, progress)


async def _at_once(design: Design, progress: Progress) -> tuple[Idle, list[Observation]]:
    """Each flow in a lab of its own; the one with the fewest loads has the time for connections that do nothing."""

    async def secured() -> tuple[Idle, list[Observation]]:
        async with capacity_bench() as bench:
            idle = await measure_idle(bench, design.idle)
            return idle, await _observe_all(bench, design, (Flow.SECURED,), 1, progress)

    async def others(flow: Flow, times: int) -> list[Observation]:
        async with capacity_bench() as bench:
            return await _observe_all(bench, design, (flow,), times, progress)

    first = asyncio.create_task(secured())
    second = asyncio.create_task(others(Flow.BROADCAST, design.broadcasts_per_round))
    third = asyncio.create_task(others(Flow.CHANGES, 1))
    try:
        (idle, found), broadcasts, changes = await asyncio.gather(first, second, third)
    finally:  # when one fails, the others end before its error is raised
        for task in (first, second, third):
            task.cancel()
        await asyncio.gather(first, second, third, return_exceptions=True)
    return idle, [*broadcasts, *changes, *found]


async def _observe_all(
    bench: Bench, design: Design, flows: Sequence[Flow], times: int, progress: Progress
) -> list[Observation]:
    """The points of some flows, in as many rounds as the design has, times this."""
    observations = []
    for number in range(times * design.rounds):
        for point in design.in_round(number, *flows):
            progress.say(f"capacity: round {number + 1} of {times * design.rounds}, {point}")
            observations.append(await observe(bench, point, number))
    return observations


def capacity_of(
    observations: Sequence[Observation],
    idle: Idle,
    design: Design,
    *,
    target: str,
    taken_at: str,
    size: Size,
    seconds: float,
) -> Capacity:
    """Fit to the fitted points, and check on all."""
    fitted = [one for one in observations if design.role_of(one.point) is Role.FITTED]
    times = fit_service_times(fitted)
    return Capacity(
        target=target,
        taken_at=taken_at,
        size=size,
        seconds=seconds,
        model=Model(times, idle, _envelopes(fitted), _extras(fitted, times)),
        check=check(times, observations, design),
        observations=tuple(observations),
        environment=environment(),
        notes=tuple(_notes(observations, times)),
    )


def _envelopes(observations: Sequence[Observation]) -> dict[Flow, float]:
    """What a frame holds around its text, where most frames are messages."""
    found: dict[Flow, list[float]] = defaultdict(list)
    for one in observations:
        if one.point.messages >= _MANY:
            found[one.point.flow].append(one.frame_bytes - one.point.body_bytes)
    return {flow: median(found[flow]) if found[flow] else 0.0 for flow in Flow}


_FAR_OFF = 0.5

#: Of so many messages the few frames of joining are no part that matters.
_MANY = 15


def _extras(observations: Sequence[Observation], times: ServiceTimes) -> dict[Way, tuple[float, float]]:
    """What messages needed beside the server's turn, where few subscribers leave the receiving process at ease."""
    found: dict[Way, list[tuple[float, float]]] = defaultdict(list)
    for one in observations:
        if one.point.subscribers <= 20 and one.point.burst == 1:
            sent = [one.sent_s] if one.sent_s else []
            delays_ms = 1e3 * np.concatenate([t.waited_s + t.took_s for t in served_of(one.point, times.best, sent)])
            p50, p95 = np.percentile(delays_ms, (50, 95))
            found[Way.of(one.point.flow)].append((max(0.0, one.p50_ms - p50), max(0.0, one.p95_ms - p95)))
    return {way: tuple(np.median(found[way], axis=0).tolist()) if found[way] else (0.0, 0.0) for way in Way}


def _weather(observations: Sequence[Observation]) -> str:
    """What else the machine did: CPU time is counted by process, and yet dearer where others take caches and turns."""
    loads = [one.load_average for one in observations]
    rounds = min(Counter(one.point for one in observations).values())
    return (
        f"measured is what {rounds} round{'s' * (rounds > 1)} at least agree on; none was left out, but "
        f"{_far_off_percent(observations):.1f} % of the readings of CPU time are over {100 * _FAR_OFF:.0f} % off what "
        "the others of their load say, and count for less. "
        f"This machine has {os.cpu_count()} cores, and its load average was {min(loads):.1f} to {max(loads):.1f} "
        f"(median {median(loads):.1f}), which includes the measurement"
    )


def _far_off_percent(observations: Sequence[Observation]) -> float:
    """How many readings are no matter of chance: other programs on the machine, or on its host, got in between."""
    readings: dict[tuple[Point, Meter], list[float]] = defaultdict(list)
    for one in observations:
        for way, meter in MODELS:
            if way is Way.of(one.point.flow) and meter is not Meter.POLL:
                readings[one.point, meter].append(metered(one, meter) / one.seconds)
    off = [abs(value / agreed(some).mean - 1) > _FAR_OFF for some in readings.values() for value in some]
    return 100 * sum(off) / len(off)


def _notes(observations: Sequence[Observation], times: ServiceTimes) -> list[str]:
    notes = [
        f"row level security was asked {POLICY!r} for every subscriber; what other policies cost, the experiment on "
        "policies tells",
        _weather(observations),
    ]
    late = max(one.late_ms for one in observations)
    if late > _LATE_MS:
        notes.append(f"this machine was busy: messages were sent up to {late:.0f} ms late")
    lost = sum(one.lost for one in observations)
    if lost:
        notes.append(f"{lost:,} deliveries did not come")
    return notes
