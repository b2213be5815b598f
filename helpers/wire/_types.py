"""The values that travel on a Realtime socket, and the error for what is none of them."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import msgspec

__all__ = ["BinaryBroadcast", "BinaryPush", "Encoding", "Frame", "MalformedFrame", "Message", "Version"]


class Version(StrEnum):
    """Protocol versions, as the `vsn` parameter of the socket's URL names them."""

    V1 = "1.0.0"  # JSON objects
    V2 = "2.0.0"  # JSON arrays, and binary frames


class Encoding(IntEnum):
    """What the payload of a binary broadcast holds; the server takes every number but 0 for JSON."""

    BINARY = 0
    JSON = 1


class MalformedFrame(ValueError):  # noqa: N818 - it names what was found, as the server's log does
    """Bytes that are no frame of this protocol version, or a value that cannot become one. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A message of the Phoenix protocol, in either direction.

    Attributes:
        topic: a string such as ``realtime:room:1``; the server echoes any other JSON value as it came.
        event: for example ``phx_join``, ``broadcast``, ``postgres_changes``.
        payload: a JSON value; `bytes` in the two generic binary frames of Phoenix (kinds 0 and 2); `msgspec.Raw`
            for JSON that is already encoded, or not decoded yet.
        ref: the client's number of this message, repeated in the reply.
        join_ref: the `ref` of the join that this message belongs to.
    """

    topic: Any
    event: str
    payload: Any
    ref: Any = None
    join_ref: Any = None


class BinaryPush(msgspec.Struct, frozen=True):
    """A broadcast that a client sends as a binary frame (kind 3 of version 2.0.0)."""

    topic: str
    event: str
    payload: bytes
    encoding: Encoding = Encoding.BINARY
    ref: str | None = None
    join_ref: str | None = None
    metadata: dict[str, Any] = {}


class BinaryBroadcast(msgspec.Struct, frozen=True, gc=False):
    """A broadcast that the server sends as a binary frame (kind 4 of version 2.0.0).

    `metadata` holds the message's ``id`` when it came from the database.
    """

    topic: str
    event: str
    payload: bytes
    encoding: Encoding = Encoding.BINARY
    metadata: dict[str, Any] = {}


Message = Frame | BinaryPush | BinaryBroadcast
