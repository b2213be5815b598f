"""What a lab leaves on a machine: its processes, ports and folder, and whether they are gone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psutil

from helpers.lab import Lab

__all__ = ["Footprint", "until_falsy"]

T = TypeVar("T")


@dataclass(frozen=True)
class Footprint:
    """Taken while the lab runs; looked at again when it should be gone."""

    processes: tuple[psutil.Process, ...]
    ports: tuple[int, ...]
    folder: Path

    @classmethod
    def of(cls, pid: int, info: dict[str, str]) -> Footprint:
        """Of the lab process with that pid, which printed that `info`."""
        top = psutil.Process(pid)
        ports = [urlsplit(info[name]).port for name in ("api_url", "database_url")]
        processes = (top, *top.children(recursive=True))
        return cls(processes, tuple(port for port in ports if port), Path(info["db_socket_dir"]))

    @classmethod
    def of_lab(cls, lab: Lab) -> Footprint:
        """Of a lab that this process started."""
        assert lab.pid is not None
        return cls.of(lab.pid, lab.info)

    def left(self) -> list[str]:
        """What is still there, in words."""
        found = [f"process {process.pid}" for process in self.processes if _lives(process)]
        found += [f"port {port}" for port in self.ports if _answers(port)]
        return found + ([f"folder {self.folder}"] if self.folder.exists() else [])

    async def gone(self, within: float = 5.0) -> list[str]:
        """What is left after at most that many seconds; an empty list as soon as nothing is."""
        return await until_falsy(self.left, within)


async def until_falsy(look: Callable[[], T], within: float) -> T:
    """Look again and again until what is seen is empty or false, for at most that many seconds; what was seen last."""
    deadline = time.monotonic() + within
    while (seen := look()) and time.monotonic() < deadline:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0.02)
    return seen


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
