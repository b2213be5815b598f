"""Listeners in processes of their own, on all cores, with one start and one result."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

from helpers.errors import SettingsError
from helpers.profiling.histogram import Histogram
from helpers.profiling.receiving.listener import Listening, Received
from helpers.profiling.receiving.member import Ready, Report, Start
from helpers.profiling.worker import Worker, WorkerGone

__all__ = ["Fleet", "Gathered", "gathered"]

#: Between the last member's word that it is ready and the start: enough for the start to be told to all.
LEAD_S = 0.25

#: Interpreter start, and the answer after the last message.
_PROCESS_LIMIT_S = 30.0

#: Sockets that one process opens in a second, at the least.
_SOCKETS_PER_S = 50.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """The results of several listeners as one.

    Attributes:
        parts: of the members that reported.
        streams: subscriptions planned, those of members that are gone too. joined, received, distinct, duplicated,
            reordered: sums over the parts.
        lost: messages that are in nobody's books, all of those of members that are gone.
        latency: all members' latencies in one histogram.
        per_s: messages a second, from the first receipt of any member to the last.
        cpu_s: of all members, while they received.
        failures: what went wrong, and how many sockets it met. gone: why each member that is missing is missing.
    """

    parts: tuple[Received, ...]
    streams: int
    joined: int
    received: int
    distinct: int
    lost: int
    duplicated: int
    reordered: int
    latency: Histogram
    per_s: float
    cpu_s: float
    failures: dict[str, int]
    gone: tuple[str, ...]


class Fleet:
    """`async with Fleet(order, processes=4) as fleet` has everybody joined; leaving it ends all processes.

    Args:
        order: for all of them together; its sockets are shared out.
        processes: by default one for each core.
    """

    def __init__(self, order: Listening, *, processes: int | None = None) -> None:
        order.check()
        count = min(processes or os.cpu_count() or 1, order.sockets)
        if count < 1:
            raise SettingsError("planning a fleet", f"{processes} processes are planned", "Choose at least one")
        self._orders = [_share(order, part, count) for part in range(count)]
        self._workers = [Worker("helpers.profiling.receiving.member") for _ in range(count)]
        self._stack = contextlib.AsyncExitStack()
        self._gone: dict[int, str] = {}
        self.joined = 0

    async def __aenter__(self) -> Self:
        try:
            for worker in self._workers:
                await self._stack.enter_async_context(worker)
            limit_s = _PROCESS_LIMIT_S + self._orders[0].sockets / _SOCKETS_PER_S
            answers = await asyncio.gather(*(self._ready(place, limit_s) for place in range(len(self._workers))))
            self.joined = sum(answers)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the member processes that were started, in order."""
        return tuple(pid for worker in self._workers if (pid := worker.pid) is not None)

    def start(self) -> tuple[float, asyncio.Task[Gathered]]:
        """Let all begin at one moment.

        Returns:
            That moment (monotonic seconds): nothing should be sent before. And the task that gives the result.
        """
        at = time.monotonic() + LEAD_S
        return at, asyncio.create_task(self._collect(at), name="results of a fleet")

    async def _collect(self, at: float) -> Gathered:
        places = [place for place in range(len(self._workers)) if place not in self._gone]
        reports = await asyncio.gather(*(self._report(place, at) for place in places))
        parts = [part for part in reports if part is not None]
        planned = [(order.sockets * len(order.channels), order.messages) for order in self._orders]
        return gathered(parts, planned, [self._gone[place] for place in sorted(self._gone)])

    async def _ready(self, place: int, limit_s: float) -> int:
        try:
            ready = await self._workers[place].ask(self._orders[place], Ready, limit_s)
        except WorkerGone as gone:
            self._lose(place, f"{gone} before it was ready")
            return 0
        if ready.error:
            self._lose(place, ready.error)
        return ready.joined

    async def _report(self, place: int, at: float) -> Received | None:
        try:
            limit_s = LEAD_S + self._orders[place].limit_s + _PROCESS_LIMIT_S
            report = await self._workers[place].ask(Start(at), Report, limit_s)
        except (WorkerGone, OSError) as gone:
            self._lose(place, f"{gone} before it reported")
            return None
        if report.error:
            self._lose(place, report.error)
        return report.received

    def _lose(self, place: int, why: str) -> None:
        self._gone[place] = f"process {place + 1} of {len(self._workers)}: {why}"


def gathered(parts: Sequence[Received], planned: Sequence[tuple[int, int]], gone: Sequence[str] = ()) -> Gathered:
    """One result of many.

    Args:
        parts: in any order.
        planned: of every member, also of those that are gone: how many streams, and messages in each.
        gone: why the missing parts are missing.
    """
    failures: Counter[str] = Counter()
    for part in parts:
        failures.update(part.failures)
    heard = [part for part in parts if part.received]
    received, distinct = (sum(getattr(part, name) for part in parts) for name in ("received", "distinct"))
    seconds = max(part.last_at for part in heard) - min(part.first_at for part in heard) if heard else 0.0
    return Gathered(
        parts=tuple(parts),
        streams=sum(streams for streams, _ in planned),
        joined=sum(part.joined for part in parts),
        received=received,
        distinct=distinct,
        lost=sum(streams * messages for streams, messages in planned) - distinct,
        duplicated=sum(part.duplicated for part in parts),
        reordered=sum(part.reordered for part in parts),
        latency=Histogram.merged([part.latency for part in parts]),
        per_s=received / seconds if seconds else 0.0,
        cpu_s=sum(part.cpu_s for part in parts),
        failures=dict(failures),
        gone=tuple(gone),
    )


def _share(order: Listening, part: int, parts: int) -> Listening:
    share, rest = divmod(order.sockets, parts)
    return msgspec.structs.replace(order, sockets=share + (part < rest))
