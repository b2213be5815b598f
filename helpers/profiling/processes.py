"""Processes of this machine: which ones a target is made of, and what CPU time and memory they have used."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from helpers.target import Target

__all__ = ["ProcessesUnknown", "TargetProcesses", "cpu_s", "find_processes", "memory_bytes"]

#: How a lab process is started (`helpers/lab/lab.py`).
_LAB = ["-m", "helpers.lab.process"]

_libc = ctypes.CDLL(None)

#: How often the database's processes are counted again when one of them ended meanwhile.
_RECOUNTS = 5


class ProcessesUnknown(Exception):  # noqa: N818 - it is an answer as well
    """Nobody can tell which processes the target is made of; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class TargetProcesses:
    """The processes of a lab.

    Attributes:
        server: the lab process: front door and Realtime.
        rest: Node, which serves REST and Auth.
        database: PostgreSQL's first process, the parent of all its others.
    """

    server: psutil.Process
    rest: psutil.Process
    database: psutil.Process

    def database_cpu_s(self) -> float:
        """CPU time of all of PostgreSQL's processes, with those that have ended.

        The first process inherits the time of each that ends, so that nothing is lost; should one end while they are
        counted, they are counted again.

        Raises:
            psutil.NoSuchProcess: the database has ended.
        """
        total = 0.0
        for _ in range(_RECOUNTS):
            before = _ended_s(self.database)
            total = before + cpu_s(self.database) + sum(map(_cpu_if_alive, self.database.children()))
            if _ended_s(self.database) == before:
                break
        return total

    def database_memory_bytes(self) -> int:
        """What PostgreSQL's processes have each for themselves. Their shared buffers, which fill up to their size
        whatever one does, are not in it."""
        return memory_bytes(self.database) + sum(map(_memory_if_alive, self.database.children()))


def find_processes(target: Target) -> TargetProcesses:
    """The processes behind a target. Blocking, for some 10 ms.

    A lab is found by its port, or, where something stands in front of it, by its database's port.

    Raises:
        ProcessesUnknown: it is not a lab of this machine, or the lab of another account.
    """
    if not target.is_loopback:
        raise ProcessesUnknown(f"they run on {target.host}, not on this machine")
    labs = list(_labs())
    for lab in labs:
        if target.port in _ports(lab):
            return _services(lab)
    database_port = urlsplit(target.database_url or "").port
    for lab in labs:
        with contextlib.suppress(ProcessesUnknown, psutil.Error):
            services = _services(lab)
            if database_port in _ports(services.database):
                return services
    raise ProcessesUnknown(
        f"no lab that this account may look at has the port {target.port}; what else answers there (containers, "
        "say) does not tell its processes"
    )


def cpu_s(process: psutil.Process) -> float:
    """CPU time that a process has used, without that of its children; on Linux to the nanosecond, else to 10 ms.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    clock = _posix_clock(process)
    if clock is not None:
        with contextlib.suppress(OSError):  # it ended just now
            return time.clock_gettime(clock)
    times = process.cpu_times()
    return float(times.user + times.system)


def memory_bytes(process: psutil.Process) -> int:
    """Memory that a process has for itself alone: what the machine would get back if it ended.

    Where the system does not tell it, the resident size.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    try:
        return int(process.memory_full_info().uss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def _posix_clock(process: psutil.Process) -> int | None:
    """The clock of that process's CPU time (POSIX `clock_getcpuclockid`), where the system has one."""
    if not sys.platform.startswith("linux"):
        return None  # elsewhere only a process's own
    clock = ctypes.c_int()
    return clock.value if _libc.clock_getcpuclockid(process.pid, ctypes.byref(clock)) == 0 else None


def _labs() -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == _LAB:
            yield process


def _ports(process: psutil.Process) -> set[int]:
    """What it listens on; nothing if it has ended or is not ours to look at."""
    with contextlib.suppress(psutil.Error):
        connections = process.net_connections("tcp")
        return {connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN}
    return set()


def _services(lab: psutil.Process) -> TargetProcesses:
    programs: dict[str, psutil.Process] = {}
    for child in lab.children():
        with contextlib.suppress(psutil.Error):
            programs[Path(child.exe()).stem] = child
    if not {"node", "postgres"} <= programs.keys():
        raise ProcessesUnknown("the lab has not all of its processes, or they are of another account")
    return TargetProcesses(lab, programs["node"], programs["postgres"])


def _ended_s(process: psutil.Process) -> float:
    """CPU time of its children that have ended; 0 where the system does not tell (macOS)."""
    times = process.cpu_times()
    return float(times.children_user + times.children_system)


def _cpu_if_alive(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return cpu_s(process)
    return 0.0


def _memory_if_alive(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return memory_bytes(process)
    return 0
