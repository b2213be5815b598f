"""Broadcasts from the database: rows inserted into realtime.messages, streamed as they commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["BroadcastFeed", "DatabaseBroadcast"]


class DatabaseBroadcast(NamedTuple):
    """A row of realtime.messages that is to be broadcast.

    Attributes:
        id: the row's uuid.
        topic: without the prefix ``realtime:``.
        event: the broadcast's event name.
        payload: JSON of an object as PostgreSQL prints it, or the raw bytes of `realtime.send_binary`.
        binary: whether `payload` is raw bytes.
        private: whether it goes to private or to public channels of that topic.
    """

    id: str
    topic: str
    event: str
    payload: bytes
    binary: bool
    private: bool


class BroadcastFeed:
    """Streams realtime.messages to `deliver`, called in the event loop for each committed row.

    Args:
        database: connection string of a superuser.
        deliver: receives each broadcast.
    """

    def __init__(self, database: str, deliver: Callable[[DatabaseBroadcast], None]) -> None:
        self._database = database
        self._deliver = deliver

    @property
    def ready(self) -> bool:
        """Whether the replication connection is established."""
        raise NotImplementedError

    async def start(self) -> None:
        """Create partitions for the coming days and begin streaming; returns when the stream is established."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End the stream and drop its slot."""
        raise NotImplementedError
