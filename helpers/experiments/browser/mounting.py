"""A React component that is mounted and unmounted, again and again: whether the tab's memory grows, by slope."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from helpers.experiments.browser.chromium import BrowserMissing
from helpers.experiments.browser.mounting_results import Look, MountCase, MountHabit, MountStudy
from helpers.experiments.browser.stage import STEADY_HEAP, Stage, stage
from helpers.experiments.browser.subscribing import not_measured
from helpers.experiments.browser.tab import Tab
from helpers.experiments.size import Size
from helpers.profiling.investigation import environment
from helpers.progress import Progress
from helpers.results import utc_now
from helpers.target import Target, TargetKind

__all__ = ["MountPlan", "compare_mounts"]

QUESTION = "Does a React component that subscribes leave something behind each time it goes?"

#: Held on purpose in each cycle of the case that tests the test itself.
INJECTED_BYTES = 1_000

#: Enough for the largest block, on a machine that is busy.
_BLOCK_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class MountPlan:
    """How much is repeated.

    Attributes:
        cycles: in a block. warm_up: before all blocks.
        linger_s: after which a client without channels closes its socket, two heartbeats (50 s) by default. What it
            holds until then is no leak, so that each look is taken when that is over.
        pause_s: between cycles. at_once: tabs at a time; they count bytes, so that they do not disturb each other.
        most_kept: cycles of what is never removed, for a server that takes no more channels on a socket.
    """

    blocks: int
    cycles: int
    warm_up: int
    at_once: int
    linger_s: float = 0.3
    pause_s: float = 0.0
    most_kept: int | None = None

    @property
    def settle_s(self) -> float:
        """How long what is held for a while may take to go."""
        return self.linger_s + 0.3


PLANS = {Size.SMALL: MountPlan(5, 20, 20, at_once=5), Size.FULL: MountPlan(10, 100, 100, at_once=5)}
#: Within the free plan's 100 joins a second; and a hundred channels on a socket (docs: realtime/limits), one of which
#: stays throughout.
POLITE = MountPlan(5, 15, 15, at_once=1, linger_s=2.0, pause_s=0.05, most_kept=95)


async def compare_mounts(target: Target, *, size: Size = Size.SMALL, plan: MountPlan | None = None) -> MountStudy:
    """Mount and unmount the component in a tab for each habit, and fit a line through what is alive.

    One case more holds some bytes on purpose: a method that does not find them finds no leak either. On the lab a new
    one is started that takes any number of channels on a socket. Without a browser there are no cases, and the answer
    says why.

    Raises:
        FailureError: the target refused subscriptions.
        NodeError: supabase-js or React are not to be had.
    """
    began, taken_at = time.monotonic(), utc_now()
    plan = plan or (PLANS[size] if target.kind is TargetKind.LAB else POLITE)
    blank = MountStudy(QUESTION, str(target), taken_at, size, 0.0, (), "", environment())
    try:
        async with stage(target) as place:
            cases = await _run_all(place, plan)
    except BrowserMissing as missing:
        return replace(blank, answer=not_measured(missing))
    found = replace(
        blank, seconds=time.monotonic() - began, cases=tuple(cases), environment=blank.environment | place.versions,
        notes=tuple(_notes(place, plan, cases)),
    )  # fmt: skip
    return replace(found, answer="\n".join(_answer(found)))


async def _run_all(place: Stage, plan: MountPlan) -> list[MountCase]:
    wanted = [(habit, 0) for habit in MountHabit] + [(MountHabit.REMOVES, INJECTED_BYTES)]
    turns, done = asyncio.Semaphore(plan.at_once), 0

    async def run(habit: MountHabit, injected: int) -> MountCase:
        nonlocal done
        async with turns:
            case = await _run(place, plan, habit, injected)
        done += 1
        progress.say(f"mounting and unmounting: {done} of {len(wanted)} cases")
        return case

    with Progress() as progress:
        progress.say(f"mounting and unmounting: {len(wanted)} cases")
        tasks = [asyncio.create_task(run(*case)) for case in wanted]
        try:
            return await asyncio.gather(*tasks)
        finally:  # when one fails, the others end before its error is raised
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _run(place: Stage, plan: MountPlan, habit: MountHabit, injected: int) -> MountCase:
    order = place.order(linger_ms=1e3 * plan.linger_s)
    cycles = plan.cycles
    if habit is MountHabit.FORGETS and plan.most_kept is not None:
        cycles = min(cycles, plan.most_kept // plan.blocks)
    question = {"order": order, "habit": habit, "hold_bytes": injected, "pause_ms": 1e3 * plan.pause_s}
    looks = []
    async with place.tab(STEADY_HEAP) as tab:
        await tab.call("beginApp", order)
        await tab.call(
            "mountAndUnmount", question | {"habit": MountHabit.REMOVES, "times": plan.warm_up, "hold_bytes": 0}
        )
        for block in range(plan.blocks + 1):
            if block:
                await tab.call("mountAndUnmount", question | {"times": cycles}, limit_s=_BLOCK_LIMIT_S)
            looks.append(await _look(tab, block * cycles, plan.settle_s))
    return MountCase(habit, tuple(looks), injected)


async def _look(tab: Tab, cycles: int, settle_s: float) -> Look:
    """After what is held for a while has gone."""
    await asyncio.sleep(settle_s)
    heap = await tab.heap()
    channels, clients = await tab.call("stillAlive")
    return Look(cycles, heap.alive, channels, clients)


def _notes(place: Stage, plan: MountPlan, cases: Sequence[MountCase]) -> Iterator[str]:
    yield place.measured_with
    yield (
        f"a client without channels closes its socket after {plan.linger_s:g} s here (50 s is the default), so that "
        f"what is held for a while is gone at each look, {plan.settle_s:g} s after the last cycle of a block"
    )
    if plan.most_kept is None:
        yield (
            "this lab takes any number of channels on a socket; elsewhere a component that forgets is refused once "
            "there are 100, and then its rooms are silent"
        )
    yield from (
        f"{case.name}: the line does not fit, the middle is {100 * abs(case.line.bend):.0f} % of the rise away from it"
        for case in cases
        if case.line.bend is not None and not case.line.fits
    )


def _answer(found: MountStudy) -> Iterator[str]:
    control = found.case(MountHabit.REMOVES, injected=True)
    yield (
        f"The method: of {control.injected_bytes:,} bytes held on purpose {control.line} a cycle are found, "
        f"{'as it should be' if control.finds_injected else 'which is wrong: trust none of the others'}."
    )
    for habit in MountHabit:
        case = found.case(habit)
        yield f"A component that {habit.told}: {case.verdict}{case.kept and f'; still in memory: {case.kept}'}."
