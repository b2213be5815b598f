"""From an accepted TCP connection to a WebSocket: reads the request's head, refuses late or hands over to picows."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

from picows import WSListener, WSUpgradeRequest, ws_create_server

from helpers.lab.realtime.handshake import MAX_HEAD_BYTES, Refusal, RequestHead

__all__ = ["Gate", "Upgrader"]

#: Read from one connection before the others have their turn: a few hundred short broadcasts, one or two milliseconds.
_READ_BYTES = 65_536
#: picows' smallest buffer for the frame that is coming in, and what at least stays free in it, lest it be doubled: it
#: is above 90 %, and below 257 bytes.
_PARSER_BYTES, _PARSER_SPARE = 2_048, 512

Admit = Callable[[RequestHead], WSListener]


class Upgrader:
    """Makes picows' protocol for connections that somebody else accepted.

    picows makes protocols only inside `ws_create_server`, and its listener from the request alone. So a server that
    never listens lends its factory (`asyncio.Server` keeps it in `_protocol_factory`: the one private name here),
    and `_next` carries the listener over a call that does not yield.
    """

    def __init__(self, *, frame_bytes: int) -> None:
        self._frame_bytes = frame_bytes
        self._next: WSListener | None = None
        self._make_protocol: Callable[[], asyncio.BufferedProtocol] | None = None
        self._read_buffer = memoryview(bytearray(_READ_BYTES))

    async def start(self) -> None:
        """Obtain picows' protocol factory."""
        server = await ws_create_server(
            self._take_listener,
            sock=socket.socket(),
            start_serving=False,
            use_aiofastnet=False,
            websocket_handshake_timeout=None,
            enable_auto_pong=False,  # the socket answers pings itself, as they too keep it from being idle
            max_frame_size=self._frame_bytes,
            read_buffer_init_size=_PARSER_BYTES,
            logger_name=_quiet_logger(),
        )
        self._make_protocol = server._protocol_factory  # type: ignore[attr-defined]
        server.close()

    def upgrade(self, transport: asyncio.Transport, received: bytes, listener: WSListener) -> None:
        """Let picows go on with a connection of which `received` was read; frames then go to `listener`."""
        assert self._make_protocol is not None, "start() comes first"
        self._next = listener
        reader = _Reader(self._make_protocol(), self._read_buffer)
        transport.set_protocol(reader)
        reader.connection_made(transport)
        reader.take(memoryview(received))

    def _take_listener(self, _request: WSUpgradeRequest) -> WSListener | None:
        listener, self._next = self._next, None
        return listener


class _Reader(asyncio.BufferedProtocol):
    """Reads for picows' protocol, into a buffer that all connections share.

    picows on its own reads into its parser's buffer, which it doubles whenever a read fills it. A client that sends
    faster than the server handles then has megabytes read at once, and everybody else waits for all of that.
    """

    __slots__ = ("_buffer", "_parser")

    def __init__(self, parser: asyncio.BufferedProtocol, buffer: memoryview) -> None:
        self._parser = parser
        self._buffer = buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._parser.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._parser.connection_lost(error)

    def pause_writing(self) -> None:
        self._parser.pause_writing()

    def resume_writing(self) -> None:
        self._parser.resume_writing()

    def get_buffer(self, _size_hint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, size: int) -> None:
        self.take(self._buffer[:size])

    def take(self, data: memoryview) -> None:
        """Give the parser what was read, in pieces that do not fill its buffer unless one frame does."""
        while data:
            buffer = cast(memoryview, self._parser.get_buffer(len(data)))
            room = len(buffer)
            piece = data[: room - max(_PARSER_SPARE, room // 8) if room > _PARSER_SPARE else room]
            buffer[: len(piece)] = piece
            self._parser.buffer_updated(len(piece))
            data = data[len(piece) :]


def _quiet_logger() -> Any:
    """An adapter, for which picows makes no logger per connection.

    Clients that break the rules are no news, but what our own listener raises is: picows tells both as errors.
    """
    logger = logging.getLogger("helpers.lab.realtime.picows")
    logger.setLevel(logging.ERROR)
    logger.addFilter(_has_exception)
    return logging.LoggerAdapter(logger)


def _has_exception(record: logging.LogRecord) -> bool:
    return record.exc_info is not None


class Gate(asyncio.Protocol):
    """The first protocol of a connection: reads the head of the request, then admits or refuses.

    Args:
        admit: gives the listener for a request, or raises Refusal.
        upgrader: takes admitted connections over.
        refusal_delay_s: after which late refusals are sent.
        head_timeout_s: within which the head must have come.
    """

    def __init__(self, admit: Admit, upgrader: Upgrader, *, refusal_delay_s: float, head_timeout_s: float = 10) -> None:
        self._admit = admit
        self._upgrader = upgrader
        self._refusal_delay_s = refusal_delay_s
        self._head_timeout_s = head_timeout_s
        self._received = b""
        self._decided = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(self._head_timeout_s, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._decided:
            return
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end >= 0:
            self._decide(self._received[:end])
        elif len(self._received) > MAX_HEAD_BYTES:
            self._refuse(Refusal(431, b""))

    def connection_lost(self, _error: Exception | None) -> None:
        self._disarm()

    def _decide(self, head: bytes) -> None:
        try:
            listener = self._admit(RequestHead.parse(head))
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self._disarm()
        self._decided = True
        self._upgrader.upgrade(self._transport, self._received, listener)

    def _refuse(self, refusal: Refusal) -> None:
        self._disarm()
        self._decided = True
        delay_s = self._refusal_delay_s if refusal.late else 0
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._answer, refusal)

    def _answer(self, refusal: Refusal) -> None:
        self._transport.write(refusal.response())
        self._transport.close()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
