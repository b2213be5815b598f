"""Binary frames of version 2.0.0: a kind, the lengths of the fields (one byte each), the fields, the payload.

    kind 0  push                   client → server   join_ref ref topic event
    kind 2  broadcast              server → client   topic event
    kind 3  user broadcast push    client → server   join_ref ref topic event metadata, encoding
    kind 4  user broadcast         server → client   topic event metadata, encoding

Kinds 0 and 2 are Phoenix's own, 3 and 4 Supabase's. The byte of the encoding follows the lengths.
"""

from __future__ import annotations

from typing import Any

from helpers.wire._text import decode_json, encode_json
from helpers.wire._types import BinaryBroadcast, BinaryPush, Encoding, Frame, MalformedFrame, Message

__all__ = ["decode_binary", "encode_binary"]

PUSH, BROADCAST, USER_BROADCAST_PUSH, USER_BROADCAST = 0, 2, 3, 4

#: kind: (number of fields with a length, whether an encoding follows)
_LAYOUTS = {PUSH: (4, False), BROADCAST: (2, False), USER_BROADCAST_PUSH: (5, True), USER_BROADCAST: (3, True)}


def decode_binary(data: bytes | bytearray | memoryview) -> Message:
    """The frame in a binary message.

    Raises:
        MalformedFrame: empty, of an unknown kind, shorter than its lengths say, or text in it that is not UTF-8.
    """
    data = bytes(data)
    if not data:
        raise MalformedFrame("the binary frame is empty")
    kind = data[0]
    if kind not in _LAYOUTS:
        raise MalformedFrame(f"binary frames of kind {kind} are unknown")
    fields, encoding, payload = _split(data, *_LAYOUTS[kind])
    if kind == USER_BROADCAST:
        topic, event, metadata = fields
        return BinaryBroadcast(topic, event, payload, encoding, _metadata(metadata))
    if kind == USER_BROADCAST_PUSH:
        join_ref, ref, topic, event, metadata = fields
        return BinaryPush(topic, event, payload, encoding, ref or None, join_ref or None, _metadata(metadata))
    if kind == PUSH:
        join_ref, ref, topic, event = fields
        return Frame(topic, event, payload, ref or None, join_ref or None)
    topic, event = fields
    return Frame(topic, event, payload)


def encode_binary(message: Message) -> bytes:
    """The binary message; a `Frame` (its payload must be bytes) becomes kind 0 if it has a ref, else kind 2.

    Raises:
        MalformedFrame: a field is longer than 255 bytes of UTF-8.
    """
    match message:
        case BinaryBroadcast(topic=topic, event=event):
            return _join(USER_BROADCAST, (topic, event, _packed(message.metadata)), message.encoding, message.payload)
        case BinaryPush(topic=topic, event=event):
            fields = (message.join_ref or "", message.ref or "", topic, event, _packed(message.metadata))
            return _join(USER_BROADCAST_PUSH, fields, message.encoding, message.payload)
        case Frame(topic=topic, event=event, ref=None, join_ref=None):
            return _join(BROADCAST, (topic, event), None, message.payload)
        case Frame(topic=topic, event=event):
            return _join(PUSH, (message.join_ref or "", message.ref or "", topic, event), None, message.payload)


def _split(data: bytes, count: int, has_encoding: bool) -> tuple[list[str], Encoding, bytes]:
    start = 1 + count + has_encoding
    lengths = data[1 : 1 + count]
    if len(data) < start + sum(lengths):
        raise MalformedFrame("the binary frame is shorter than its header says")
    encoding = Encoding.JSON if has_encoding and data[1 + count] else Encoding.BINARY
    fields = []
    for length in lengths:
        fields.append(_text(data[start : start + length]))
        start += length
    return fields, encoding, data[start:]


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MalformedFrame(f"text in the binary frame is not UTF-8: {error}") from error


def _metadata(text: str) -> dict[str, Any]:
    metadata = decode_json(text) if text else {}
    if not isinstance(metadata, dict):
        raise MalformedFrame("the metadata of the binary frame is not a JSON object")
    return metadata


def _packed(metadata: dict[str, Any]) -> str:
    return encode_json(metadata).decode() if metadata else ""


def _join(kind: int, fields: tuple[str, ...], encoding: Encoding | None, payload: bytes) -> bytes:
    try:
        packed = [field.encode() for field in fields]
        head = bytes((kind, *map(len, packed), *(() if encoding is None else (encoding,))))
    except ValueError as error:
        raise MalformedFrame(f"a field of the binary frame is longer than 255 bytes, or no text: {error}") from error
    return b"".join((head, *packed, payload))
