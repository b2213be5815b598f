"""What one more subscription costs client, server and database, and what one more message costs them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from helpers.errors import SettingsError
from helpers.experiments.crowded import HEARTBEAT_S, Crowding, Level, busy_crowd, idle_crowd, traced_kib
from helpers.experiments.marginal_results import MarginalCost, MarginalCosts, Point
from helpers.experiments.size import Size
from helpers.experiments.tables import OwnTable, own_table
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling.investigation import environment
from helpers.profiling.lines import Line, fit_line
from helpers.profiling.meters import Usage
from helpers.progress import Progress
from helpers.results import utc_now
from helpers.target import Target, TargetKind

__all__ = ["compare_marginal_costs"]

QUESTION = "What does one more subscription cost client, server and database, and what one more message?"

#: Channels that one socket may have, on every plan (docs: realtime/limits).
PER_SOCKET = 100

#: For a target with a quota: below the 200 sockets, 100 joins/s and 100 messages/s of the free plan.
POLITE = Crowding((1, 10, 30, 50, 70, 90), 1, None, idle_s=0.5, messages=3, joins_per_s=20, deliveries_per_s=60)

#: For a lab of its own.
SMALL = Crowding((1, 25, 50, 75, 100), 1, None, idle_s=0.2, messages=20)
FULL = Crowding((1, 10, *range(100, 1001, 100)), 1, None, idle_s=1.0, messages=20)

#: The most that one process of ours is asked to hold on sockets of their own.
MOST = 5_000

#: No quota in the way of a thousand sockets.
ROOMY = RealtimeSettings(limits=Limits(users=MOST, joins_per_s=1e5, events_per_s=1e7))

#: How many ways are measured at a time: in the small size all, each with a lab of its own, so that it takes a fourth as
#: long; processor time is counted by process, so that they hardly disturb each other.
AT_ONCE = {Size.SMALL: 4, Size.FULL: 1}

#: The seed's target for a subscription.
TARGET_KIB = 10 * 1024
TARGET_CPU_PERCENT = 5.0

#: name and unit, of one more, by what it is measured
CLIENT, TRACED, SERVER, DATABASE = "client memory", "client memory, traced", "server memory", "database memory"
IDLE = ("client idle CPU", "server idle CPU", "database idle CPU")
MESSAGE = ("client CPU", "server CPU", "database CPU")
KIB, AN_HOUR, A_MESSAGE = "KiB a subscription", "ms an hour", "µs a message"
UNITS = {
    **dict.fromkeys((CLIENT, TRACED, SERVER, DATABASE), KIB),
    **dict.fromkeys(IDLE, AN_HOUR),
    **dict.fromkeys(MESSAGE, A_MESSAGE),
}


@dataclass(frozen=True, slots=True)
class _Way:
    name: str
    per_socket: int
    changes: bool


OWN_BROADCAST = _Way("broadcast, a socket each", 1, changes=False)
SHARED_BROADCAST = _Way("broadcast, shared socket", PER_SOCKET, changes=False)
OWN_CHANGES = _Way("postgres_changes, a socket each", 1, changes=True)
SHARED_CHANGES = _Way("postgres_changes, shared socket", PER_SOCKET, changes=True)


async def compare_marginal_costs(
    target: Target, *, size: Size = Size.SMALL, levels: Sequence[int] | None = None
) -> MarginalCosts:
    """Let a crowd of subscriptions grow in each of four ways, and draw lines through what is metered.

    On the lab each way has a lab of its own, new and without quotas, as a server that has held a crowd before has its
    memory already. Elsewhere the crowd stays within the free plan's quotas, only the client is metered, and
    postgres_changes only where tables of ours may be made.

    Args:
        levels: sizes of the crowd, growing; by default 1 to 100, or to 1,000 in the full size.

    Raises:
        SettingsError: sizes that make no line, or more than the target may be asked for.
        FailureError: the target refused subscriptions, or did not deliver.
    """
    began, taken_at = time.monotonic(), utc_now()
    own_lab = target.kind is TargetKind.LAB
    plan = (FULL if size is Size.FULL else SMALL) if own_lab else POLITE
    if levels is not None:
        plan = replace(plan, levels=_checked(levels, MOST if own_lab else POLITE.levels[-1]))
    ways = [OWN_BROADCAST, SHARED_BROADCAST]
    if target.writes_allowed:
        ways += [OWN_CHANGES, SHARED_CHANGES]
    with Progress() as progress:
        measured = await _measure_all(ways, target, plan, AT_ONCE[size] if own_lab else 1, progress)
    points = tuple(point for part, _ in measured for point in part)
    costs = tuple(_costs([way.name for way in ways], points))
    notes = tuple(_notes(ways, own_lab, costs, [level for _, part in measured for level in part]))
    found = MarginalCosts(
        QUESTION, str(target), taken_at, size, time.monotonic() - began, costs, points, "", environment(), notes
    )
    return replace(found, answer=_answer(found))


def _checked(levels: Sequence[int], most: int) -> tuple[int, ...]:
    growing = all(one < other for one, other in pairwise(levels))
    if len(levels) < 3 or not growing or not levels[0] >= 1 or levels[-1] > most:
        raise SettingsError(
            "planning a crowd of subscriptions",
            f"the sizes {', '.join(map(str, levels))} cannot be used",
            f"Give at least three, each larger than the one before, from 1 to {most:,}",
        )
    return tuple(levels)


async def _measure_all(
    ways: Sequence[_Way], target: Target, plan: Crowding, at_once: int, progress: Progress
) -> list[tuple[list[Point], list[Level]]]:
    turns = asyncio.Semaphore(at_once)

    async def measure(way: _Way) -> tuple[list[Point], list[Level]]:
        async with turns:
            return await _measure(way, target, plan, lambda count: progress.say(f"{way.name}: {count} subscriptions"))

    tasks = [asyncio.create_task(measure(way)) for way in ways]
    try:
        return await asyncio.gather(*tasks)
    finally:  # when one fails, the others end before its error is raised
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _measure(
    way: _Way, target: Target, plan: Crowding, say: Callable[[int], None]
) -> tuple[list[Point], list[Level]]:
    """Memory first, on a server that has sent nothing yet: what it keeps of its bursts is not the subscriptions'."""
    levels: list[Level] = []
    points: list[Point] = []
    async with _place(way, target) as (place, table):
        crowding = replace(plan, per_socket=way.per_socket, table=table)
        for crowd, told in ((idle_crowd, _idle_points), (busy_crowd, _busy_points)):
            async for level in crowd(place, crowding):
                levels.append(level)
                points += told(way.name, level)
                say(level.subscriptions)
        points += [Point(way.name, TRACED, count, kib) for count, kib in await traced_kib(place, crowding)]
    return points, levels


@contextlib.asynccontextmanager
async def _place(way: _Way, target: Target) -> AsyncIterator[tuple[Target, OwnTable | None]]:
    """Where to measure: on a new lab if the target is one."""
    async with contextlib.AsyncExitStack() as stack:
        if target.kind is TargetKind.LAB:
            lab = await stack.enter_async_context(Lab(LabSettings(realtime=ROOMY)))
            target = lab.target
        yield target, await stack.enter_async_context(own_table(target)) if way.changes else None


def _idle_points(way: str, level: Level) -> Iterator[Point]:
    count, used = level.subscriptions, level.used
    sizes = (used.client_memory_bytes, used.server_memory_bytes, used.database_memory_bytes)
    for cost, size in zip((CLIENT, SERVER, DATABASE), sizes, strict=True):
        if size is not None:
            yield Point(way, cost, count, size / 1024)
    for cost, used_s in zip(IDLE, _cpu(used), strict=True):
        if used_s is not None:  # while each socket sent one heartbeat
            yield Point(way, cost, count, 1e3 * used_s * 3600 / HEARTBEAT_S)


def _busy_points(way: str, level: Level) -> Iterator[Point]:
    for cost, used_s in zip(MESSAGE, _cpu(level.used), strict=True):
        if used_s is not None:
            yield Point(way, cost, level.delivered, 1e6 * used_s)


def _cpu(usage: Usage) -> tuple[float | None, float | None, float | None]:
    return usage.client_cpu_s, usage.server_cpu_s, usage.database_cpu_s


def _costs(ways: Iterable[str], points: Sequence[Point]) -> Iterator[MarginalCost]:
    for way in ways:
        for cost, unit in UNITS.items():
            mine = [(point.x, point.y) for point in points if (point.way, point.cost) == (way, cost)]
            yield MarginalCost(way, cost, unit, fit_line(*zip(*mine, strict=True)) if len(mine) > 2 else None)


def _notes(
    ways: Sequence[_Way], own_lab: bool, costs: Sequence[MarginalCost], levels: Sequence[Level]
) -> Iterator[str]:
    if own_lab:
        yield "measured on new labs without quotas, one for each way, not on the lab that was named"
    elif len(ways) == 2:
        yield "no postgres_changes: nothing may be written to this target"
    yield from dict.fromkeys(note for level in levels for note in level.used.notes)
    yield from (cost.bend for cost in costs if cost.bend)


def _answer(found: MarginalCosts) -> str:
    """Memory of the ways against each other and against the seed's target, and how busy 5 % of a core is."""
    said = [_against(found, kind) for kind in ("broadcast", "postgres_changes")]
    return " ".join(sentence for sentence in (*said, _target(found), _busy(found)) if sentence)


def _against(found: MarginalCosts, kind: str) -> str:
    """One more on its own socket, and one more on a shared one."""
    parts = []
    for who, cost in (("the client", TRACED), ("the server", SERVER)):
        own, shared = (_line(found, f"{kind}, {way}", cost) for way in ("a socket each", "shared socket"))
        if own and shared and own.grows:
            ratio = f"{own.per_one / shared.per_one:.1f} times less" if shared.grows else "nothing that shows"
            parts.append(
                f"{who} {own.per_one:.1f} KiB with a socket each and {max(shared.per_one, 0):.1f} on a shared one "
                f"({ratio if own.low > shared.high else 'no difference shown'})"
            )
    return f"One more {kind} subscription costs {', '.join(parts)}." if parts else ""


def _target(found: MarginalCosts) -> str:
    lines = [line for cost in found.costs if cost.cost in (CLIENT, TRACED, SERVER) and (line := cost.line)]
    if not lines:
        return ""
    most = max(line.high for line in lines)
    word = "is kept" if most < TARGET_KIB else "is not shown to be kept"
    return f"The target of less than 10 MB a subscription {word}: at most {most:,.0f} KiB at the upper ends."


def _busy(found: MarginalCosts) -> str:
    lines = [line for cost in found.costs if cost.cost == MESSAGE[0] and (line := cost.line) and line.grows]
    if not lines:
        return ""
    most = max(line.high for line in lines)
    return (
        f"A message costs the client at most {most:.0f} µs of CPU, so {TARGET_CPU_PERCENT:.0f} % of a core is not "
        f"spent before {1e4 * TARGET_CPU_PERCENT / most:,.0f} messages a second."
    )


def _line(found: MarginalCosts, way: str, cost: str) -> Line | None:
    one = found.cost(way, cost)
    return one.line if one else None
