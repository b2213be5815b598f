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

__all__ = ["Link", "Receiver", "open_link", "tls_context"]

#: Seconds that the server may take to end the TCP connection after the closing handshake.
CLOSE_TIMEOUT_S = 5.0

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
    """A connection without the library's queue of messages, and so without its task switch for each message."""

    def __init__(self, receiver: Receiver, protocol: ClientProtocol, **options: Any) -> None:
        super().__init__(protocol, **options)
        self._receiver = receiver
        self._read_at = 0.0
        self._parts: list[bytes] = []
        self._is_text = True
        self._deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        self._read_at = time.monotonic()
        if self.response is not None:
            self._receiver.bytes_received(len(data))
        super().data_received(data)

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


def tls_context() -> ssl.SSLContext:
    """The default trust of this machine. Reading it takes some 20 ms, which are no part of connecting."""
    return _tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _tls_context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """OpenSSL reads both variables itself; here they say when what it read is out of date."""
    return ssl.create_default_context()


async def open_link(
    url: str, receiver: Receiver, *, timeout: float, tls: ssl.SSLContext | None, use_proxy: bool
) -> Link:
    """Connect and upgrade.

    No compression (the server offers none), no pings (Realtime has its own heartbeat), no limit to a message's size
    (the server's limit of 5,000,000 bytes is on what it receives).

    Raises:
        OSError, WebSocketException, ValueError: as the library does.
    """
    connection = await connect(
        url,
        create_connection=cast(type[ClientConnection], partial(Link, receiver)),
        compression=None,
        ping_interval=None,
        max_size=None,
        open_timeout=timeout,
        close_timeout=CLOSE_TIMEOUT_S,
        ssl=tls,
        proxy=True if use_proxy else None,
        logger=_logger,
    )
    return cast(Link, connection)
