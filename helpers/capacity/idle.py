"""What a connection costs before and between messages: connecting, joining, and staying."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from helpers.capacity.crowd import Crowd
from helpers.capacity.observe import Bench
from helpers.client import RealtimeClient
from helpers.errors import FailureError
from helpers.experiments import Estimate, estimate
from helpers.profiling.lines import Line, fit_line
from helpers.profiling.meters import Meters, Usage
from helpers.profiling.receiving import Listening

__all__ = ["HEARTBEAT_S", "Idle", "measure_idle"]

#: Between two heartbeats of the vendor's clients (realtime-js, `lib/constants.ts`).
HEARTBEAT_S = 25.0

_HEARTBEATS, _CONNECTS = 150, 30

#: Heartbeats are metered so many times, for an interval.
_REPEATS = 4

_JOIN_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Idle:
    """What a connection costs that no message comes by.

    Attributes:
        join_s: CPU seconds of the server for one connection with one channel.
        heartbeat_s: CPU seconds of the server for one heartbeat and its answer.
        server_bytes, client_bytes: memory of one connection with one channel.
        connect_ms: 95th percentile of connecting to a server at rest.
    """

    join_s: Estimate
    heartbeat_s: Estimate
    server_bytes: Line
    client_bytes: Line
    connect_ms: float


async def measure_idle(bench: Bench, steps: Sequence[int]) -> Idle:
    """Let more and more sockets join a lab that has done nothing else yet, and meter what each step adds.

    Args:
        steps: how many join in each, three at least. They stay until the last has joined.
    """
    readings, join_s = [], []
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Crowd(processes=1))
        await first.join(_silent(bench, 1))  # from now on everything is imported
        for step in steps:
            crowd = await stack.enter_async_context(Crowd(processes=1))
            async with Meters(bench.lab.target, client_pid=crowd.pid) as meters:
                await crowd.join(_silent(bench, step))
            readings.append(meters.usage)
            join_s.append(_server_s(meters.usage) / step)
        heartbeat_s, connect_ms = await _heartbeats(bench), await _connects(bench)
    sockets = list(accumulate(steps))
    return Idle(
        join_s=estimate(join_s),
        heartbeat_s=estimate(heartbeat_s),
        server_bytes=fit_line(sockets, [float(one.server_memory_bytes or 0) for one in readings]),
        client_bytes=fit_line(steps, [float(one.client_memory_bytes) for one in readings]),
        connect_ms=connect_ms,
    )


def _silent(bench: Bench, sockets: int) -> Listening:
    return Listening(
        target=bench.lab.target, channels=("capacity:idle",), sockets=sockets, messages=1, limit_s=_JOIN_LIMIT_S
    )


def _server_s(usage: Usage) -> float:
    if usage.server_cpu_s is None:
        raise FailureError("metering connections", "; ".join(usage.notes), "Measure in a lab of this machine")
    return usage.server_cpu_s


async def _heartbeats(bench: Bench) -> list[float]:
    """CPU seconds of the server for each."""
    async with RealtimeClient(bench.lab.target) as client:
        return [await _heartbeat(bench, client) for _ in range(_REPEATS)]


async def _heartbeat(bench: Bench, client: RealtimeClient) -> float:
    async with Meters(bench.lab.target) as meters:
        for _ in range(_HEARTBEATS):
            await client.heartbeat()
    return _server_s(meters.usage) / _HEARTBEATS


async def _connects(bench: Bench) -> float:
    """95th percentile, in milliseconds."""
    took_ms = []
    for _ in range(_CONNECTS):
        async with RealtimeClient(bench.lab.target) as client:
            took_ms.append(client.connect_ms)
    return float(np.percentile(took_ms, 95))
