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
            read_buffer_init_size=2048,  # grows when a client sends much; most connections never do
            logger_name=_quiet_logger(),
        )
        self._make_protocol = server._protocol_factory  # type: ignore[attr-defined]
        server.close()

    def upgrade(self, transport: asyncio.Transport, received: bytes, listener: WSListener) -> None:
        """Let picows go on with a connection of which `received` was read; frames then go to `listener`."""
        assert self._make_protocol is not None, "start() comes first"
        self._next = listener
        protocol = self._make_protocol()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        view = memoryview(received)
        while view:
            buffer = cast(memoryview, protocol.get_buffer(len(view)))
            size = min(len(view), len(buffer))
            buffer[:size] = view[:size]
            protocol.buffer_updated(size)
            view = view[size:]

    def _take_listener(self, _request: WSUpgradeRequest) -> WSListener | None:
        listener, self._next = self._next, None
        return listener


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
