"""Logical replication as a stream: the walsender protocol inside `COPY BOTH`.

The database pushes each transaction as it commits, so there is no interval to wait for. Messages of the stream:
https://www.postgresql.org/docs/18/protocol-replication.html
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable

import psycopg
from psycopg import AsyncConnection, pq

from helpers.lab.changes.pgoutput import Message, decode

__all__ = ["ReplicationStream"]

# PostgreSQL 16 and later can miss the moment to wake a sender: it looks at the log, and a commit comes before it has
# put itself on the list of those to be woken. It then sleeps until the next commit or a word from its receiver. Seen
# once in about 20,000 commits; so the receiver speaks often.
_STATUS_INTERVAL_S = 0.2
_ANSWER_LIMIT_S = 10.0
_POSTGRES_EPOCH_S = 946_684_800  # 2000-01-01
_DATA_HEADER = 25  # "w", start and end of the log so far, time
_KEEPALIVE = struct.Struct(">cQqB")
_STATUS = struct.Struct(">cQQQqB")


class ReplicationStream:
    """A temporary slot and the stream from it; both end with the connection.

    Args:
        database: connection string of a role that may replicate.
        slot: name of the slot.
        publication: whose tables are streamed.
        handle: called in the event loop with each decoded message.
    """

    def __init__(self, database: str, slot: str, publication: str, handle: Callable[[Message], None]) -> None:
        self._database = database
        self._slot = slot
        self._publication = publication
        self._handle = handle
        self._connection: AsyncConnection | None = None
        self._ended: asyncio.Future[None] | None = None
        self._received_lsn = 0
        self._paused = False

    async def open(self) -> None:
        """Create the slot and begin: what is committed from now on arrives.

        Raises:
            psycopg.Error: when the database refuses.
        """
        self._connection = await psycopg.AsyncConnection.connect(
            self._database,
            autocommit=True,
            replication="database",
            application_name="realtime_replication_connection",
            connect_timeout=10,
            options="-c log_min_messages=fatal",
        )
        await self._connection.execute(
            f'CREATE_REPLICATION_SLOT "{self._slot}" TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT'.encode()
        )
        await self._begin(
            self._connection.pgconn,
            f'START_REPLICATION SLOT "{self._slot}" LOGICAL 0/0 '
            f"(proto_version '1', publication_names '\"{self._publication}\"')",
        )

    async def run(self) -> None:
        """Handle messages until the stream ends.

        Raises:
            psycopg.Error: when the connection is lost.
        """
        if self._connection is None:
            raise RuntimeError("the stream is not open")
        loop = asyncio.get_running_loop()
        pgconn = self._connection.pgconn
        self._ended = loop.create_future()
        loop.add_reader(pgconn.socket, self._receive, pgconn)
        try:
            self._receive(pgconn)  # what came together with the answer to START_REPLICATION
            while not self._ended.done():
                self._report(pgconn)
                await asyncio.wait([self._ended], timeout=_STATUS_INTERVAL_S)
            await self._ended
        finally:
            loop.remove_reader(pgconn.socket)

    def pause(self) -> None:
        """Read nothing more for now, so that the database waits; a few messages may still come."""
        if not self._paused and self._connection is not None:
            self._paused = True
            asyncio.get_running_loop().remove_reader(self._connection.pgconn.socket)

    def resume(self) -> None:
        """Read on after `pause`."""
        if self._paused and self._connection is not None and self._ended is not None and not self._ended.done():
            self._paused = False
            pgconn = self._connection.pgconn
            asyncio.get_running_loop().add_reader(pgconn.socket, self._receive, pgconn)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _begin(self, pgconn: pq.abc.PGconn, command: str) -> None:
        """Send a command that turns the connection into a stream."""
        pgconn.send_query(command.encode())
        pgconn.flush()
        while pgconn.is_busy():
            await _readable(pgconn.socket)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None or result.status != pq.ExecStatus.COPY_BOTH:
            text = result.error_message.decode() if result is not None else "no answer"
            raise psycopg.OperationalError(f"START_REPLICATION: {text.strip()}")

    def _receive(self, pgconn: pq.abc.PGconn) -> None:
        """Handle all that has arrived; called by the event loop when there is something."""
        try:
            pgconn.consume_input()
            while True:
                size, data = pgconn.get_copy_data(1)
                if size == 0:
                    return
                if size < 0:
                    raise psycopg.OperationalError("the database ended the stream")
                self._take(pgconn, bytes(data))
        except Exception as error:
            if self._ended is not None and not self._ended.done():
                self._ended.set_exception(error)

    def _take(self, pgconn: pq.abc.PGconn, data: bytes) -> None:
        if data[:1] == b"w":
            self._received_lsn = max(self._received_lsn, int.from_bytes(data[9:17], "big"))
            self._handle(decode(data[_DATA_HEADER:]))
        elif data[:1] == b"k":
            _, end_lsn, _, reply_now = _KEEPALIVE.unpack(data)
            self._received_lsn = max(self._received_lsn, end_lsn)
            if reply_now:
                self._report(pgconn)

    def _report(self, pgconn: pq.abc.PGconn) -> None:
        """Tell how far the log has been handled, so that the database keeps none of it."""
        now_us = round((time.time() - _POSTGRES_EPOCH_S) * 1e6)
        lsn = self._received_lsn
        pgconn.put_copy_data(_STATUS.pack(b"r", lsn, lsn, lsn, now_us, 0))
        pgconn.flush()


async def _readable(socket: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(socket, ready.set)
    try:
        await asyncio.wait_for(ready.wait(), _ANSWER_LIMIT_S)
    finally:
        loop.remove_reader(socket)
