"""How long it takes to get connected, how often it works, and how fast the target answers then."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, JoinFailed, SettingsError
from helpers.profiling.results import ConnectionProfile
from helpers.profiling.statistics import Summary, summarize
from helpers.profiling.workloads.reception import READY_LIMIT_S
from helpers.profiling.workloads.workload import TABLE
from helpers.results import utc_now
from helpers.target import Target
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["profile_connection"]

MAX_REPEATS = 200

#: A 95th percentile has an upper end from 73 values on (`quantile_interval`); a subscription on each would take longer.
CONNECTS = 80

#: So long, at the most, may connections take that are opened for their time alone.
QUICK_LIMIT_S = 16.0


@dataclass(slots=True)
class _Samples:
    """Milliseconds of every step that succeeded."""

    connect_ms: list[float] = field(default_factory=list)
    join_ms: list[float] = field(default_factory=list)
    ready_ms: list[float] = field(default_factory=list)
    heartbeat_ms: list[float] = field(default_factory=list)
    heartbeats: int = 0
    failures: list[str] = field(default_factory=list)


async def profile_connection(
    target: Target, *, repeats: int = 20, heartbeats: int = 3, connects: int = CONNECTS
) -> ConnectionProfile:
    """Connect and subscribe `repeats` times, one after another, with some heartbeats on each connection.

    Nothing is written. Where the workbook has no table of its own, only a broadcast channel is joined. Further
    connections are opened and closed at once, until there are `connects`, so that their 95th percentile can be judged;
    each counts as an attempt.

    Raises:
        SettingsError: more repeats than a measurement should ask of a server.
    """
    if not 1 <= repeats <= MAX_REPEATS:
        happened = f"repeats is {repeats}"
        raise SettingsError("planning the connections", happened, f"Choose 1 to {MAX_REPEATS} repeats")
    samples = _Samples()
    for _ in range(repeats):
        await _connect_once(target, samples, heartbeats)
    quick = await _connect_only(target, samples, connects - repeats) if samples.connect_ms else (0, 0)
    return ConnectionProfile(
        target=str(target),
        taken_at=utc_now(),
        attempts=repeats + quick[0],
        succeeded=len(samples.join_ms) + quick[1],
        heartbeats=samples.heartbeats,
        answered=len(samples.heartbeat_ms),
        connect_ms=_summary(samples.connect_ms),
        join_ms=_summary(samples.join_ms),
        ready_ms=_summary(samples.ready_ms),
        heartbeat_ms=_summary(samples.heartbeat_ms),
        failures=tuple(dict.fromkeys(samples.failures)),
    )


async def _connect_once(target: Target, samples: _Samples, heartbeats: int) -> None:
    changes = (ChangeBinding(schema=target.schema, table=TABLE),) if target.writes_allowed else ()
    try:
        async with RealtimeClient(target) as client:
            samples.connect_ms.append(client.connect_ms)
            channel = client.channel(f"workbook:{secrets.token_hex(4)}", JoinConfig(changes=changes))
            times = await channel.subscribe(timeout=READY_LIMIT_S)
            samples.join_ms.append(times.join_ms)
            if changes:
                samples.ready_ms.append(times.ready_ms)
            for _ in range(heartbeats):
                samples.heartbeats += 1
                samples.heartbeat_ms.append(await client.heartbeat())
    except (ConnectionFailed, JoinFailed) as error:
        samples.failures.append(error.happened)


async def _connect_only(target: Target, samples: _Samples, times: int) -> tuple[int, int]:
    """Open and close `times` connections, or fewer where time runs out; how many were tried, and how many opened."""
    begun, tried, opened = time.monotonic(), 0, 0
    while tried < times and time.monotonic() - begun < QUICK_LIMIT_S:
        tried += 1
        try:
            async with RealtimeClient(target) as client:
                samples.connect_ms.append(client.connect_ms)
                opened += 1
        except ConnectionFailed as error:
            samples.failures.append(error.happened)
    return tried, opened


def _summary(sample: list[float]) -> Summary | None:
    return summarize(sample) if sample else None
