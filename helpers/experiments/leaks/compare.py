"""Repeats habits with each client in a process of its own, and judges by the slope of its memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from helpers.errors import FailureError, NodeError, SettingsError
from helpers.experiments.leaks.published import REPORTS
from helpers.experiments.leaks.results import LEAST_BYTES, LeakCase, LeakStudy
from helpers.experiments.size import Size
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.node import node_environment, node_executable, npm_parts
from helpers.probes import repeat
from helpers.probes.habits import Client, Growth, Habit, Order
from helpers.profiling.investigation import environment
from helpers.profiling.worker import Worker, WorkerGone
from helpers.progress import Progress
from helpers.results import utc_now
from helpers.target import Target

__all__ = ["compare_leaks", "find_leak"]

QUESTION = "Which habits let a client's memory grow, and by how much each time?"

_MJS = Path(repeat.__file__).with_name("repeat.mjs")

#: Without its optimising compilers V8 holds what the program holds, to the byte; with them the heap steps up whenever
#: a function has run often enough (`node --v8-options`).
_NODE_OPTIONS = ("--expose-gc", "--no-opt", "--no-sparkplug", "--no-maglev", "--no-lazy-feedback-allocation")

#: A channel of the server: a socket may have 100 (docs: realtime/limits), and one stays throughout.
MOST_KEPT = 95

#: Enough for the largest case, on a machine that is busy.
ANSWER_LIMIT_S = 300.0

#: Held on purpose in each cycle of the case that tests the test itself.
INJECTED_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is repeated.

    Attributes:
        cycles: in a block, for Python and for Node, which is quicker. warm_up: before all blocks.
        timeout_s: of the clients' own pushes, 10 s by default in the vendor's; what they hold until then is no leak, so
            that each look is taken when it is over.
        pause_s: between cycles. at_once: processes at a time; they count bytes, so that they do not disturb each other.
    """

    blocks: int
    cycles: int
    node_cycles: int
    warm_up: int
    at_once: int
    timeout_s: float = 0.5
    pause_s: float = 0.0


PLANS = {Size.SMALL: Plan(6, 10, 40, 24, at_once=16), Size.FULL: Plan(15, 40, 100, 100, at_once=16)}
#: A new lab without a quota of joins.
ROOMY = RealtimeSettings(limits=Limits(joins_per_s=1e5, events_per_s=1e6))

#: What the measuring client cannot do.
IMPOSSIBLE = {(Client.WORKBOOK, Habit.SEND)}


async def compare_leaks(
    target: Target,
    *,
    size: Size = Size.SMALL,
    clients: Sequence[Client] = tuple(Client),
    habits: Sequence[Habit] = tuple(Habit),
) -> LeakStudy:
    """Let each client do what applications do, again and again, and fit a line through what it holds.

    One case more holds some bytes on purpose: a method that does not find them finds no leak either. A
    leak is the client's own, so a new lab without a quota of joins is started for it, whatever the target.

    Raises:
        FailureError: no case could be measured.
    """
    began, taken_at = time.monotonic(), utc_now()
    plan = PLANS[size]
    clients, notes = _available(clients)
    wanted = [(client, habit, 0) for client in clients for habit in habits if (client, habit) not in IMPOSSIBLE]
    wanted.append((Client.WORKBOOK, Habit.REMOVE, INJECTED_BYTES))
    async with Lab(LabSettings(realtime=ROOMY)) as lab:
        cases, failed = await _run_all(lab.target, plan, wanted)
    notes = [*notes, f"measured on a new lab without a quota of joins, not on the {target}"]
    study = LeakStudy(
        QUESTION, str(target), taken_at, size, time.monotonic() - began, tuple(cases), _versions(clients),
        tuple(report for report in REPORTS if (report.client, report.habit, 0) in wanted), "", environment(),
        (*notes, *failed, *_notes(cases, plan)),
    )  # fmt: skip
    return replace(study, answer="\n".join(_answer(study)))


async def find_leak(
    target: Target, client: Client, habit: Habit, *, injected_bytes: int = 0, plan: Plan = PLANS[Size.SMALL]
) -> LeakCase:
    """One case.

    Raises:
        SettingsError: this client cannot do that.
        FailureError: the client could not connect, or its process ended.
    """
    if (client, habit) in IMPOSSIBLE:
        raise SettingsError("looking for leaks", f"{client} does not do that: {habit}", "Choose another habit")
    tried, advice = f"looking for leaks: {client}, {habit}", "Try again; if it stays so, look at the target's limits"
    try:
        async with _worker(client) as worker:
            order = await asyncio.to_thread(_order, target, client, habit, injected_bytes, plan)
            growth = await worker.ask(order, Growth, ANSWER_LIMIT_S)
    except WorkerGone as gone:
        raise FailureError(tried, str(gone), advice) from None
    if growth.error:
        raise FailureError(tried, growth.error, advice)
    return LeakCase(client, habit, growth, injected_bytes)


async def _run_all(
    target: Target, plan: Plan, wanted: Sequence[tuple[Client, Habit, int]]
) -> tuple[list[LeakCase], list[str]]:
    """The cases that could be measured, and what happened to the others."""
    turns, done = asyncio.Semaphore(plan.at_once), 0

    async def run(client: Client, habit: Habit, injected: int) -> LeakCase:
        nonlocal done
        async with turns:
            case = await find_leak(target, client, habit, injected_bytes=injected, plan=plan)
        done += 1
        progress.say(f"leaks: {done} of {len(wanted)} cases")
        return case

    with Progress() as progress:
        progress.say(f"leaks: {len(wanted)} cases")
        tasks = [asyncio.create_task(run(*case)) for case in wanted]
        try:
            found = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return _sorted_out(found)


def _sorted_out(found: Sequence[LeakCase | BaseException]) -> tuple[list[LeakCase], list[str]]:
    failed = [error for error in found if isinstance(error, FailureError)]
    for error in found:
        if isinstance(error, BaseException) and not isinstance(error, FailureError):
            raise error
    cases = [case for case in found if isinstance(case, LeakCase)]
    if not cases:
        raise failed[0]
    return cases, [f"left out: while {error.tried}: {error.happened}" for error in failed]


def _worker(client: Client) -> Worker:
    if client is not Client.JAVASCRIPT:
        return Worker(repeat.__name__)
    command = [str(node_executable()), *_NODE_OPTIONS, str(_MJS)]
    return Worker(_MJS.name, command=command, environment=node_environment())


def _order(target: Target, client: Client, habit: Habit, injected_bytes: int, plan: Plan) -> Order:
    on_node = client is Client.JAVASCRIPT
    cycles = plan.node_cycles if on_node else plan.cycles
    if (client, habit) == (Client.PYTHON, Habit.SEND):
        cycles //= 3  # each loads all certificates anew, for tens of milliseconds
    return Order(
        client=client,
        habit=habit,
        api_url=target.api_url,
        key=target.publishable_key,
        blocks=plan.blocks,
        cycles=min(cycles, MOST_KEPT // plan.blocks) if habit is Habit.KEEP else cycles,
        warm_up=plan.warm_up,
        timeout_s=plan.timeout_s,
        settle_s=plan.timeout_s + 0.1,
        pause_s=plan.pause_s,
        leak_bytes=injected_bytes,
        parts=str(npm_parts()) if on_node else "",
    )


def _available(clients: Sequence[Client]) -> tuple[list[Client], list[str]]:
    """Without Node its client is left out."""
    if Client.JAVASCRIPT not in clients:
        return list(clients), []
    try:
        node_executable()
        npm_parts()
    except NodeError as error:
        return [client for client in clients if client is not Client.JAVASCRIPT], [
            f"without {Client.JAVASCRIPT}: {error.happened}"
        ]
    return list(clients), []


def _versions(clients: Sequence[Client]) -> dict[str, str]:
    found = {str(Client.PYTHON): version("supabase")}
    if Client.JAVASCRIPT in clients:
        manifest = npm_parts() / "node_modules/@supabase/supabase-js/package.json"
        found[str(Client.JAVASCRIPT)] = json.loads(manifest.read_text())["version"]
    return {client: number for client, number in found.items() if client in clients}


def _notes(cases: Sequence[LeakCase], plan: Plan) -> Iterator[str]:
    """What a case held for a while, and what a client said no to."""
    for case in cases:
        if case.held_bytes > 1_024:
            yield (
                f"{case.name}: {case.held_bytes / 1024:.1f} KiB a cycle are held for a while and given back by "
                f"themselves, here within {plan.timeout_s + 0.1:.1f} s (the clients' timeouts were set to "
                f"{plan.timeout_s:g} s; 10 s is their default)"
            )
        if case.growth.refused:
            yield f"{case.name}: refused {case.growth.refused} times, last with {case.growth.refusal!r}"


def _answer(study: LeakStudy) -> Iterator[str]:
    control = study.case(Client.WORKBOOK, Habit.REMOVE, injected=True)
    if control is not None:
        found = control.leaks and abs(control.line.per_one - control.injected_bytes) < LEAST_BYTES
        yield (
            f"The method: of {control.injected_bytes:,} bytes held on purpose {control.line} a cycle are found, "
            f"{'as it should be' if found else 'which is wrong: trust none of the others'}."
        )
    for client in study.clients:
        mine = [case for case in study.cases if case.client is client and not case.injected_bytes]
        leaking = sorted((case for case in mine if case.leaks), key=lambda case: -case.line.per_one)
        if mine:
            said = "; ".join(f"{case.habit} ({case.line} bytes)" for case in leaking) or "no habit leaks"
            clean = ", ".join(case.habit for case in mine if not case.leaks)
            yield f"{client}: {said}." + (f" No leak shown: {clean}." if clean and leaking else "")
