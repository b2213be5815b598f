"""Members of a fleet that are processes of this machine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from helpers.errors import SettingsError
from helpers.profiling.clocks import ONE_CLOCK, Skew
from helpers.profiling.receiving.crew import Member, Ready, Report, Start
from helpers.profiling.receiving.listener import Listening
from helpers.profiling.worker import Worker, WorkerGone

__all__ = ["Processes"]

MODULE = "helpers.profiling.receiving.member"


class Processes:
    """So many processes, by default one for each core; new ones for each fleet.

    Raises:
        SettingsError: fewer than one.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = (os.cpu_count() or 1) if count is None else count
        if self._count < 1:
            raise SettingsError("planning a fleet", f"{count} processes are planned", "Choose at least one")

    @asynccontextmanager
    async def members(self, most: int) -> AsyncIterator[Sequence[Member]]:
        """Started, and killed in the end."""
        count = min(self._count, most)
        async with AsyncExitStack() as stack:
            workers = [await stack.enter_async_context(Worker(MODULE)) for _ in range(count)]
            yield [_Process(worker, f"process {place + 1} of {count}") for place, worker in enumerate(workers)]


class _Process:
    """A member that is driven by lines on its stdin."""

    def __init__(self, worker: Worker, name: str) -> None:
        self._worker = worker
        self.name = name
        self.notes: tuple[str, ...] = ()

    async def skew(self) -> Skew:
        """None: all processes of a machine read one monotonic clock."""
        return ONE_CLOCK

    async def ready(self, order: Listening, limit_s: float) -> Ready:
        return await self._worker.ask(order, Ready, limit_s)

    async def report(self, start: Start, limit_s: float) -> Report:
        try:
            return await self._worker.ask(start, Report, limit_s)
        except OSError as broken:
            raise WorkerGone(f"{MODULE} ended ({broken.strerror})") from None
