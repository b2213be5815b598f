"""The replication slot that changes are read from.

`PolledSlot` asks for changes as the real server does, `StreamedSlot` lets the database push them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import psycopg
from psycopg import AsyncConnection

from helpers.lab.changes.pgoutput import Begin, Message, Relation, decode
from helpers.lab.changes.stream import ReplicationStream

__all__ = ["ChangeSource", "PolledSlot", "StreamedSlot"]

_MOST_WAITING = 20_000  # messages, before the database is asked to wait
_LONGEST_WAIT_S = 0.5  # for a message, so that the reader can look after other things


class ChangeSource(Protocol):
    """Where committed changes come from, in the order of commit."""

    async def open(self) -> None:
        """From now on no change is missed."""

    async def fetch(self, limit: int) -> Sequence[Message]:
        """The next messages, about `limit` if there are so many; empty if there are none."""

    async def skip(self) -> None:
        """Pass over everything committed until now."""

    async def close(self) -> None:
        """Let the database forget this reader, so that it keeps no log for it."""


class PolledSlot:
    """A temporary slot, read with SQL as the real server does. It dies with its connection, whatever happens.

    Args:
        connection: in autocommit; reads nothing but this slot.
        name: of the slot.
        publication: whose tables are read.
    """

    def __init__(self, connection: AsyncConnection, name: str, publication: str) -> None:
        self._connection = connection
        self._name = name
        self._publication = publication
        self._open = False

    async def open(self) -> None:
        await self._connection.execute(
            "select from pg_create_logical_replication_slot(%s, 'pgoutput', temporary => true)", (self._name,)
        )
        self._open = True

    async def fetch(self, limit: int) -> Sequence[Message]:
        """Messages of whole transactions, at least `limit` if there are so many."""
        cursor = await self._connection.execute(
            "select data from pg_logical_slot_get_binary_changes("
            "%s, null, %s, 'proto_version', '1', 'publication_names', %s)",
            (self._name, limit, f'"{self._publication}"'),
            binary=True,
        )
        return [decode(row[0]) for row in await cursor.fetchall()]

    async def skip(self) -> None:
        await self._connection.execute(
            "select from pg_replication_slot_advance(%s, pg_current_wal_lsn())", (self._name,)
        )

    async def close(self) -> None:
        if self._open and not self._connection.closed:
            await self._connection.execute("select pg_drop_replication_slot(%s)", (self._name,))
        self._open = False


class StreamedSlot:
    """A temporary slot whose changes the database pushes as they commit.

    A batch is what has arrived, so a large transaction comes in pieces. While nobody fetches the database waits.

    Args:
        connection: in autocommit; asked for the position of the log.
        database: connection string of a role that may replicate.
        name: of the slot.
        publication: whose tables are read.
    """

    def __init__(self, connection: AsyncConnection, database: str, name: str, publication: str) -> None:
        self._connection = connection
        self._stream = ReplicationStream(database, name, publication, self._take)
        self._running: asyncio.Task[None] | None = None
        self._messages: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._passing = False
        self._begin_after = 0

    async def open(self) -> None:
        await self._stream.open()
        self._running = asyncio.create_task(self._stream.run(), name="stream of changes")

    async def fetch(self, limit: int) -> Sequence[Message]:
        """What has arrived, at most `limit` messages; waits a moment for the first."""
        if not self._messages:
            await self._wait()
        taken = [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]
        if len(self._messages) < _MOST_WAITING:
            self._stream.resume()
        return taken

    async def skip(self) -> None:
        """Pass over everything committed until now; what tables look like is not passed over."""
        row = await (await self._connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn")).fetchone()
        self._begin_after = int(row[0]) if row else 0
        self._passing = True
        self._messages = deque(message for message in self._messages if isinstance(message, Relation))

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError, psycopg.Error):
                await self._running
        await self._stream.close()

    async def _wait(self) -> None:
        """Until a message arrives, for a moment at most.

        Raises:
            psycopg.Error: when the stream has ended.
        """
        if self._running is None:
            raise RuntimeError("the slot is not open")
        self._arrived.clear()
        arrival = asyncio.ensure_future(self._arrived.wait())
        try:
            await asyncio.wait((arrival, self._running), timeout=_LONGEST_WAIT_S, return_when="FIRST_COMPLETED")
        finally:
            arrival.cancel()
        if self._running.done():
            self._running.result()

    def _take(self, message: Message) -> None:
        if isinstance(message, Begin):
            self._passing = message.final_lsn < self._begin_after
        if not self._passing or isinstance(message, Relation):
            self._messages.append(message)
            self._arrived.set()
            if len(self._messages) >= _MOST_WAITING:
                self._stream.pause()
