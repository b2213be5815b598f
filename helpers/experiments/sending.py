"""Streams by rate, and the parent's side of the process that sends them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from helpers.client import RealtimeClient
from helpers.errors import FailureError
from helpers.experiments.unhindered import unhindered
from helpers.profiling.worker import Worker, WorkerGone
from helpers.profiling.workloads import Rate
from helpers.profiling.workloads.rates import due_times
from helpers.stream.order import Go, Prepare, Prepared, Sent, Stream
from helpers.target import Target

__all__ = ["Sender", "scheduled", "sending", "unless_cut_off"]

A = TypeVar("A")

#: From the order to the first message: enough for the order to arrive.
LEAD_S = 0.02

#: Interpreter start, connection and join.
PREPARE_LIMIT_S = 30.0

#: How much longer than its schedule a stream may take: a server that reads slowly holds it up.
SEND_LIMIT_S = 20.0

_TRIED = "sending numbered messages"


def scheduled(rate: Rate, seconds: float = 1.0, **options: Any) -> Stream:
    """A stream at some rate, on a channel that nobody else uses.

    Args:
        options: of `Stream`: `form`, `body_bytes`, `keys`.

    Raises:
        SettingsError: the schedule is out of bounds.
    """
    return Stream(topic=f"workbook:{secrets.token_hex(4)}", due_s=tuple(due_times(rate, seconds).tolist()), **options)


class Sender:
    """`async with Sender(target) as sender` starts the process; it sends one stream after another."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._worker = Worker("helpers.stream.sender")

    async def __aenter__(self) -> Self:
        await self._worker.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._worker.__aexit__(kind, error, trace)

    async def prepare(self, stream: Stream) -> None:
        """Connect and join.

        Raises:
            SettingsError: the stream is out of bounds.
            FailureError: the target refused.
        """
        stream.check()
        prepared = await self._ask(Prepare(target=self._target, stream=stream), Prepared, PREPARE_LIMIT_S)
        if prepared.error:
            raise _failed(prepared.error)

    def start(self) -> float:
        """When the first message will be due, if `send` is called now."""
        return time.monotonic() + LEAD_S

    async def send(self, stream: Stream, start: float) -> Sent:
        """Send what was prepared. A stream that was stopped says so in `Sent.error`.

        Raises:
            FailureError: the process ended, or did not finish in time.
        """
        return await self._ask(Go(start), Sent, LEAD_S + stream.last_due_s + SEND_LIMIT_S)

    async def _ask(self, question: msgspec.Struct, answer: type[A], limit_s: float) -> A:
        try:
            return await self._worker.ask(question, answer, limit_s)
        except WorkerGone as gone:
            raise _failed(str(gone)) from None


@contextlib.asynccontextmanager
async def sending(target: Target) -> AsyncIterator[Sender]:
    """A sender to a target, which does not count messages against its quota meanwhile if it is a lab.

    Raises:
        FailureError: the lab did not let its limits be changed.
    """
    async with unhindered(target), Sender(target) as sender:
        yield sender


async def unless_cut_off(client: RealtimeClient, waiting: Coroutine[Any, Any, None]) -> tuple[str, ...]:
    """Wait for something that a connection brings, but not for one that is over.

    Returns:
        A note that it is over, if it is.
    """
    done, closed = asyncio.create_task(waiting), asyncio.create_task(client.wait_closed())
    try:
        await asyncio.wait((done, closed), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (done, closed):
            task.cancel()
        await asyncio.gather(done, closed, return_exceptions=True)
    return (f"the receiver was cut off: {client.reason}",) if client.reason else ()


def _failed(happened: str) -> FailureError:
    return FailureError(_TRIED, happened, "Check that the target takes connections, and try again")
