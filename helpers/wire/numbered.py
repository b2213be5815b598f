"""Numbered messages, many frames at once: of each only its topic, its event, its number and when it was due.

A numbered message carries `seq`, its place in a sequence, and `due`, when it should have been sent (seconds of the
sender's monotonic clock). In a broadcast they are members of the payload, in a change columns of the row; a binary
broadcast begins with them, as `STAMP` packs them. Everything else in the frame is checked but not made into objects:
a thousand frames are one JSON text to msgspec, at a quarter of the cost of decoding each of them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from helpers.wire._binary import decode_binary
from helpers.wire._text import reader
from helpers.wire._types import BinaryBroadcast, Encoding, Frame, MalformedFrame, Version

__all__ = ["NUMBERED_EVENTS", "STAMP", "UNNUMBERED", "Numbered", "NumberedReader", "stamps"]

#: How a binary broadcast begins: its number and when it was due, big endian.
STAMP = struct.Struct(">qd")

#: The number of a message that has none.
UNNUMBERED = -1

#: Events of the server that carry messages; every other event belongs to the life of a channel.
NUMBERED_EVENTS = frozenset({"broadcast", "postgres_changes", "INSERT", "UPDATE", "DELETE"})


#: What servers send, by name; msgspec makes no string of a name that it knows. Frames of other events are read singly.
_KnownEvent = Literal[
    "broadcast",
    "postgres_changes",
    "INSERT",
    "UPDATE",
    "DELETE",
    "presence_state",
    "presence_diff",
    "system",
    "phx_reply",
    "phx_close",
    "phx_error",
]


class _Stamp(msgspec.Struct, gc=False):
    seq: int = UNNUMBERED
    due: float = math.nan


class _Row(msgspec.Struct, gc=False):
    record: _Stamp | None = None


class _Payload(msgspec.Struct, gc=False):
    """Of every event there is: what is not asked for is passed over."""

    payload: _Stamp | None = None
    data: _Row | None = None
    record: _Stamp | None = None


_NO_STAMP = _Stamp()


class Numbered(msgspec.Struct, gc=False):
    """What is read of a frame, whatever its form."""

    topic: str
    event: str
    payload: _Payload


class _Object(msgspec.Struct, gc=False):
    """The same in version 1.0.0."""

    topic: str
    event: _KnownEvent
    payload: _Payload


class _Array(msgspec.Struct, array_like=True, gc=False):
    """The same in version 2.0.0."""

    join_ref: Any
    ref: Any
    topic: str
    event: _KnownEvent
    payload: _Payload


_STAMPS = reader(_Stamp)


class _Lenient(msgspec.Struct, gc=False):
    topic: str
    event: str


class _LenientArray(msgspec.Struct, array_like=True, gc=False):
    join_ref: Any
    ref: Any
    topic: str
    event: str


class NumberedReader:
    """Reads the frames of one protocol version."""

    def __init__(self, version: Version) -> None:
        one: Any = _Array if version is Version.V2 else _Object
        self._read_all = msgspec.json.Decoder(list[one]).decode
        self._read_one = reader(one)
        self._read_envelope = reader(_LenientArray if version is Version.V2 else _Lenient)

    def read(self, texts: Sequence[bytes]) -> list[Any]:
        """One item for each text frame, with `topic` and `event`, for `stamps`; None for what is no frame."""
        try:
            items: list[Any] = self._read_all(b"[%b]" % b",".join(texts))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            items = []
        # A text that is no JSON value by itself can become several in a list, or one with its neighbour.
        return items if len(items) == len(texts) else [self._one(text) for text in texts]

    def read_binary(self, data: bytes) -> Numbered | None:
        """The same for a binary frame."""
        try:
            message = decode_binary(data)
        except MalformedFrame:
            return None
        if isinstance(message, BinaryBroadcast):
            return Numbered(message.topic, "broadcast", _Payload(payload=_binary_stamp(message)))
        if isinstance(message, Frame) and isinstance(message.topic, str):
            return Numbered(message.topic, message.event, _Payload())
        return None

    def _one(self, text: bytes) -> Any:
        """A message of another shape than ours has no number; only what is no frame at all is malformed."""
        try:
            return self._read_one(text)
        except MalformedFrame:
            pass
        try:
            envelope = self._read_envelope(text)
        except MalformedFrame:
            return None
        return Numbered(envelope.topic, envelope.event, _Payload())


def stamps(items: Sequence[Any]) -> list[Any]:
    """The `seq` and `due` of each item; `UNNUMBERED` and NaN where a message has none."""
    return [item.payload.payload or _row_stamp(item.payload) for item in items]


def _row_stamp(payload: _Payload) -> _Stamp:
    row = payload.data or payload
    return row.record or _NO_STAMP


def _binary_stamp(message: BinaryBroadcast) -> _Stamp:
    if message.encoding is Encoding.JSON:
        try:
            stamp: _Stamp = _STAMPS(message.payload)
        except MalformedFrame:
            return _NO_STAMP
        return stamp
    if len(message.payload) < STAMP.size:
        return _NO_STAMP
    return _Stamp(*STAMP.unpack_from(message.payload))
