"""CPU time and memory of the three that take part: client, server and database."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import psutil

from helpers.errors import FailureError
from helpers.profiling.processes import ProcessesUnknown, TargetProcesses, cpu_s, find_processes, memory_bytes
from helpers.target import Target

__all__ = ["Meters", "Usage"]

T = TypeVar("T")

#: When, and the CPU seconds until then of client, server, REST and database.
_Cpu = tuple[float, float, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between the start of the meters and a reading.

    The client is the process that measures, or the one that was named; the server is the lab process (front door and
    Realtime); REST and Auth run in a process of their own; the database is all of PostgreSQL's processes, those that
    have ended included. What is not known is None, and the notes say why.

    Attributes:
        seconds: between start and reading.
        …_cpu_s: CPU time in these seconds; on Linux to the nanosecond (a process that has ended, to 10 ms).
        …_memory_bytes: at the reading, what the processes have each for themselves; the database's shared buffers are
            not in it.
    """

    seconds: float
    client_cpu_s: float
    server_cpu_s: float | None
    rest_cpu_s: float | None
    database_cpu_s: float | None
    client_memory_bytes: int
    server_memory_bytes: int | None
    rest_memory_bytes: int | None
    database_memory_bytes: int | None
    notes: tuple[str, ...] = ()

    def since(self, earlier: Usage) -> Usage:
        """What was used between an earlier reading of the same meters and this one; memory is that of this one."""
        return replace(
            self,
            seconds=self.seconds - earlier.seconds,
            client_cpu_s=self.client_cpu_s - earlier.client_cpu_s,
            server_cpu_s=_more(self.server_cpu_s, earlier.server_cpu_s),
            rest_cpu_s=_more(self.rest_cpu_s, earlier.rest_cpu_s),
            database_cpu_s=_more(self.database_cpu_s, earlier.database_cpu_s),
        )

    def percent(self, cpu_s: float | None) -> float | None:
        """One of the CPU times in percent of one core."""
        return None if cpu_s is None or self.seconds <= 0 else 100 * cpu_s / self.seconds


class Meters:
    """`async with Meters(target) as meters:` meters what is done inside; afterwards it is in `meters.usage`.

    Args:
        client_pid: whose CPU and memory the client's are; by default this process.
    """

    def __init__(self, target: Target, *, client_pid: int | None = None) -> None:
        self._target = target
        self._client_pid = client_pid or os.getpid()
        self._usage: Usage | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._begin)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._usage = await self.read()

    @property
    def usage(self) -> Usage:
        """From beginning to end. Only after the `with`."""
        assert self._usage is not None, "the meters are still running: `await meters.read()`"
        return self._usage

    async def read(self) -> Usage:
        """From the beginning until now. Takes some 10 ms, in a thread of its own.

        Raises:
            FailureError: the client's process has ended.
        """
        return await asyncio.to_thread(self._read)

    def _begin(self) -> None:
        self._why_unknown = ""
        self._processes: TargetProcesses | None = None
        try:
            self._client = psutil.Process(self._client_pid)
            self._processes = find_processes(self._target)
        except ProcessesUnknown as why:
            self._why_unknown = str(why)
        except psutil.Error:
            raise _client_ended(self._client_pid) from None
        self._before = self._cpu()

    def _read(self) -> Usage:
        """CPU before memory, as to read memory takes its time."""
        try:
            cpu, memory = self._cpu(), self._memory()
        except psutil.Error:
            raise _client_ended(self._client_pid) from None
        unknown = f"CPU and memory of server and database are not known: {self._why_unknown}"
        return Usage(*_since(self._before, cpu), *memory, notes=(unknown,) if self._why_unknown else ())

    def _cpu(self) -> _Cpu:
        target = self._of_target(lambda them: (cpu_s(them.server), cpu_s(them.rest), them.database_cpu_s()))
        return time.monotonic(), cpu_s(self._client), *(target or (None, None, None))

    def _memory(self) -> tuple[int, int | None, int | None, int | None]:
        target = self._of_target(
            lambda them: (memory_bytes(them.server), memory_bytes(them.rest), them.database_memory_bytes())
        )
        return memory_bytes(self._client), *(target or (None, None, None))

    def _of_target(self, look: Callable[[TargetProcesses], tuple[T, T, T]]) -> tuple[T, T, T] | None:
        if self._processes is None:
            return None
        try:
            return look(self._processes)
        except psutil.Error:
            self._processes, self._why_unknown = None, "a process of the target ended while it was measured"
            return None


def _since(before: _Cpu, now: _Cpu) -> tuple[float, float, float | None, float | None, float | None]:
    seconds, client, *target = (_more(late, early) for early, late in zip(before, now, strict=True))
    assert seconds is not None and client is not None
    server, rest, database = target
    return seconds, client, server, rest, database


def _more(late: float | None, early: float | None) -> float | None:
    return None if late is None or early is None else late - early


def _client_ended(pid: int) -> FailureError:
    return FailureError(
        "measuring CPU and memory", f"the client's process {pid} has ended", "Measure while the client runs"
    )
