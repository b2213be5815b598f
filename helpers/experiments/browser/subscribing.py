"""What one more subscription costs a tab: memory, and the processor at a steady rate of messages."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import aiohttp

from helpers.errors import SettingsError
from helpers.experiments.browser.chromium import BrowserMissing
from helpers.experiments.browser.feeding import BODY, Feed, broadcasts, feed, rows
from helpers.experiments.browser.stage import STEADY_HEAP, Stage, stage
from helpers.experiments.browser.tab import Tab, Work
from helpers.experiments.marginal_results import MarginalCost, MarginalCosts, Point
from helpers.experiments.size import Size
from helpers.experiments.tables import OwnTable, own_table
from helpers.profiling.investigation import environment
from helpers.profiling.lines import fit_line
from helpers.progress import Progress
from helpers.results import utc_now
from helpers.target import Target, TargetKind

__all__ = ["HEAP", "PROCESS_CPU", "TabPlan", "compare_tab_costs", "not_measured"]

QUESTION = "What does one more subscription cost a tab of a browser?"

#: What is measured, and the unit of one more subscription.
HEAP, SCRIPT, ENGINE, PROCESS = "heap", "heap, JavaScript's objects", "heap, browser's objects", "memory of the process"
SCRIPT_CPU, THREAD_CPU, PROCESS_CPU, NETWORK_CPU = (
    "CPU, scripts", "CPU, page's thread", "CPU, tab's process", "CPU, network service",
)  # fmt: skip
KIB, PERCENT = "KiB a subscription", "% of a core a subscription"
UNITS = {
    **dict.fromkeys((HEAP, SCRIPT, ENGINE, PROCESS), KIB),
    **dict.fromkeys((SCRIPT_CPU, THREAD_CPU, PROCESS_CPU, NETWORK_CPU), PERCENT),
}

#: The seed's targets for a subscription.
TARGET_KIB, TARGET_CPU_PERCENT = 10 * 1024, 5.0


@dataclass(frozen=True, slots=True)
class TabPlan:
    """How much is measured.

    Attributes:
        levels: sizes of the crowd, growing, at which memory is looked at.
        busy_levels: and at which messages arrive, `rate_per_s` at each subscription for `seconds`.
        at_once: ways at a time. Processor time is counted by process, and each way has a browser of its own, so that
            they hardly disturb each other.
    """

    levels: tuple[int, ...]
    busy_levels: tuple[int, ...]
    rate_per_s: float
    seconds: float
    at_once: int


PLANS = {
    Size.SMALL: TabPlan((1, 10, 25, 50, 75, 100), (1, 10, 25, 50), 10.0, 1.0, at_once=3),
    Size.FULL: TabPlan((1, *range(10, 101, 10)), (1, 10, 20, 30, 40, 50, 75, 100), 10.0, 10.0, at_once=1),
}
#: For a target with a quota: below 100 messages a second, sent and delivered, and 100 joins a second.
POLITE = TabPlan((1, 5, 10, 20, 30), (1, 10, 20, 30), 1.0, 5.0, at_once=1)


@dataclass(frozen=True, slots=True)
class _Way:
    name: str
    own_clients: bool
    changes: bool


SHARED = _Way("broadcast, one client", own_clients=False, changes=False)
SHARED_CHANGES = _Way("postgres_changes, one client", own_clients=False, changes=True)
OWN = _Way("broadcast, a client each", own_clients=True, changes=False)


async def compare_tab_costs(target: Target, *, size: Size = Size.SMALL, plan: TabPlan | None = None) -> MarginalCosts:
    """Let subscriptions grow in a tab in three ways, and draw lines through what the tab uses.

    Memory is what is alive after garbage was collected, in a browser without optimising compilers; processor time is
    measured in a browser as everybody has it. On the lab a new one without quotas is started. Without a browser there
    are no costs, and the answer says why.

    Raises:
        SettingsError: sizes that make no line.
        FailureError: the target refused subscriptions, or did not deliver.
        NodeError: supabase-js is not to be had.
    """
    began, taken_at = time.monotonic(), utc_now()
    plan = _checked(plan or (PLANS[size] if target.kind is TargetKind.LAB else POLITE))
    blank = MarginalCosts(QUESTION, str(target), taken_at, size, 0.0, (), (), "", environment())
    try:
        async with stage(target) as place:
            points = await _measure_all(place, plan)
    except BrowserMissing as missing:
        return replace(blank, answer=not_measured(missing))
    costs = tuple(_costs(points))
    found = replace(
        blank, seconds=time.monotonic() - began, costs=costs, points=tuple(points),
        environment=blank.environment | place.versions, notes=tuple(_notes(place, plan, costs)),
    )  # fmt: skip
    return replace(found, answer=_answer(found, plan.rate_per_s))


def not_measured(missing: BrowserMissing) -> str:
    """What an answer says where there is no browser."""
    return f"Not measured, because {missing.happened}. {missing.advice}."


def _checked(plan: TabPlan) -> TabPlan:
    for levels in (plan.levels, plan.busy_levels):
        if len(levels) < 3 or levels[0] < 1 or not all(one < other for one, other in pairwise(levels)):
            raise SettingsError(
                "planning the subscriptions of a tab",
                f"the sizes {', '.join(map(str, levels))} cannot be used",
                "Give at least three, each larger than the one before, from 1 on",
            )
    return plan


async def _measure_all(place: Stage, plan: TabPlan) -> list[Point]:
    ways = [SHARED, OWN] + [SHARED_CHANGES] * place.target.writes_allowed
    turns = asyncio.Semaphore(plan.at_once)
    with Progress() as progress:

        async def measure(way: _Way) -> list[Point]:
            async with turns:
                return await _measure(way, place, plan, progress.say)

        tasks = [asyncio.create_task(measure(way)) for way in ways]
        try:
            measured = await asyncio.gather(*tasks)
        finally:  # when one fails, the others end before its error is raised
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return [point for part in measured for point in part]


async def _measure(way: _Way, place: Stage, plan: TabPlan, say: Callable[[str], None]) -> list[Point]:
    points: list[Point] = []
    async with _table(way, place) as table:
        crowd = _Crowd(way, place, table)
        async for count, point in crowd.memory(plan):
            points += point
            say(f"{way.name}: memory of {count} subscriptions")
        async for count, point in crowd.work(plan):
            points += point
            say(f"{way.name}: work of {count} subscriptions")
    return points


@contextlib.asynccontextmanager
async def _table(way: _Way, place: Stage) -> AsyncIterator[OwnTable | None]:
    if not way.changes:
        yield None
        return
    async with own_table(place.target) as table:
        yield table


class _Crowd:
    """The subscriptions of one way."""

    def __init__(self, way: _Way, place: Stage, table: OwnTable | None) -> None:
        self._way, self._place, self._table = way, place, table
        self._order = place.order()

    async def memory(self, plan: TabPlan) -> AsyncIterator[tuple[int, list[Point]]]:
        """What is alive at each size."""
        async with self._place.tab(STEADY_HEAP) as tab:
            for count in plan.levels:
                await self._grow(tab, count)
                heap = await tab.heap()
                sizes = {HEAP: heap.alive, SCRIPT: heap.script, ENGINE: heap.engine, PROCESS: heap.process}
                yield count, [self._point(name, count, size / 1024) for name, size in sizes.items() if size is not None]

    async def work(self, plan: TabPlan) -> AsyncIterator[tuple[int, list[Point]]]:
        """What is worked at each size, in percent of a core, while each subscription hears messages."""
        timeout = aiohttp.ClientTimeout(30)
        async with self._place.tab() as tab, aiohttp.ClientSession(timeout=timeout) as http:
            send = rows(self._table) if self._table else broadcasts(http, self._place.target, self._order["topic"])
            warm_up, *levels = plan.busy_levels[:1] + plan.busy_levels
            await self._busy(tab, send, warm_up, plan)  # a new browser has a second's work of its own
            for count in levels:
                used = await self._busy(tab, send, count, plan)
                spent = {
                    SCRIPT_CPU: used.scripts, THREAD_CPU: used.tasks, PROCESS_CPU: used.process,
                    NETWORK_CPU: used.network,
                }  # fmt: skip
                yield count, [self._point(name, count, 100 * one / plan.seconds) for name, one in spent.items()]

    async def _busy(self, tab: Tab, send: Feed, count: int, plan: TabPlan) -> Work:
        await self._grow(tab, count)
        before = await tab.work()
        await feed(tab, send, count, rate_per_s=plan.rate_per_s, seconds=plan.seconds)
        return (await tab.work()).since(before)

    async def _grow(self, tab: Tab, count: int) -> None:
        table = {"schema": self._table.schema, "name": self._table.name} if self._table else None
        question = {"order": self._order, "count": count, "own_clients": self._way.own_clients, "table": table}
        await tab.call("grow", question)

    def _point(self, cost: str, count: int, value: float) -> Point:
        return Point(self._way.name, cost, count, value)


def _costs(points: Sequence[Point]) -> Iterator[MarginalCost]:
    for way in dict.fromkeys(point.way for point in points):
        for cost, unit in UNITS.items():
            mine = [(point.x, point.y) for point in points if (point.way, point.cost) == (way, cost)]
            yield MarginalCost(way, cost, unit, fit_line(*zip(*mine, strict=True)) if len(mine) > 2 else None)


def _notes(place: Stage, plan: TabPlan, costs: Sequence[MarginalCost]) -> Iterator[str]:
    yield place.measured_with
    yield (
        f"processor time is that of {plan.rate_per_s:g} messages a second at each subscription, with a body of "
        f"{len(BODY)} bytes, for {plan.seconds:g} s at each size; the handler only counts, and nothing is drawn"
    )
    if not place.target.writes_allowed:
        yield "no postgres_changes: nothing may be written to this target"
    yield from (cost.bend for cost in costs if cost.bend and cost.cost != PROCESS)


def _answer(found: MarginalCosts, rate_per_s: float) -> str:
    """Memory of the ways against each other, both against the seed's targets, and what a message costs."""
    return " ".join((*_heaps(found), _targets(found, rate_per_s)))


def _heaps(found: MarginalCosts) -> Iterator[str]:
    lines = {way: cost.line for way in found.ways if (cost := found.cost(way, HEAP)) and cost.line}
    shared, own = lines[SHARED.name], lines[OWN.name]
    yield f"One more subscription keeps {shared} KiB of a tab's heap alive on a client that is there"
    yield f"and {own} KiB with a client of its own" + (
        f", {own.per_one / shared.per_one:.1f} times as much." if own.low > shared.high else ": no difference shown."
    )


def _targets(found: MarginalCosts, rate_per_s: float) -> str:
    heaps, loads = (
        [line for one in found.costs if one.cost == kind and (line := one.line)] for kind in (HEAP, PROCESS_CPU)
    )
    kib, percent = (max(line.high for line in lines) for lines in (heaps, loads))
    kept = kib < TARGET_KIB and percent < TARGET_CPU_PERCENT
    return (
        f"The targets of less than 10 MB and 5 % of a core for a subscription {'are' if kept else 'are not'} kept: at "
        f"the upper ends {kib:,.1f} KiB and, at {rate_per_s:g} messages a second, {percent:.2g} %. A message costs "
        f"the tab's process at most {1e4 * percent / rate_per_s:,.0f} µs."
    )
