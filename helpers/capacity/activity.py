"""What happens under a load: turns, writes and reads, predicted with service times or as they were measured.

What is counted of a load is known, but for its turns, and those are measured: the lab tells its polls, the receivers
what they read at once. To predict them for another load is the business of `loop` and `reception`, which serve it with
the times that were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from helpers.capacity.costs import POLL_S, Costs, Meter, Way
from helpers.capacity.design import Flow, Point
from helpers.capacity.loop import Turns, chills, serve
from helpers.capacity.observe import Observation
from helpers.capacity.reception import receive, reception_pace
from helpers.profiling.histogram import Floats

__all__ = ["WAKINGS", "Activity", "counted", "metered", "observed", "predicted", "received_of", "served_of"]

#: Between two messages of a burst, as the sending client needs it; the rows of a transaction appear together.
_SPACING_S = 40e-6

#: A receiver wakes now sooner, now later, and whether few subscribers' messages are read in one turn or in two hangs on
#: that: so it is served with some of the times of waking, as shares of their mean, that are exponentially distributed.
WAKINGS: Floats = -np.log1p(-(np.arange(5) + 0.5) / 5)

_PHASES = tuple((2 * number + 1) / 16 for number in range(8))


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
    """The turns of all receiving processes under a broadcast that was served so, for each of `WAKINGS`."""
    times = costs.of(Way.BROADCAST, Meter.CLIENT)
    each_s = times["delivery"] + times["kilobyte"] * point.body_bytes / 1_000
    sending = costs.pace(point.flow, point.subscribers, point.body_bytes)
    found: list[Turns] = []
    for turns in served:
        messages = point.messages / turns.messages.size
        for wake_s in times.wake_s * WAKINGS:
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
        return _reception(point, received_of(point, served, costs), len(served) * len(WAKINGS))
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
