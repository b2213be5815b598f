"""A canary in another process, as the one has it who breaks things for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import struct
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import msgspec

from helpers.monitoring.canary import CanarySettings
from helpers.profiling.worker import Worker, WorkerGone
from helpers.target import Target
from tests.canary.alone import Begin, Begun, Done, End, Held, Look, Serve, Tell, Told

__all__ = ["CanaryApart"]

A = TypeVar("A")

#: For an answer that takes no time by itself.
_LIMIT_S = 30.0


class CanaryApart:
    """`async with CanaryApart(target, settings) as canary`; see `helpers.lab.faults.Application` for what can be done
    to it.
    """

    def __init__(self, target: Target, settings: CanarySettings) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="workbook-canary-")
        self._clock = Path(self._home.name) / "clock"
        self._begin = Begin(target, settings, str(self._clock))
        self._worker = Worker("tests.canary.alone")
        self._address = ""

    async def __aenter__(self) -> Self:
        self._clock.write_bytes(struct.pack("d", 0.0))
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It takes its table away, if it still can."""
        with contextlib.suppress(WorkerGone):
            await self._ask(End(), Done)
        await self.kill()
        self._home.cleanup()

    async def serve(self, limit_s: float) -> bool:
        """Wait until every channel serves and has received a message after this; whether it came to that."""
        return (await self._ask(Serve(limit_s), Done, limit_s)).well

    async def look(self, *, cleared: bool = False) -> Held:
        """See `Look`."""
        return await self._ask(Look(cleared), Held)

    async def tell(self) -> Told:
        return await self._ask(Tell(), Told)

    async def scrape(self) -> str:
        """Its metrics, as Prometheus gets them."""
        async with aiohttp.ClientSession() as session, session.get(f"http://{self._address}/metrics") as answer:
            return await answer.text()

    # What can happen to it

    async def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    async def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        await self._worker.__aexit__(None, None, None)

    async def start(self) -> None:
        await self._worker.__aenter__()
        self._address = (await self._ask(self._begin, Begun)).address

    def set_clock(self, ahead_s: float) -> None:
        with self._clock.open("r+b") as file:  # the same eight bytes, as it has them mapped
            file.write(struct.pack("d", ahead_s))

    def fill_disk(self) -> None:
        self._limit_files(0)

    def free_disk(self) -> None:
        self._limit_files(resource.RLIM_INFINITY)

    async def outlive_token(self, life_s: float) -> None:
        """It has none, only the project's key, which does not expire."""
        await asyncio.sleep(life_s)

    def give_tokens(self) -> None:
        """See `outlive_token`."""

    async def _ask(self, question: msgspec.Struct, answer: type[A], more_s: float = 0.0) -> A:
        return await self._worker.ask(question, answer, _LIMIT_S + more_s)

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self._pid, number)

    def _limit_files(self, size_bytes: int) -> None:
        """A write fails beyond so many bytes."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

    @property
    def _pid(self) -> int:
        assert self._worker.pid is not None, "it does not run"
        return self._worker.pid
