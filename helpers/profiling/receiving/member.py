"""A process of a fleet: `python -m helpers.profiling.receiving.member`, driven by lines of JSON on its stdin.

First line in: `Listening`. First line out: `Ready`. Second line in: `Start`. Second line out: `Received`, in `Report`.
It ends when its stdin does, at whatever point.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading

import msgspec

from helpers.errors import WorkbookError
from helpers.profiling.receiving.crew import Ready, Report, Start, settle_memory
from helpers.profiling.receiving.listener import Listening, listen

__all__: list[str] = []


def _carry_out(lines: queue.Queue[bytes]) -> None:
    order = msgspec.json.decode(lines.get(), type=Listening)

    async def rendezvous(joined: int) -> float:
        settle_memory()
        _say(Ready(joined, os.getpid()))
        line = await asyncio.to_thread(lines.get)
        return msgspec.json.decode(line, type=Start).at

    _say(Report(asyncio.run(listen(order, rendezvous))))


def _say(message: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def _hear(lines: queue.Queue[bytes]) -> None:
    """Pass on what is said, and end the process when whoever said it is gone."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def main() -> None:
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_hear, args=(lines,), daemon=True).start()
    try:
        _carry_out(lines)
    except WorkbookError as error:
        _say(Report(error=error.happened))


if __name__ == "__main__":
    main()
