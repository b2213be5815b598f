"""One WebSocket, which hands over each message at the moment it arrives."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from functools import cache, partial
from typing import Any, Protocol, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

__all__ = ["Link", "Receiver", "open_link", "tls_context"]

#: Seconds that the server may take to end the TCP connection after the closing handshake.
CLOSE_TIMEOUT_S = 5.0

_HEAD_END = b"\r\n\r\n"

#: First bytes of a message in one frame, without extensions (RFC 6455, 5.2).
_WHOLE_TEXT, _WHOLE_BINARY = 0x81, 0x82
_WHOLE = (_WHOLE_TEXT, _WHOLE_BINARY)

# The library logs each request at level DEBUG, and the request holds the key.
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)


class Receiver(Protocol):
    """Who is told what happens on a link. Called inside the event loop, must not block."""

    def message_received(self, data: bytes, is_text: bool, received_at: float) -> None:
        """A whole message; `received_at` is when the last of its bytes was read, in seconds of `time.monotonic`."""

    def bytes_received(self, count: int) -> None:
        """So many bytes were read from the socket."""

    def link_lost(self, code: int | None, reason: str) -> None:
        """The connection is over; `code` is the WebSocket close code that the server sent, if it sent one."""


class Link(ClientConnection):
    """A connection without the library's queue of messages, and so without its task switch for each message.

    Whole messages in one frame, which nearly all are, are taken from what was read without the library's parser, which
    costs several times as much. The library gets every other frame, and always a whole one: it never waits for a rest
    that goes past it.
    """

    def __init__(self, receiver: Receiver, protocol: ClientProtocol, **options: Any) -> None:
        super().__init__(protocol, **options)
        self._receiver = receiver
        self._read_at = 0.0
        self._parts: list[bytes] = []
        self._seen = b""  # the last of the handshake's answer
        self._rest = bytearray()  # the beginning of a frame
        self._wanted = 0  # so many bytes it must have, before it is worth a look
        self._is_text = True
        self._deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        self._read_at = time.monotonic()
        if self.response is None:
            data = self._take_response(data)
            if not data:
                return
        self._receiver.bytes_received(len(data))
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return
            data, self._rest = bytes(self._rest), bytearray()
        done = self._take_frames(data)
        if done < len(data):
            self._rest += data[done:]

    def eof_received(self) -> None:
        if self._rest:  # the library tells of a frame that was cut off
            super().data_received(bytes(self._rest))
        super().eof_received()

    def process_event(self, event: Any) -> None:
        opcode = event.opcode if isinstance(event, Frame) else None
        if opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._take(event)
            return
        super().process_event(event)
        if opcode is Opcode.CLOSE:
            # The server ends the TCP connection; one that does not is not waited for.
            self._deadline = self.loop.call_later(CLOSE_TIMEOUT_S, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()
        self._receiver.link_lost(self.close_code, self.close_reason or "")

    def abort(self) -> None:
        """End the connection at once, without the closing handshake."""
        self.transport.abort()

    @property
    def compression(self) -> str:
        """What both sides agreed on, as the server's answer names it; empty if nothing."""
        return self.response.headers.get("Sec-WebSocket-Extensions", "") if self.response else ""

    def _take_response(self, data: bytes) -> bytes:
        """Give the library the answer to the handshake; returns the frames that came with it."""
        seen = self._seen + data
        at = seen.find(_HEAD_END)
        self._seen = seen[1 - len(_HEAD_END) :]
        end = len(data) if at < 0 else at + len(_HEAD_END) - (len(seen) - len(data))
        super().data_received(data[:end])
        if self.response is None and end < len(data):  # no upgrade, but a body
            super().data_received(data[end:])
            return b""
        return data[end:]

    def _take_frames(self, data: bytes) -> int:
        """Take all whole frames; returns where the last of them ends."""
        receive, end, have = self._receiver.message_received, 0, len(data)
        while have - end >= 2:
            begin = end
            start, size = begin + 2, data[begin + 1]
            if size > 125:  # what is above 127 is masked, which no server may do: the library says so
                start, size = _long_header(data, begin) if size < 128 else (begin, have - begin)
            end = start + size
            if end > have:
                self._wanted = end - begin
                return begin
            kind = data[begin]
            if self.state is not State.OPEN:
                super().data_received(data[begin:])
                return have
            if kind in _WHOLE and not self._parts:
                receive(data[start:end], kind == _WHOLE_TEXT, self._read_at)
            else:
                super().data_received(data[begin:end])
        self._wanted = 2
        return end

    def _take(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if frame.fin and not self._parts:
            data = bytes(frame.data)
        else:
            self._parts.append(bytes(frame.data))
            if not frame.fin:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        self._receiver.message_received(data, self._is_text, self._read_at)


def _long_header(data: bytes, begin: int) -> tuple[int, int]:
    """Where the payload starts, and its size, of a frame whose length is in 2 or 8 bytes of their own."""
    start = begin + (4 if data[begin + 1] == 126 else 10)
    return start, int.from_bytes(data[begin + 2 : start]) if start <= len(data) else 0


def tls_context() -> ssl.SSLContext:
    """The default trust of this machine. Reading it takes some 20 ms, which are no part of connecting."""
    return _tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _tls_context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """OpenSSL reads both variables itself; here they say when what it read is out of date."""
    return ssl.create_default_context()


async def open_link(
    url: str,
    receiver: Receiver,
    *,
    timeout: float,
    tls: ssl.SSLContext | None,
    use_proxy: bool,
    compression: bool = False,
) -> Link:
    """Connect and upgrade.

    Compression is offered if asked for (the genuine server takes none). No pings (Realtime has its own heartbeat), no
    limit to a message's size (the server's limit of 5,000,000 bytes is on what it receives).

    Raises:
        OSError, WebSocketException, ValueError: as the library does.
    """
    connection = await connect(
        url,
        create_connection=cast(type[ClientConnection], partial(Link, receiver)),
        compression="deflate" if compression else None,
        ping_interval=None,
        max_size=None,
        open_timeout=timeout,
        close_timeout=CLOSE_TIMEOUT_S,
        ssl=tls,
        proxy=True if use_proxy else None,
        logger=_logger,
    )
    return cast(Link, connection)
