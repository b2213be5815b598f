"""The parent's side of the sending process, and a lab without quota for it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from helpers.errors import FailureError
from helpers.experiments.stream.order import Go, Prepare, Prepared, Sent, Stream
from helpers.profiling.worker import Worker, WorkerGone
from helpers.target import Target, TargetKind

__all__ = ["Sender", "unhindered"]

A = TypeVar("A")

#: From the order to the first message: enough for the order to arrive.
LEAD_S = 0.02

#: Interpreter start, connection and join.
PREPARE_LIMIT_S = 30.0

#: How much longer than its schedule a stream may take: a server that reads slowly holds it up.
SEND_LIMIT_S = 20.0

_QUOTAS = {"max_events_per_second": 10_000_000, "max_joins_per_second": 1_000_000}
_TRIED = "sending numbered messages"


class Sender:
    """`async with Sender(target) as sender` starts the process; it sends one stream after another."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._worker = Worker("helpers.experiments.stream.sender")

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


def _failed(happened: str) -> FailureError:
    return FailureError(_TRIED, happened, "Check that the target takes connections, and try again")


@contextlib.asynccontextmanager
async def unhindered(target: Target) -> AsyncIterator[None]:
    """Inside, a lab counts no messages against its quota, so that what is measured is the server; else nothing changes.

    Raises:
        FailureError: the lab did not let its limits be changed.
    """
    if target.kind is not TargetKind.LAB:
        yield
        return
    url = f"{target.api_url}/realtime/v1/api/tenants/lab"
    headers = {"Authorization": f"Bearer {target.secret_key}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(10)) as session:
        before = (await _tenant(session.get(url)))["data"]
        await _tenant(session.put(url, json={"tenant": _QUOTAS}))
        try:
            yield
        finally:
            await _tenant(session.put(url, json={"tenant": {name: before[name] for name in _QUOTAS}}))


async def _tenant(request: Any) -> Any:
    try:
        async with request as answer:
            answer.raise_for_status()
            return await answer.json()
    except (aiohttp.ClientError, TimeoutError) as error:
        happened = f"the lab did not answer its operator ({type(error).__name__})"
        raise FailureError("lifting the lab's quotas", happened, "Start the lab anew") from None
