"""What arrives on a socket: WebSocket frames, put together to messages of the Realtime protocol."""

from __future__ import annotations

from helpers.wire.frames import BinaryPush, Frame, MalformedFrame, Version, decode_binary, peek

__all__ = ["Fragments", "Push", "TooBig", "read_binary", "read_text"]

Push = Frame | BinaryPush
_CLIENT_KINDS = (b"\x00", b"\x03")  # binary pushes; what a server sends has other kinds


class TooBig(Exception):  # noqa: N818 - it is a limit
    """A message longer than the socket allows."""


class Fragments:
    """Puts together a message that comes in several frames."""

    __slots__ = ("_limit_bytes", "_parts", "_size", "_text")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._text = False

    def add(self, payload: bytes, *, starts: bool, text: bool, last: bool) -> tuple[bytes, bool] | None:
        """Take a frame; with the last one, the message and whether it is text.

        Raises:
            TooBig: the message so far is longer than the limit.
        """
        if starts:
            self._parts, self._size, self._text = [], 0, text
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > self._limit_bytes:
            raise TooBig
        return (b"".join(self._parts), self._text) if last else None


def read_text(payload: bytes, version: Version) -> Push | None:
    """The message in a text frame, its payload still encoded; None for what the server passes over."""
    try:
        # Decoded here because a payload that is only passed on is not looked at again, and must be UTF-8.
        return peek(payload.decode(), version)
    except (MalformedFrame, UnicodeDecodeError):
        return None


def read_binary(payload: bytes, version: Version) -> Push | None:
    """The message in a binary frame; None for what the server passes over."""
    if version is Version.V1 or payload[:1] not in _CLIENT_KINDS:
        return None
    try:
        message = decode_binary(payload)
    except MalformedFrame:
        return None
    return message if isinstance(message, Push) else None
