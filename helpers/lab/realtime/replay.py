"""Past broadcasts for a client that joins late: the rows of realtime.messages that the database sent on a topic."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import psycopg

from helpers.lab.realtime.joins import JoinRefused, JoinRequest, Replay
from helpers.wire.frames import BinaryBroadcast, Encoding, Frame, Message

__all__ = ["PastBroadcast", "check_replay", "replayed"]

MAX_MESSAGES = 25  # docs: realtime/broadcast, "Broadcast Replay"
_PAST = """
    select id::text, event, payload::text, binary_payload from realtime.messages
    where topic = %s and private and extension = 'broadcast' and event is not null
      and num_nonnulls(payload, binary_payload) = 1 and inserted_at >= %s at time zone 'utc'
    order by inserted_at desc limit %s
"""


class PastBroadcast(NamedTuple):
    """A row of realtime.messages: JSON text or bytes."""

    id: str
    event: str
    payload: str | None
    binary_payload: bytes | None

    def message(self, topic: str, join_ref: Any) -> Message:
        """The message of protocol version 2.0.0; version 1.0.0 has none for bytes."""
        meta = {"id": self.id, "replayed": True}
        if self.binary_payload is not None:
            return BinaryBroadcast(topic, self.event, self.binary_payload, Encoding.BINARY, meta)
        inner = msgspec.Raw((self.payload or "null").encode())
        payload = {"event": self.event, "meta": meta, "payload": inner, "type": "broadcast"}
        return Frame(topic, "broadcast", payload, None, join_ref)


def check_replay(request: JoinRequest) -> None:
    """Refuse a replay that cannot be.

    Raises:
        JoinRefused: the channel is public, or the parameters are no numbers in their range.
    """
    wish = request.replay
    if wish is None:
        return
    if not request.private:
        raise JoinRefused("UnableToReplayMessages", "Replay is not allowed for public channels")
    if not (_is_count(wish.limit) and wish.limit <= MAX_MESSAGES and _is_count(wish.since)):
        raise JoinRefused("UnableToReplayMessages", "Replay params are not valid")
    if wish.since > time.time() * 1000:
        raise JoinRefused("UnableToReplayMessages", "Replay params are not valid")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


async def replayed(database: str, topic: str, wish: Replay) -> list[PastBroadcast]:
    """The past broadcasts of a private topic (without prefix), oldest first.

    Raises:
        JoinRefused: the database does not answer.
    """
    since = datetime.fromtimestamp(wish.since / 1000, UTC)
    try:
        async with await psycopg.AsyncConnection.connect(database, connect_timeout=5) as connection:
            found = await connection.execute(_PAST, (topic, since, wish.limit))
            rows = await found.fetchall()
    except (psycopg.Error, OverflowError) as error:
        raise JoinRefused("UnableToReplayMessages", "Realtime was unable to replay messages") from error
    return [PastBroadcast(*row) for row in reversed(rows)]
