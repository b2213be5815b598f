"""The codec of Realtime's two protocol versions, for both ends of the socket.

A WebSocket message is text or binary; here `str` is text and `bytes` is binary. Programs that receive the bytes of a
text message call `decode_text` and spare the detour over `str`; `encode_text` gives such bytes.

The shapes are those of recorded frames of a genuine server (``data/recordings``), which the tests decode and encode.
"""

from __future__ import annotations

from helpers.wire._binary import decode_binary, encode_binary
from helpers.wire._text import decode_exact, decode_json, decode_text, encode_json, encode_text, peek
from helpers.wire._types import BinaryBroadcast, BinaryPush, Encoding, Frame, MalformedFrame, Message, Version

__all__ = [
    "BinaryBroadcast",
    "BinaryPush",
    "Encoding",
    "Frame",
    "MalformedFrame",
    "Message",
    "Version",
    "decode",
    "decode_binary",
    "decode_exact",
    "decode_json",
    "decode_text",
    "encode",
    "encode_binary",
    "encode_json",
    "encode_text",
    "peek",
]


def encode(message: Message, version: Version) -> str | bytes:
    """The WebSocket message for a frame: text, or bytes if the frame is binary.

    Raises:
        MalformedFrame: the payload has no JSON form, a field of a binary frame is longer than 255 bytes, or a binary
            frame is asked for in version 1.0.0.
    """
    if isinstance(message, Frame) and not isinstance(message.payload, bytes):
        return encode_text(message, version).decode()
    if version is Version.V1:
        raise MalformedFrame("protocol version 1.0.0 has no binary frames")
    return encode_binary(message)


def decode(data: str | bytes, version: Version) -> Message:
    """The frame in a WebSocket message.

    Raises:
        MalformedFrame: `data` is no frame of this version; nothing else is raised, whatever `data` holds.
    """
    if isinstance(data, str):
        return decode_text(data, version)
    if version is Version.V1:
        raise MalformedFrame("protocol version 1.0.0 has no binary frames")
    return decode_binary(data)
