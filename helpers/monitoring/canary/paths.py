"""The ways that the canary's messages take: how one is sent, and by what it is known when it arrives."""

from __future__ import annotations

import secrets
from typing import Any, Protocol

import psycopg

from helpers.client import Channel
from helpers.database_url import libpq_url
from helpers.errors import FailureError
from helpers.experiments.tables import OwnTable
from helpers.monitoring.metrics import Path
from helpers.target import Target
from helpers.wire.events import Broadcast, Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["BroadcastWay", "ChangesWay", "Way"]

#: Statement and connection of the writer; a message is due every second or so.
LIMIT_S = 5


class Way(Protocol):
    """One way of a message.

    Attributes:
        path: its name in the metrics. name: of its channel.
    """

    path: Path
    name: str

    @property
    def config(self) -> JoinConfig:
        """What its channel is joined with."""

    async def send(self, channel: Channel | None, number: int) -> None:
        """Send a message.

        Raises:
            FailureError: it could not be sent.
        """

    def number_of(self, event: Event) -> int | None:
        """Which of its messages this is; None for what is not one of them."""

    async def close(self) -> None:
        """Give back what it holds."""


class BroadcastWay:
    """From this client to the server and back: a broadcast that comes back to its sender."""

    path = Path.BROADCAST

    def __init__(self, name: str, payload_bytes: int) -> None:
        self.name = name
        self._text = "." * payload_bytes
        self._sender = secrets.token_hex(4)  # another canary of the same project is heard as well

    @property
    def config(self) -> JoinConfig:
        return JoinConfig(broadcast_self=True)

    async def send(self, channel: Channel | None, number: int) -> None:
        if channel is None:
            raise FailureError("sending the canary's broadcast", "the channel is not joined", "Wait for its return")
        await channel.broadcast("canary", {"number": number, "sender": self._sender, "text": self._text})

    def number_of(self, event: Event) -> int | None:
        if not isinstance(event, Broadcast) or event.event != "canary" or not isinstance(event.payload, dict):
            return None
        return _number(event.payload.get("number")) if event.payload.get("sender") == self._sender else None

    async def close(self) -> None:
        """Nothing is held."""


class ChangesWay:
    """From the database to this client: one row that is updated again and again, so that nothing grows."""

    path = Path.CHANGES

    def __init__(self, target: Target, table: OwnTable, name: str, payload_bytes: int) -> None:
        assert target.database_url is not None  # own tables are made by it
        self.name = name
        self._url, self._table = libpq_url(target.database_url), table
        self._text = "." * payload_bytes
        self._writer: psycopg.AsyncConnection[Any] | None = None

    @property
    def config(self) -> JoinConfig:
        return JoinConfig(changes=[ChangeBinding("UPDATE", self._table.schema, self._table.name)])

    async def prepare(self) -> None:
        """Put the row there that will be updated."""
        await self._table.run(f"insert into {self._table.quoted} (seq, body) values (-1, %s)", [self._text])

    async def send(self, channel: Channel | None, number: int) -> None:
        try:
            writer = await self._connected()
            await writer.execute(f"update {self._table.quoted} set seq = %s, sent_at = now()".encode(), [number])
        except (psycopg.Error, OSError) as error:
            await self.close()
            reason = type(error).__name__
            raise FailureError("writing the canary's row", reason, "Look at the database") from None

    def number_of(self, event: Event) -> int | None:
        return _number(event.record.get("seq")) if isinstance(event, Change) else None

    async def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._writer is None or self._writer.closed:
            self._writer = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=LIMIT_S, prepare_threshold=None
            )
        return self._writer


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
