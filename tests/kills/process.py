"""A process that is killed with -9 at some point of its work."""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["bytes_written", "end", "live_for", "start"]

A = TypeVar("A")

#: For a process to start.
LIMIT_S = 60.0

#: Each is forked from one that has imported everything: that is most of what a start costs.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "tests.kills.mirror_process",
        "tests.kills.outbox_process",
        "tests.kills.prisma_mirror_process",
        "tests.faults.application_process",
    ]
)


async def live_for(
    seconds: float, work: Callable[[A], Coroutine[Any, Any, None]], order: A, progress: Callable[[], Awaitable[object]]
) -> None:
    """Start it, and kill it so long after its first step: before that it only starts.

    Args:
        progress: something else after each of its steps.
    """
    before = await progress()
    process = start(work, order)
    try:
        async with asyncio.timeout(LIMIT_S):
            while await progress() == before:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.005)
        await asyncio.sleep(seconds)
    finally:
        await end(process)


def start(work: Callable[[A], Coroutine[Any, Any, None]], order: A) -> ForkServerProcess:
    """Work on an order in a process of its own."""
    process = _FORKS.Process(target=_run, args=(work, order), daemon=True)
    process.start()
    return process


async def end(process: ForkServerProcess) -> None:
    """With -9."""
    process.kill()
    await asyncio.to_thread(process.join)


def _run(work: Callable[[A], Coroutine[Any, Any, None]], order: A) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(work(order))


def _end_with_parent() -> None:
    """However the one ends that kills: this one would go on for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


async def bytes_written(file: Path) -> tuple[int, ...]:
    """Of an SQLite file and its write-ahead log: they change with each transaction."""
    paths = (file, Path(f"{file}-wal"))
    sizes = [path.stat() if path.exists() else None for path in paths]
    return tuple(0 if found is None else found.st_mtime_ns + found.st_size for found in sizes)
