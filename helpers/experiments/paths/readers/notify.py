"""Subscribers that hold a connection to the database, and listen."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import msgspec
import psycopg
from psycopg import sql

from helpers.database_url import reason_of
from helpers.experiments.paths.readers.reader import Plan, Reader, connect, socket_bytes

__all__ = ["NotifyReader"]


class _Notice(msgspec.Struct):
    seq: int = -1


_read_notice = msgspec.json.Decoder(_Notice).decode


class NotifyReader(Reader):
    """libpq is read as soon as its socket has something, without a task for each connection."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._connections: list[psycopg.AsyncConnection] = []
        self._watched: set[int] = set()

    @property
    def wire_bytes(self) -> int | None:
        counts = [socket_bytes(connection.pgconn.socket) for connection in self._connections]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    async def add(self, subscriber: int) -> None:
        connection = await connect(self.plan)
        self._connections.append(connection)
        self.connections += 1
        await connection.execute(sql.SQL("listen {}").format(sql.Identifier(self.plan.name)))
        descriptor = connection.pgconn.socket
        asyncio.get_running_loop().add_reader(descriptor, partial(self._hear, subscriber, connection, descriptor))
        self._watched.add(descriptor)

    async def close(self) -> None:
        for descriptor in self._watched:
            asyncio.get_running_loop().remove_reader(descriptor)
        await asyncio.gather(*(connection.close() for connection in self._connections))

    def _hear(self, subscriber: int, connection: psycopg.AsyncConnection, descriptor: int) -> None:
        received_at = time.monotonic()
        try:
            connection.pgconn.consume_input()
        except psycopg.Error as error:
            asyncio.get_running_loop().remove_reader(descriptor)
            self._watched.discard(descriptor)
            self.broken[reason_of(error, self.plan.target.database_url or "")] += 1
            return
        while (notice := connection.pgconn.notifies()) is not None:
            self.enter(subscriber, _read_notice(notice.extra).seq, received_at, len(notice.extra))
