"""A Dask scheduler or worker somewhere else, whose clock and whose versions are not ours: `python -m …dask_party`.

    python -m tests.profiling.receiving.dask_party '{"scheduler": "tcp://127.0.0.1:4711", "clock_ahead_s": 5}'

Without a scheduler it is one, and prints its address; it ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import sys
import threading
import time
from typing import Any


def pretend(clock_ahead_s: float = 0.0, versions: dict[str, str] | None = None) -> None:
    """Before anything else is imported: everybody in this process reads that clock, and is told these versions."""
    real_clock, real_version, others = time.monotonic, importlib.metadata.version, versions or {}
    if clock_ahead_s:
        time.monotonic = lambda: real_clock() + clock_ahead_s
    importlib.metadata.version = lambda name: others.get(name) or real_version(name)


async def live(scheduler: str | None) -> None:
    import distributed

    party: Any
    if scheduler is None:
        party = distributed.Scheduler(host="127.0.0.1", dashboard=False, dashboard_address="127.0.0.1:0")
    else:
        party = distributed.Worker(scheduler, host="127.0.0.1", nthreads=1, memory_limit=0)
    async with party:
        print(party.address, flush=True)
        await party.finished()


def end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    pretend(told.get("clock_ahead_s", 0.0), told.get("versions"))
    threading.Thread(target=end_with_stdin, daemon=True).start()
    asyncio.run(live(told.get("scheduler")))
