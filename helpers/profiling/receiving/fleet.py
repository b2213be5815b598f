"""Many listeners with one start and one result, in processes of this machine or on a Dask cluster."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from helpers.profiling.clocks import ONE_CLOCK, Skew
from helpers.profiling.receiving.crew import Crew, Member, Start
from helpers.profiling.receiving.gathering import Attended, Gathered, gathered
from helpers.profiling.receiving.listener import Listening
from helpers.profiling.receiving.processes import Processes
from helpers.profiling.receiving.received import Received
from helpers.profiling.worker import WorkerGone

__all__ = ["Fleet"]

#: Between the last member's word that it is ready and the start: enough for the start to be told to all.
LEAD_S = 0.25

#: Interpreter start, and the answer after the last message.
_PROCESS_LIMIT_S = 30.0

#: Sockets that one process opens in a second, at the least.
_SOCKETS_PER_S = 50.0


@dataclass(slots=True)
class _Place:
    """A member with its share of the order, and what is known of it."""

    member: Member
    order: Listening
    skew: Skew = ONE_CLOCK
    gone: str = ""
    pid: int = 0
    received: Received | None = None

    def attended(self) -> Attended:
        name, notes, order = self.member.name, self.member.notes, self.order
        streams = order.sockets * len(order.channels)
        return Attended(name, streams, order.messages, self.received, self.skew, self.gone, notes)


class Fleet:
    """`async with Fleet(order, on=Processes(4)) as fleet` has everybody joined; leaving it ends what it started.

    Args:
        order: for all of them together; its sockets are shared out. Messages are to be sent from this machine, as
            latencies count by its clock; the clocks of other machines are measured against it, before and after.
        on: who listens, by default a process for each core.

    Attributes:
        joined: subscriptions that stand.
    """

    def __init__(self, order: Listening, *, on: Crew | None = None) -> None:
        order.check()
        self._order = _without_secrets(order)
        self._crew = on or Processes()
        self._stack = contextlib.AsyncExitStack()
        self._places: list[_Place] = []
        self.joined = 0

    async def __aenter__(self) -> Self:
        try:
            members = await self._stack.enter_async_context(self._crew.members(self._order.sockets))
            orders = _shares(self._order, len(members))
            self._places = [_Place(member, order) for member, order in zip(members, orders, strict=True)]
            for place in self._places:  # one after the other, lest one's work makes another's answer late
                place.skew = await self._skew(place) or ONE_CLOCK
            self.joined = sum(await asyncio.gather(*map(self._ready, self._present())))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that were ready, in order."""
        return tuple(place.pid for place in self._places if place.pid)

    def start(self) -> tuple[float, asyncio.Task[Gathered]]:
        """Let all begin at one moment.

        Returns:
            That moment (monotonic seconds of this machine): nothing should be sent before. And the task that gives
            the result.
        """
        at = time.monotonic() + LEAD_S
        return at, asyncio.create_task(self._collect(at), name="results of a fleet")

    async def _collect(self, at: float) -> Gathered:
        await asyncio.gather(*(self._report(place, at) for place in self._present()))
        for place in self._present():
            if not place.skew.is_one_clock and (later := await self._skew(place)) is not None:
                place.skew = place.skew.until(later)
        return gathered([place.attended() for place in self._places])

    def _present(self) -> list[_Place]:
        return [place for place in self._places if not place.gone]

    async def _skew(self, place: _Place) -> Skew | None:
        """None, and the member is lost, when it gives no answer."""
        try:
            return await place.member.skew()
        except WorkerGone as gone:
            if place.received is None:
                place.gone = str(gone)
            return None

    async def _ready(self, place: _Place) -> int:
        order = msgspec.structs.replace(place.order, clock_ahead_s=place.skew.offset_s)
        try:
            ready = await place.member.ready(order, _PROCESS_LIMIT_S + order.sockets / _SOCKETS_PER_S)
        except WorkerGone as gone:
            place.gone = f"{gone} before it was ready"
            return 0
        place.gone, place.pid = ready.error, ready.pid
        return ready.joined

    async def _report(self, place: _Place, at: float) -> None:
        limit_s = LEAD_S + place.order.limit_s + _PROCESS_LIMIT_S
        try:
            report = await place.member.report(Start(at + place.skew.offset_s), limit_s)
        except WorkerGone as gone:
            place.gone = f"{gone} before it reported"
            return
        place.gone, place.received = report.error, report.received


def _shares(order: Listening, parts: int) -> Sequence[Listening]:
    share, rest = divmod(order.sockets, parts)
    return [msgspec.structs.replace(order, sockets=share + (part < rest)) for part in range(parts)]


def _without_secrets(order: Listening) -> Listening:
    """Members subscribe, and need nothing but the client's key and the user's token for that."""
    target = replace(order.target, secret_key=None, database_url=None, jwt_secret=None, user_token=None)
    return msgspec.structs.replace(order, target=target)
