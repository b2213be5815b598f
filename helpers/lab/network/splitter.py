"""Cuts one direction of a connection into HTTP bytes and WebSocket messages, without I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from helpers.wire.frames import MalformedFrame, Message, Version, decode

__all__ = ["Piece", "Splitter"]

_FIN, _OPCODE, _MASKED, _LENGTH = 0x80, 0x0F, 0x80, 0x7F
_CONTINUATION, _TEXT, _BINARY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes as they came; `payload` is set when they are one whole WebSocket message (and no control frame)."""

    raw: bytes
    text: bool = False
    payload: bytes | None = None

    def message(self) -> Message | None:
        """What the message says in Realtime's protocol; None for anything else."""
        if self.payload is None:
            return None
        try:
            version = Version.V1 if self.text and self.payload.lstrip()[:1] == b"{" else Version.V2
            return decode(self.payload.decode() if self.text else self.payload, version)
        except (MalformedFrame, UnicodeDecodeError):
            return None


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a frame (RFC 6455, section 5.2)."""

    final: bool
    opcode: int
    mask: bytes
    start: int
    end: int

    @property
    def control(self) -> bool:
        return self.opcode not in (_CONTINUATION, _TEXT, _BINARY)


class Splitter:
    """Feed it what was read; it gives back the same bytes, cut at the ends of WebSocket messages.

    Before `upgraded` is set everything is HTTP and passes as it comes. Afterwards it knows where messages end.
    """

    def __init__(self) -> None:
        self.upgraded = False
        self._buffer = bytearray()
        self._fragments: list[tuple[_Head, bytes]] = []
        self._text = False
        self._to_pass = 0  # bytes of a frame whose begin was passed on already
        self._midway = False  # the begin of this message was passed on, so that it cannot be looked into any more

    def feed(self, data: bytes, *, whole: bool = True) -> Iterator[Piece]:
        """With `whole` a message comes when its last byte has; else as its parts come, without `payload`."""
        if not self.upgraded:
            yield Piece(data)
            return
        self._buffer += data
        if self._to_pass and self._buffer:
            yield self._passed()
        while (head := _head(self._buffer)) is not None and len(self._buffer) >= head.end:
            raw = bytes(self._buffer[: head.end])
            del self._buffer[: head.end]
            piece = self._frame(head, raw)
            if piece is not None:
                yield piece
        if head is not None and not whole:
            yield self._begun(head)

    def rest(self) -> bytes:
        """What was held back, at the end of the stream."""
        held = self._held() + bytes(self._buffer)
        self._buffer.clear()
        return held

    def _frame(self, head: _Head, raw: bytes) -> Piece | None:
        if head.control:
            return Piece(raw)
        if self._midway:
            self._midway = not head.final
            return Piece(raw)
        if head.opcode != _CONTINUATION:
            self._text = head.opcode == _TEXT
        self._fragments.append((head, raw))
        if not head.final:
            return None
        payload = b"".join(_unmasked(part[at.start :], at.mask) for at, part in self._fragments)
        return Piece(self._held(), self._text, payload)

    def _begun(self, head: _Head) -> Piece:
        """Pass on what has come of a frame, and what was held back before it."""
        self._to_pass = head.end - len(self._buffer)
        if not head.control:
            self._midway = not head.final
        return Piece(self.rest())

    def _passed(self) -> Piece:
        raw = bytes(self._buffer[: self._to_pass])
        del self._buffer[: len(raw)]
        self._to_pass -= len(raw)
        return Piece(raw)

    def _held(self) -> bytes:
        held = b"".join(raw for _, raw in self._fragments)
        self._fragments.clear()
        return held


def _head(buffer: bytearray) -> _Head | None:
    """The head of the frame at the begin of the buffer; None while it is not whole."""
    if len(buffer) < 2:
        return None
    length, start = buffer[1] & _LENGTH, 2
    if length >= 126:
        start = 4 if length == 126 else 10
        if len(buffer) < start:
            return None
        length = int.from_bytes(buffer[2:start])
    mask = b""
    if buffer[1] & _MASKED:
        mask = bytes(buffer[start : start + 4])
        start += 4
    return _Head(bool(buffer[0] & _FIN), buffer[0] & _OPCODE, mask, start, start + length)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """The exclusive or of payload and repeated mask, as one large number: a loop over bytes would be slow."""
    if not mask or not payload:
        return payload
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(len(payload))
