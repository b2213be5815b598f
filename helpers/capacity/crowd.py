"""Subscribers in processes of their own, for one load after another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import NamedTuple, Self, TypeVar

import msgspec

from helpers.capacity.listener import Gather, Heard, Ready, Start
from helpers.errors import FailureError
from helpers.profiling.histogram import Histogram
from helpers.profiling.receiving import Listening, Received
from helpers.profiling.worker import Worker, WorkerGone

__all__ = ["Audition", "Crowd"]

A = TypeVar("A", Ready, Heard)

#: From the word that all may begin to the first message: enough for the word to arrive.
LEAD_S = 0.1

#: For an interpreter to start, and for some hundred sockets to join.
_JOIN_LIMIT_S = 60.0

_ANSWER_LIMIT_S = 10.0


class Audition(NamedTuple):
    """What a crowd heard, and the CPU time of its processes while it listened."""

    parts: tuple[Received, ...]
    cpu_s: float

    @property
    def deliveries(self) -> int:
        """Different messages that each subscriber received, together."""
        return sum(part.distinct for part in self.parts)

    @property
    def lost(self) -> int:
        """Those that did not come."""
        return sum(part.lost for part in self.parts)

    @property
    def blocks(self) -> int:
        """In which the processes read what came."""
        return sum(part.blocks for part in self.parts)

    @property
    def reads(self) -> int:
        """Of sockets, each of what the server wrote at once."""
        return sum(part.runs for part in self.parts)

    @property
    def latency(self) -> Histogram:
        """From due to receipt."""
        return Histogram.merged([part.latency for part in self.parts])

    @property
    def frame_bytes(self) -> float:
        """Of all frames, on average."""
        return sum(part.payload_bytes for part in self.parts) / max(1, sum(part.frames for part in self.parts))


class Crowd(contextlib.AsyncExitStack):
    """`async with Crowd(processes=2) as crowd`: then `join` and `start`, as often as one likes."""

    def __init__(self, processes: int = 2) -> None:
        super().__init__()
        self._workers = [Worker("helpers.capacity.listener") for _ in range(processes)]
        self._orders: list[Listening] = []

    async def __aenter__(self) -> Self:
        try:
            for worker in self._workers:
                await self.enter_async_context(worker)
        except BaseException:
            await self.aclose()
            raise
        return self

    @property
    def pid(self) -> int | None:
        """Of the first process."""
        return self._workers[0].pid

    async def join(self, order: Listening, *, processes: int = 1, tokens: Sequence[str] = ()) -> int:
        """Let everybody join; how many could.

        Args:
            order: for all of them together.
            processes: that share the sockets; at most those of the crowd.
            tokens: if given, each socket has its own.

        Raises:
            FailureError: a process is gone, or cannot carry out its order.
        """
        parts = range(processes)
        self._orders = [
            msgspec.structs.replace(order, sockets=len(range(part, order.sockets, processes))) for part in parts
        ]
        gathers = [Gather(share, tuple(tokens[part::processes])) for part, share in enumerate(self._orders)]
        answers = await asyncio.gather(*(self._ask(part, gathers[part], Ready, _JOIN_LIMIT_S) for part in parts))
        return sum(answer.joined for answer in answers)

    def start(self) -> tuple[float, asyncio.Task[Audition]]:
        """Let all begin to listen: when the first message is due (monotonic seconds), and what was heard at the end."""
        at = time.monotonic() + LEAD_S
        return at, asyncio.create_task(self._collect(at), name="results of a crowd")

    async def _collect(self, at: float) -> Audition:
        limit_s = LEAD_S + self._orders[0].limit_s + _ANSWER_LIMIT_S
        asked = (self._ask(part, Start(at), Heard, limit_s) for part in range(len(self._orders)))
        heard = await asyncio.gather(*asked)
        return Audition(tuple(part for one in heard for part in one.parts), sum(one.cpu_s for one in heard))

    async def _ask(self, part: int, question: msgspec.Struct, answer: type[A], limit_s: float) -> A:
        tried = "receiving a load"
        try:
            said = await self._workers[part].ask(question, answer, limit_s)
        except (WorkerGone, OSError) as gone:
            raise FailureError(tried, str(gone), "Measure again") from None
        if said.error:
            raise FailureError(tried, said.error, "Look into the lab's log")
        return said
