"""The replication slot that changes are read from.

`ChangeSource` is what the poller needs; a source that streams (walsender protocol) can take this one's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from psycopg import AsyncConnection

from helpers.lab.changes.pgoutput import Message, decode

__all__ = ["ChangeSource", "PolledSlot"]


class ChangeSource(Protocol):
    """Where committed changes come from, in the order of commit."""

    async def open(self) -> None:
        """From now on no change is missed."""

    async def fetch(self, limit: int) -> Sequence[Message]:
        """The next messages, of whole transactions, at least `limit` if there are so many; empty if there are none."""

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
