"""What all readers have in common: subscribers come in several at a time, and who cannot is told."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

import psycopg

from helpers.database_url import libpq_url, reason_of
from helpers.errors import FailureError
from helpers.experiments.paths.catalog import Path
from helpers.target import Target

__all__ = ["CONNECT_LIMIT_S", "Enter", "Plan", "Reader", "connect", "socket_bytes"]

#: Subscribers that connect at a time.
AT_ONCE = 20

CONNECT_LIMIT_S = 10

#: Enters a message: subscriber, number as it travelled, time of receipt (monotonic seconds), size in bytes.
Enter = Callable[[int, int, float, int], None]

#: Where `struct tcp_info` of Linux holds `tcpi_bytes_received` (linux/tcp.h; from 4.1 on).
_BYTES_RECEIVED, _TCP_INFO_SIZE = 128, 192


class Plan(NamedTuple):
    """What is to be read.

    Attributes:
        table: its name in the target's schema. name: topic or channel, without prefix.
        first_seq: number of the first message, as it travels.
    """

    target: Target
    path: Path
    table: str
    name: str
    first_seq: int
    subscribers: int


class Reader(ABC):
    """`async with` brings the subscribers in; `enter` is then called with every message.

    Attributes:
        failures: why subscribers could not come in, and how many. present: who came in.
        broken: why one that had come in could not go on, and how often.
        queries: asked of the database or of REST so far.
        connections: to the database, opened by the subscribers themselves.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.failures: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.present: set[int] = set()
        self.queries = 0
        self.connections = 0
        self.enter: Enter = _nowhere

    async def __aenter__(self) -> Self:
        try:
            await self._gather()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    @abstractmethod
    def wire_bytes(self) -> int | None:
        """What has come to all subscribers, headers included; None where this system does not tell."""

    @abstractmethod
    async def add(self, subscriber: int) -> None:
        """Bring one subscriber in.

        Raises:
            FailureError: it cannot come in.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of all of them."""

    def endings(self) -> Counter[str]:
        """Why subscribers were cut off, or could not go on, and how many."""
        return self.broken

    async def _gather(self) -> None:
        turns = iter(range(self.plan.subscribers))

        async def some() -> None:
            for subscriber in turns:
                try:
                    await self.add(subscriber)
                except FailureError as error:
                    self.failures[error.happened] += 1
                else:
                    self.present.add(subscriber)

        await asyncio.gather(*(some() for _ in range(min(AT_ONCE, self.plan.subscribers))))
        if not self.present:
            reason = self.failures.most_common(1)[0][0]
            tried = f"subscribing {self.plan.subscribers:,} subscribers by {self.plan.path.name}"
            raise FailureError(tried, f"none of them came in: {reason}", "Check the target's limits and logs")


def _nowhere(subscriber: int, seq: int, received_at: float, size_bytes: int) -> None:
    """Before anybody wants to know."""


async def connect(plan: Plan) -> psycopg.AsyncConnection:
    """A connection to the database, in autocommit.

    Raises:
        FailureError: the database refuses, in its own words.
    """
    url = plan.target.database_url or ""
    try:
        return await psycopg.AsyncConnection.connect(
            libpq_url(url), autocommit=True, connect_timeout=CONNECT_LIMIT_S, application_name="workbook_reader"
        )
    except psycopg.Error as error:
        tried, advice = "connecting a subscriber to the database", "Plan fewer subscribers, or use a pooler"
        raise FailureError(tried, reason_of(error, url), advice) from None


def socket_bytes(descriptor: int) -> int | None:
    """What has come through a TCP socket; None where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    borrowed = socket.socket(fileno=descriptor)
    try:
        info = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    except OSError:
        return None
    finally:
        borrowed.detach()
    if len(info) < _BYTES_RECEIVED + 8:
        return None
    return int(struct.unpack_from("Q", info, _BYTES_RECEIVED)[0])
