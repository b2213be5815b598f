"""Receivers in processes of their own, so that they have cores of their own."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from helpers.target import Target
from tests.benchmarks.raw_client import RawClient, Tally, connect, text_frame

__all__ = ["Crowd"]

_AT_ONCE = 50  # clients that connect and join at a time
_context = multiprocessing.get_context("spawn")


class Crowd:
    """Clients that join one topic and count, spread over a few processes. Use it as an async context.

    Args:
        target: to which they connect.
        processes: how many.
    """

    def __init__(self, target: Target, *, processes: int) -> None:
        self._totals = _context.RawArray("Q", processes)
        self._members: list[tuple[Connection, Any]] = []
        for index in range(processes):
            ours, theirs = _context.Pipe()
            process = _context.Process(target=_member, args=(theirs, target, self._totals, index), daemon=True)
            self._members.append((ours, process))

    async def __aenter__(self) -> Crowd:
        for _, process in self._members:
            process.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe, process in self._members:
            pipe.close()  # at which it ends
            await asyncio.to_thread(process.join, 10)

    async def join(self, clients: int, join: bytes) -> None:
        """Let so many more clients connect and send `join`, the text of a phx_join."""
        share, rest = divmod(clients, len(self._members))
        await self._tell(lambda index: ("join", share + (index < rest), join))

    async def restart(self, frame_bytes: int, stride: int) -> None:
        """From now on frames of that size come; the due time of every `stride`th is read."""
        await self._tell(lambda _: ("restart", frame_bytes, stride))

    async def latencies(self) -> list[float]:
        """Of the sampled frames since `restart`, in seconds."""
        return [latency for part in await self._tell(lambda _: ("latencies",)) for latency in part]

    @property
    def received_bytes(self) -> int:
        """By all clients since `restart`."""
        return sum(self._totals)

    async def _tell(self, order: Callable[[int], tuple[Any, ...]]) -> Sequence[Any]:
        for index, (pipe, _) in enumerate(self._members):
            pipe.send(order(index))
        return await asyncio.gather(*(asyncio.to_thread(pipe.recv) for pipe, _ in self._members))


def _member(pipe: Connection, target: Target, totals: Any, index: int) -> None:
    asyncio.run(_obey(pipe, target, Tally(memoryview(totals).cast("B").cast("Q"), index)))


async def _obey(pipe: Connection, target: Target, tally: Tally) -> None:
    """Do what the pipe says, one order after the other, until it is closed."""
    clients: list[RawClient] = []
    orders: asyncio.Queue[Any] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: orders.put_nowait(_read(pipe)))
    while (order := await orders.get()) is not None:
        answer: Any = None
        match order:
            case ("join", count, text):
                clients += await _joined(target, count, text)
            case ("restart", frame_bytes, stride):
                tally.restart(frame_bytes, stride)
                for client in clients:
                    client.count(tally)
            case ("latencies",):
                answer = tally.latencies
        pipe.send(answer)


def _read(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        asyncio.get_running_loop().remove_reader(pipe.fileno())
        return None


async def _joined(target: Target, count: int, join: bytes) -> list[RawClient]:
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one() -> RawClient:
        async with turn:
            client = await connect(target)
            client.transport.write(text_frame(join))
            assert b'"ok"' in await client.messages.get()
            return client

    return await asyncio.gather(*(one() for _ in range(count)))
