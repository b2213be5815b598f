"""A process that listens to one load after another: `python -m helpers.capacity.listener`, driven by lines of JSON.

For each `Gather` in, one `Ready` out; then for each `Start` in, one `Heard` out. It ends when its stdin does. That it
lives on saves the start of an interpreter at every point.
"""

from __future__ import annotations

import asyncio
import gc
import os
import queue
import sys
import threading
import time
from typing import Any

import msgspec

from helpers.errors import WorkbookError
from helpers.profiling.receiving import Listening, Received, listen

__all__ = ["Gather", "Heard", "Ready", "Start"]


class Gather(msgspec.Struct, frozen=True):
    """Join. With tokens, each has a socket of its own; without, all sockets have the claims of the order."""

    order: Listening
    tokens: tuple[str, ...] = ()


class Ready(msgspec.Struct, frozen=True):
    """So many subscriptions stand."""

    joined: int = 0
    error: str = ""


class Start(msgspec.Struct, frozen=True):
    """When the first message is due (monotonic seconds, which all processes of a machine share)."""

    at: float


class Heard(msgspec.Struct, frozen=True):
    """What was received, and the CPU time of this process from the start until all had come."""

    parts: tuple[Received, ...] = ()
    cpu_s: float = 0.0
    error: str = ""


class _Reception:
    """One order: everybody joins, waits for the start, and receives."""

    def __init__(self, gather: Gather) -> None:
        replace = msgspec.structs.replace
        orders = [replace(gather.order, sockets=1, token=token) for token in gather.tokens] or [gather.order]
        self._start: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._everybody = asyncio.Event()
        self._missing = len(orders)
        self._joined = 0
        self._receiving = asyncio.gather(*(listen(order, self._rendezvous) for order in orders))

    async def ready(self) -> Ready:
        """When everybody has joined."""
        everybody = asyncio.ensure_future(self._everybody.wait())
        waiting: list[asyncio.Future[Any]] = [everybody, self._receiving]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        everybody.cancel()
        if self._receiving.done():
            self._receiving.result()  # it can have ended only with an error
        return Ready(self._joined)

    async def heard(self, at: float) -> Heard:
        before = time.process_time()
        self._start.set_result(at)
        parts = await self._receiving
        return Heard(tuple(parts), time.process_time() - before)

    async def _rendezvous(self, joined: int) -> float:
        self._joined += joined
        self._missing -= 1
        if not self._missing:
            self._everybody.set()
        return await self._start


async def _serve(lines: queue.Queue[bytes]) -> None:
    while True:
        gather = msgspec.json.decode(await asyncio.to_thread(lines.get), type=Gather)
        try:
            reception = _Reception(gather)
            ready = await reception.ready()
        except WorkbookError as error:
            _say(Ready(error=error.happened))
            continue
        gc.collect()
        gc.freeze()
        _say(ready)
        start = msgspec.json.decode(await asyncio.to_thread(lines.get), type=Start)
        try:
            _say(await reception.heard(start.at))
        except WorkbookError as error:
            _say(Heard(error=error.happened))
        gc.unfreeze()


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
    asyncio.run(_serve(lines))


if __name__ == "__main__":
    main()
