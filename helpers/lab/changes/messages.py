"""Broadcasts from the database: rows inserted into realtime.messages, streamed as they commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

import psycopg

from helpers.errors import LabError
from helpers.lab.changes.database import connect
from helpers.lab.changes.pgoutput import Insert, Message, Relation, Value
from helpers.lab.changes.stream import ReplicationStream

__all__ = ["PUBLICATION", "BroadcastFeed", "DatabaseBroadcast"]

PUBLICATION = "supabase_realtime_messages_publication"
SLOT = "supabase_realtime_messages_replication_slot"

_RETRY_S = (0.1, 5.0)  # first and longest wait after the stream broke
_PARTITIONS_EVERY_S = 3600.0
_DAYS_AHEAD = 4

_log = logging.getLogger(__name__)


class DatabaseBroadcast(NamedTuple):
    """A row of realtime.messages that is to be broadcast.

    Attributes:
        id: the row's uuid.
        topic: without the prefix ``realtime:``.
        event: the broadcast's event name.
        payload: JSON as PostgreSQL prints it, or the raw bytes of `realtime.send_binary`.
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
        slot: name of the temporary replication slot.
    """

    def __init__(self, database: str, deliver: Callable[[DatabaseBroadcast], None], slot: str = SLOT) -> None:
        self._database = database
        self._deliver = deliver
        self._slot = slot
        self._relations: dict[int, Relation] = {}
        self._ready = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> bool:
        """Whether the stream is established: a row committed now will be broadcast."""
        return self._ready.is_set()

    async def start(self) -> None:
        """Create partitions for the coming days and begin; returns when the stream is established.

        Raises:
            LabError: when the database does not answer or refuses.
        """
        try:
            await self._create_partitions()
            stream = await self._opened()
        except psycopg.Error as error:
            raise LabError(
                "streaming realtime.messages from the lab's database",
                str(error).strip(),
                "Look at the lab's log, then start the lab again",
            ) from error
        self._tasks = [
            asyncio.create_task(self._run(stream), name="broadcast feed"),
            asyncio.create_task(self._keep_partitions(), name="partitions of realtime.messages"),
        ]

    async def stop(self) -> None:
        """End the stream and drop its slot."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _opened(self) -> ReplicationStream:
        stream = ReplicationStream(self._database, self._slot, PUBLICATION, self._handle)
        try:
            await stream.open()
        except BaseException:
            await stream.close()
            raise
        self._ready.set()
        return stream

    async def _run(self, stream: ReplicationStream | None) -> None:
        """Stream until cancelled; what is committed while the stream is broken is lost, as on the real server."""
        wait_s, longest_s = _RETRY_S
        while True:
            try:
                stream = stream or await self._opened()
                wait_s = _RETRY_S[0]
                await stream.run()
            except psycopg.Error as error:
                _log.warning("the stream of realtime.messages broke: %s", error)
            except Exception:
                _log.exception("the stream of realtime.messages failed and begins anew")
            finally:
                self._ready.clear()
                if stream is not None:
                    await stream.close()
                    stream = None
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, longest_s)

    def _handle(self, message: Message) -> None:
        if isinstance(message, Relation):
            self._relations[message.oid] = message
        elif isinstance(message, Insert):
            columns = (column.name for column in self._relations[message.oid].columns)
            broadcast = _broadcast(dict(zip(columns, message.new, strict=True)))
            if broadcast is not None:
                self._deliver(broadcast)

    async def _keep_partitions(self) -> None:
        while True:
            await asyncio.sleep(_PARTITIONS_EVERY_S)
            with contextlib.suppress(psycopg.Error):
                await self._create_partitions()

    async def _create_partitions(self) -> None:
        async with await connect(self._database, "realtime_janitor", statement_timeout_s=10) as connection:
            await connection.execute(
                "select realtime.create_message_partitions(current_date - 1, current_date + %s)", (_DAYS_AHEAD,)
            )


def _broadcast(row: Mapping[str, Value]) -> DatabaseBroadcast | None:
    """The broadcast that a row asks for; None when it lacks what a broadcast needs."""
    topic, event, payload, binary = row["topic"], row["event"], row["payload"], row["binary_payload"]
    if not isinstance(topic, str) or not isinstance(event, str):
        return None
    private = row["private"] == "t"
    if isinstance(binary, str):
        return DatabaseBroadcast(str(row["id"]), topic, event, bytes.fromhex(binary[2:]), True, private)
    if isinstance(payload, str):
        return DatabaseBroadcast(str(row["id"]), topic, event, payload.encode(), False, private)
    return None
