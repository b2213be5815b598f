"""Subscribers to changes in processes of their own, so that they have cores of their own."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from helpers.target import Target
from tests.benchmarks.raw_client import RawClient, connect, text_frame

__all__ = ["Audience"]

_AT_ONCE = 20  # clients that connect and subscribe at a time
_MARK = b'"postgres_changes",{"data"'  # once in each change's frame; `system` messages name the extension only
_SUBSCRIBED = b"Subscribed to PostgreSQL"
_context = multiprocessing.get_context("spawn")


class Audience:
    """Clients that subscribe, each in its own way, spread over a few processes. Use it as an async context.

    Args:
        target: to which they connect.
        joins: the text of each client's phx_join.
        processes: how many.
    """

    def __init__(self, target: Target, joins: Sequence[bytes], *, processes: int) -> None:
        self._counts = _context.RawArray("q", processes)
        self._last_at = _context.RawArray("d", processes)
        self._members: list[tuple[Connection, Any]] = []
        for index in range(processes):
            ours, theirs = _context.Pipe()
            share = list(joins[index::processes])
            args = (theirs, target, share, self._counts, self._last_at, index)
            self._members.append((ours, _context.Process(target=_member, args=args, daemon=True)))

    async def __aenter__(self) -> Audience:
        """Everybody is subscribed."""
        for _, process in self._members:
            process.start()
        await asyncio.gather(*(asyncio.to_thread(pipe.recv) for pipe, _ in self._members))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe, process in self._members:
            pipe.close()  # at which it ends
            await asyncio.to_thread(process.join, 10)

    async def received(self, changes: int, limit_s: float) -> float:
        """When the last of so many changes came (monotonic seconds); counting begins anew."""
        async with asyncio.timeout(limit_s):
            while sum(self._counts) < changes:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.01)
        for index in range(len(self._members)):
            self._counts[index] = 0
        return max(self._last_at)


class _Subscriber(RawClient):
    """Hands out messages until it counts."""

    def __init__(self, count: Callable[[int], None]) -> None:
        super().__init__()
        self._count = count
        self._tail = b""
        self.counting = False

    def _keep(self, data: bytes) -> None:
        if not self.counting:
            super()._keep(data)
            return
        data = self._tail + data
        self._count(data.count(_MARK))
        self._tail = data[-len(_MARK) + 1 :]


def _member(pipe: Connection, target: Target, joins: Sequence[bytes], counts: Any, last_at: Any, index: int) -> None:
    def count(changes: int) -> None:
        counts[index] += changes
        last_at[index] = time.monotonic()

    asyncio.run(_listen(pipe, target, joins, count))


async def _listen(pipe: Connection, target: Target, joins: Sequence[bytes], count: Callable[[int], None]) -> None:
    """Subscribe everybody, then count until the pipe is closed."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(join: bytes) -> RawClient:
        async with turn:
            client = await connect(target, lambda: _Subscriber(count))
            client.transport.write(text_frame(join))
            await client.answered(_SUBSCRIBED)
            client.counting = True
            return client

    clients = await asyncio.gather(*map(one, joins))
    pipe.send(len(clients))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), ended.set)
    await ended.wait()
