"""CPU time of server and database, read quickly enough to stand around single bursts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

import psutil

from helpers.profiling.processes import ProcessesUnknown, TargetProcesses, cpu_s, find_processes
from helpers.target import Target

__all__ = ["CpuClock", "ServerCpu"]


class ServerCpu(NamedTuple):
    """CPU seconds of the lab process and of all of PostgreSQL's; None where nobody can tell."""

    server_s: float | None
    database_s: float | None

    def since(self, earlier: ServerCpu) -> ServerCpu:
        """What was used after an earlier reading."""
        return ServerCpu(_more(earlier.server_s, self.server_s), _more(earlier.database_s, self.database_s))


class CpuClock:
    """Reads a target's CPU time. `helpers.profiling.meters` tells memory as well, which takes some 20 ms each time."""

    def __init__(self, processes: TargetProcesses | None) -> None:
        self._processes = processes

    @classmethod
    async def of(cls, target: Target) -> CpuClock:
        """Find the processes; of a target whose processes are not on this machine everything is None."""
        with contextlib.suppress(ProcessesUnknown, psutil.Error):
            return cls(await asyncio.to_thread(find_processes, target))
        return cls(None)

    async def read(self) -> ServerCpu:
        """Until now."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> ServerCpu:
        if self._processes is None:
            return ServerCpu(None, None)
        try:
            return ServerCpu(cpu_s(self._processes.server), self._processes.database_cpu_s())
        except psutil.Error:
            return ServerCpu(None, None)


def _more(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
