"""What a client asks for when it joins a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["TOPIC_PREFIX", "ChangeBinding", "JoinConfig", "Replay"]

#: Every topic that reaches Realtime's channels begins so; the clients of the vendor add it to the channel's name.
TOPIC_PREFIX = "realtime:"


@dataclass(frozen=True, slots=True)
class ChangeBinding:
    """One entry of `postgres_changes`: which rows are wanted.

    Attributes:
        event: ``INSERT``, ``UPDATE``, ``DELETE`` or ``*``.
        schema: a schema's name, or ``*``.
        table: a table's name; None for all tables of the schema.
        filter: for example ``room_id=eq.123``; see `helpers.wire.filters`.
        select: the columns to send; None for all. Primary key columns always come.
    """

    event: str = "*"
    schema: str = "public"
    table: str | None = None
    filter: str | None = None
    select: Sequence[str] | None = None

    def payload(self) -> dict[str, Any]:
        """The entry as it is sent: what is None is left out."""
        entry: dict[str, Any] = {"event": self.event, "schema": self.schema}
        if self.table is not None:
            entry["table"] = self.table
        if self.filter is not None:
            entry["filter"] = self.filter
        if self.select is not None:
            entry["select"] = list(self.select)
        return entry


@dataclass(frozen=True, slots=True)
class Replay:
    """Ask for broadcasts of the past; private channels only.

    Attributes:
        since_ms: Unix time in milliseconds.
        limit: how many at most; the server gives 25 at most.
    """

    since_ms: int
    limit: int | None = None

    def payload(self) -> dict[str, int]:
        since = {"since": self.since_ms}
        return since if self.limit is None else since | {"limit": self.limit}


@dataclass(frozen=True, slots=True)
class JoinConfig:
    """The configuration of a channel, fixed when it is joined.

    Attributes:
        changes: the bindings of `postgres_changes`.
        private: whether policies on `realtime.messages` decide who may read and write.
        broadcast_ack: whether the server acknowledges each broadcast.
        broadcast_self: whether own broadcasts come back.
        presence_enabled: whether the server sends the presence of others.
        presence_key: the key under which `track` appears; the server makes one when it is empty.
        replay: broadcasts of the past that are wanted.
        replication_ready: whether a `system` event shall tell when broadcasts from the database will arrive.
    """

    changes: Sequence[ChangeBinding] = ()
    private: bool = False
    broadcast_ack: bool = False
    broadcast_self: bool = False
    presence_enabled: bool = False
    presence_key: str = ""
    replay: Replay | None = None
    replication_ready: bool = False

    def payload(self, access_token: str | None = None) -> dict[str, Any]:
        """The payload of `phx_join`, as the vendor's JavaScript client sends it."""
        broadcast: dict[str, Any] = {"ack": self.broadcast_ack, "self": self.broadcast_self}
        if self.replay is not None:
            broadcast["replay"] = self.replay.payload()
        if self.replication_ready:
            broadcast["replication_ready"] = True
        config = {
            "broadcast": broadcast,
            "presence": {"key": self.presence_key, "enabled": self.presence_enabled},
            "postgres_changes": [binding.payload() for binding in self.changes],
            "private": self.private,
        }
        return {"config": config} if access_token is None else {"config": config, "access_token": access_token}
