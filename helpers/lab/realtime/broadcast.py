"""The forms a broadcast has on the wire: each is built once per protocol version and sent as the same bytes to all.

In version 1.0.0 a message is an object, in version 2.0.0 an array; what came in as a binary push, by the single-event
HTTP endpoint or from the database leaves as a binary frame in version 2.0.0 and is spliced into text in 1.0.0.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from helpers.lab.realtime.outbox import BINARY, TEXT, ws_frame, ws_head
from helpers.wire.frames import (
    BinaryBroadcast,
    BinaryPush,
    Encoding,
    Frame,
    MalformedFrame,
    Version,
    encode_binary,
    encode_json,
)

__all__ = ["Broadcast", "Envelope", "JsonBroadcast", "OpaqueBroadcast", "UserBroadcast", "payload_of", "splice"]

_V2 = Version.V2  # looked up once, as this is done for every broadcast


def splice(version: Version, topic: str, event: str, payload: bytes | msgspec.Raw) -> bytes:
    """A text message without refs around a payload that is JSON already."""
    before, after = _around(version, topic, event)
    return b"".join((before, payload, after))


def _around(version: Version, topic: str, event: str) -> tuple[bytes, bytes]:
    """What precedes and what follows the payload."""
    name, kind = encode_json(topic), encode_json(event)
    if version is _V2:
        return b"".join((b"[null,null,", name, b",", kind, b",")), b"]"
    return b"".join((b'{"ref":null,"event":', kind, b',"payload":')), b"".join((b',"topic":', name, b"}"))


class Envelope:
    """What is around the payload in every text broadcast on one topic. A topic has it made once."""

    __slots__ = ("v1", "v2")

    def __init__(self, topic: str) -> None:
        self.v1, self.v2 = (_around(version, topic, "broadcast") for version in (Version.V1, Version.V2))


class Broadcast(Protocol):
    """One message for everybody on a topic. Its kinds are msgspec's, as one of those is made fastest."""

    def frame(self, version: Version) -> bytes | None:
        """The WebSocket frame for receivers of a version; None if that version cannot have it."""

    @property
    def size_bytes(self) -> int:
        """The size that counts against the payload limit."""


class JsonBroadcast(msgspec.Struct, frozen=True):
    """A payload that passes through as it came: from a text push or the batch HTTP endpoint."""

    envelope: Envelope
    payload: bytes

    def frame(self, version: Version) -> bytes:
        payload = self.payload
        before, after = self.envelope.v2 if version is _V2 else self.envelope.v1
        return b"".join((ws_head(TEXT, len(before) + len(payload) + len(after)), before, payload, after))

    @property
    def size_bytes(self) -> int:
        return len(self.payload)


class UserBroadcast(msgspec.Struct, frozen=True):
    """A named event whose payload is JSON text or any bytes. `id` is that of its row in realtime.messages."""

    topic: str
    event: str
    payload: bytes
    encoding: Encoding
    id: str | None = None

    @classmethod
    def from_push(cls, push: BinaryPush) -> UserBroadcast:
        """What a client's binary push becomes; its metadata goes nowhere."""
        return cls(push.topic, push.event, push.payload, push.encoding)

    def frame(self, version: Version) -> bytes | None:
        """The frame; None for bytes in version 1.0.0, and for names that are too long for 2.0.0 (255 bytes)."""
        try:
            return self._binary_frame() if version is _V2 else self._text_frame()
        except (MalformedFrame, UnicodeDecodeError):
            return None

    def _binary_frame(self) -> bytes:
        metadata = {"id": self.id} if self.id else {}
        message = BinaryBroadcast(self.topic, self.event, self.payload, self.encoding, metadata)
        return ws_frame(BINARY, encode_binary(message))

    def _text_frame(self) -> bytes | None:
        if self.encoding is Encoding.BINARY:
            return None
        self.payload.decode()  # a text frame that is not UTF-8 would end the receivers' connections
        return ws_frame(TEXT, splice(Version.V1, self.topic, "broadcast", self._as_text()))

    def _as_text(self) -> bytes:
        """The payload is not looked at: a push that says JSON and is none reaches version 1.0.0 as broken JSON."""
        meta = b'"meta":{"id":' + encode_json(self.id) + b"}," if self.id else b""
        event = encode_json(self.event)
        return b"".join((b'{"event":', event, b",", meta, b'"payload":', self.payload, b',"type":"broadcast"}'))

    @property
    def size_bytes(self) -> int:
        return len(self.payload)


class OpaqueBroadcast(msgspec.Struct, frozen=True):
    """Phoenix's own binary push of the event `broadcast`, which no Supabase client sends."""

    topic: str
    payload: bytes

    def frame(self, version: Version) -> bytes:
        if version is _V2:
            return ws_frame(BINARY, encode_binary(Frame(self.topic, "broadcast", self.payload)))
        # The genuine server prints an Elixir term here, which is not JSON.
        return ws_frame(TEXT, splice(version, self.topic, "broadcast", b'%{error: "unable to parse response"}'))

    @property
    def size_bytes(self) -> int:
        return len(self.payload)


def payload_of(event: str, payload: Any, identifier: str | None = None) -> bytes:
    """The payload that a message of the batch HTTP endpoint becomes."""
    meta = {"meta": {"id": identifier}} if identifier else {}
    return encode_json({"event": event, **meta, "payload": payload, "type": "broadcast"})
