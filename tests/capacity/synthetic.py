"""Observations of a machine whose service times are known, and loads to ask about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers.capacity.activity import counted, predicted, served_of
from helpers.capacity.capacity import Capacity, capacity_of
from helpers.capacity.costs import POLL_S, Costs, Meter, Times, Way
from helpers.capacity.design import Design, Flow, Point, design_of
from helpers.capacity.idle import Idle
from helpers.capacity.observe import Observation
from helpers.experiments import Estimate, Size
from helpers.profiling.lines import Line

#: A machine that could be.
TRUE = Costs(
    broadcast_server=Times(
        {"second": 5e-3, "turn": 60e-6, "write": 3e-6, "message": 20e-6, "delivery": 1e-6, "kilobyte": 0.3e-6}, 0.8
    ),
    broadcast_client=Times(
        {"second": 5e-3, "turn": 60e-6, "wake": 40e-6, "write": 1e-6, "delivery": 3e-6, "kilobyte": 0.3e-6}
    ),
    changes_server=Times(
        {"turn": 2.5e-3, "write": 15e-6, "message": 60e-6, "delivery": 1e-6, "inquiry": 4e-6, "check": 1e-6}
    ),
    changes_database=Times(
        {"turn": 3e-3, "commit": 150e-6, "message": 80e-6, "kilobyte": 20e-6, "inquiry": 10e-6, "check": 3e-6}
    ),
    changes_client=Times({"second": 5e-3, "write": 20e-6, "delivery": 4e-6, "kilobyte": 0.8e-6}),
    changes_poll=Times(
        {"turn": 4e-3, "write": 10e-6, "message": 90e-6, "delivery": 0.5e-6, "inquiry": 8e-6, "check": 3e-6}
    ),
)

IDLE = Idle(
    join_s=Estimate(400e-6, 350e-6, 450e-6, 4),
    heartbeat_s=Estimate(60e-6, 50e-6, 70e-6, 4),
    server_bytes=Line(10_000, 9_000, 11_000, 40e6, 4, 300),
    client_bytes=Line(9_000, 8_000, 10_000, 40e6, 4, 300),
    connect_ms=2.0,
)

ENVELOPE_BYTES = 140


def observed(point: Point, number: int, random: np.random.Generator, noise: float, true: Costs) -> Observation:
    """What that machine would have shown."""
    served, seconds = served_of(point, true), point.seconds + 0.4
    found, _, messages, polls, _ = predicted(point, Meter.SERVER, served, true, seconds=seconds, cold=0.0)
    listening = predicted(point, Meter.CLIENT, served, true, seconds=seconds)
    pace = true.pace(point.flow, point.subscribers, point.body_bytes)
    poll_s = polls * pace.fixed_s + found * pace.write_s + messages * pace.each_s
    delays_ms = 1e3 * np.concatenate([turns.waited_s + turns.took_s for turns in served])

    def used(meter: Meter) -> float:
        if (Way.of(point.flow), meter) == (Way.BROADCAST, Meter.DATABASE):
            return 0.001
        times = true.of(Way.of(point.flow), meter)
        counts = counted(point, meter, predicted(point, meter, served, true, seconds=seconds), seconds)
        return sum(times[term] * count for term, count in counts.items()) * float(np.exp(random.normal(0, noise)))

    p50, p95 = np.percentile(delays_ms, (50, 95))
    return Observation(
        point=point,
        round=number,
        seconds=seconds,
        deliveries=point.messages * point.subscribers,
        lost=0,
        server_cpu_s=used(Meter.SERVER),
        database_cpu_s=used(Meter.DATABASE),
        client_cpu_s=used(Meter.CLIENT),
        client_turns=listening.turns,
        client_reads=found * point.subscribers,
        p50_ms=float(p50) + 1.0,
        p95_ms=float(p95) + 2.0,
        frame_bytes=point.body_bytes + ENVELOPE_BYTES,
        join_server_cpu_s=point.subscribers * 400e-6,
        join_database_cpu_s=0.0,
        late_ms=1.0,
        sent_s=() if point.flow.is_change else tuple(point.due_s()[:: point.burst].tolist()),
        load_average=1.0,
        polls=polls,
        poll_s=poll_s,
        polled_s=poll_s + (polls - found) * POLL_S,
    )


def measured(
    design: Design | None = None, *, noise: float = 0.03, seed: int = 1, costs: Costs = TRUE
) -> Sequence[Observation]:
    """A whole design on that machine, each reading off by so much (standard deviation of its logarithm)."""
    random = np.random.default_rng(seed)
    design = design or design_of(Size.SMALL, rounds=3)
    return [
        observed(point, number, random, noise, costs)
        for number in range(design.rounds)
        for point in design.points(*Flow)
    ]


def capacity(design: Design | None = None, *, noise: float = 0.03) -> Capacity:
    """What would be found of it."""
    design = design or design_of(Size.SMALL, rounds=3)
    observations = measured(design, noise=noise)
    return capacity_of(
        observations, IDLE, design, target="synthetic", taken_at="2026-11-22T00:00:00Z", size=Size.SMALL, seconds=1.0
    )
