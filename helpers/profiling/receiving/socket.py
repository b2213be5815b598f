"""A Realtime client for load: the same protocol and life of a channel as the measuring client, on `picows`.

It joins, answers for its heartbeats, passes tokens on and heeds what ends a channel; its messages go to the `Intake`
that it shares with all sockets of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from picows import WSError, WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport, ws_connect
from websockets.uri import get_proxy, parse_uri

from helpers.client.connecting import CONNECT_ERRORS, connection_failed, refused
from helpers.client.link import tls_context
from helpers.errors import ConnectionFailed, JoinFailed
from helpers.profiling.receiving.intake import FIELDS, FULL, Intake
from helpers.target import Target
from helpers.wire.channel import ChannelMachine, ChannelState, heartbeat
from helpers.wire.events import Reply, parse_event
from helpers.wire.frames import Frame, MalformedFrame, Version, decode_binary, encode_text, peek
from helpers.wire.join import JoinConfig
from helpers.wire.refusals import join_advice, subscription_advice

__all__ = ["LoadSocket"]

_TEXT, _BINARY, _CLOSE = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CLOSE
_CONTINUATION = WSMsgType.CONTINUATION

#: picows doubles its buffer when a read fills it; a socket that is idle needs no more than its smallest.
_BUFFER_BYTES = 2048

#: As the server's limit to what it sends is not known, there is none here but that of a length that fits memory.
_MAX_FRAME_BYTES = 256 * 1024 * 1024

# The library logs each request, and the request holds the key; an adapter, as it makes no logger per connection then.
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.ERROR)
_adapter = logging.LoggerAdapter(_logger)


class LoadSocket(WSListener):
    """One connection and its channels. Use `open`, then `join`, in the end `close`.

    Args:
        intake: where messages go.
        version: of the protocol.
        token: the user's JSON Web Token, sent with each join.

    Attributes:
        streams: topic → number of the stream, of the channels that are joined.
        reason: why the connection or a channel ended before it was asked to; empty while all is well.
        is_open: whether frames can be sent.
    """

    def __init__(self, intake: Intake, version: Version = Version.V2, token: str | None = None) -> None:
        self.streams: dict[str, int] = {}
        self.reason = ""
        self.is_open = False
        self._intake = intake
        self._waiting = intake.waiting
        self._version = version
        self._token = token
        self._refs = count(1)
        self._channels: dict[str, tuple[ChannelMachine, int]] = {}
        self._parts: list[bytes] = []
        self._parts_are_text = True
        self._unanswered: str | None = None  # the ref of a heartbeat
        self._waiter: asyncio.Future[None] | None = None

    async def open(self, target: Target, timeout: float = 10.0) -> None:
        """Connect and upgrade.

        Raises:
            ConnectionFailed: as the measuring client does.
        """
        query = urlencode({"apikey": target.publishable_key, "vsn": self._version})
        url = f"{target.realtime_url}?{query}"
        try:
            async with asyncio.timeout(timeout):
                await ws_connect(lambda: self, url, **_options(url, timeout))
        except WSHandshakeError as error:
            raise _not_upgraded(error, target, timeout) from None
        except (*CONNECT_ERRORS, WSError) as error:
            raise connection_failed(error, target, timeout) from None

    async def join(self, name: str, config: JoinConfig, stream: int, timeout: float = 10.0) -> None:
        """Join a channel, and wait until it delivers; its messages are those of that stream from then on.

        Raises:
            JoinFailed: refused, or not in time.
            ConnectionFailed: the connection is not open, or was lost meanwhile.
        """
        machine = ChannelMachine(name, config)
        self._channels[machine.topic] = machine, stream
        self._send(machine.join(self._next_ref(), self._token))
        try:
            async with asyncio.timeout(timeout):
                while machine.state in _ON_THE_WAY and not machine.subscription_error and self.is_open:
                    await self._something_happens()
        except TimeoutError:
            happened = f"the channel delivers nothing after {timeout:g} s"
            raise JoinFailed(_joining(name), happened, "Check the server's load, or join fewer at a time") from None
        if machine.state is not ChannelState.READY:
            raise self._refusal(machine, name)

    def beat(self) -> None:
        """Send a heartbeat; a connection that did not answer the one before is dead, and ended."""
        if not self.is_open:
            return
        if self._unanswered is not None:
            self.reason = "a heartbeat was not answered before the next one was due"
            self._transport.disconnect(False)
            return
        self._unanswered = self._next_ref()
        self._send(heartbeat(self._unanswered))

    def set_token(self, token: str) -> None:
        """Use another token from now on, in the channels that are joined and in those to come."""
        self._token = token
        for machine, _ in self._channels.values():
            if machine.is_joined:
                self._send(machine.push(self._next_ref(), "access_token", {"access_token": token}))

    def close(self) -> None:
        """Close the connection, without waiting for the server's part of it."""
        if self.is_open:
            self.is_open = False
            self._transport.send_close()
            self._transport.disconnect()

    async def wait_closed(self) -> None:
        """Until the connection is over, for whatever reason."""
        with contextlib.suppress(WSError, OSError):
            await self._transport.wait_disconnected()

    # What picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.is_open = True

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == _TEXT and frame.fin:  # nearly all of them, so these are asked for first
            waiting = self._waiting
            waiting.extend((frame.get_payload_as_bytes(), self, monotonic()))  # as `put` does
            if len(waiting) == FIELDS or len(waiting) >= FULL:
                self._intake.due()
        else:
            self._take_other(transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._intake.flush()
        if self.is_open and not self.reason:
            self.reason = "the connection broke off without a closing handshake"
        self.is_open = False
        for machine, _ in self._channels.values():
            machine.connection_lost(self.reason)
        self.streams.clear()
        self._wake()

    # What the intake calls

    def control(self, data: bytes, is_text: bool, received_at: float) -> None:
        """A frame that belongs to the life of a channel, or the answer to a heartbeat."""
        try:
            message = peek(data, self._version) if is_text else decode_binary(data)
            event = parse_event(message, received_at, len(data))
        except MalformedFrame:
            self._intake.malformed += 1
            return
        if isinstance(event, Reply) and event.ref == self._unanswered:
            self._unanswered = None
        machine, stream = self._channels.get(event.topic, (None, 0))
        if machine is None or not machine.accepts(message):
            return
        machine.receive(event)
        if machine.is_joined:
            self.streams[machine.topic] = stream
        else:
            self.streams.pop(machine.topic, None)
            self.reason = self.reason or machine.reason
        self._wake()

    def _take_other(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == _CLOSE:
            self._closed_by_server(transport, frame)
        elif kind in (_TEXT, _BINARY, _CONTINUATION):
            self._gather(frame.get_payload_as_bytes(), kind, last=frame.fin)

    def _gather(self, data: bytes, kind: WSMsgType, *, last: bool) -> None:
        if kind != _CONTINUATION:
            self._parts_are_text = kind == _TEXT
            self._parts.clear()
        self._parts.append(data)
        if last:
            whole = b"".join(self._parts)
            self._parts.clear()
            put = self._intake.put if self._parts_are_text else self._intake.put_binary
            put(whole, self)

    def _closed_by_server(self, transport: WSTransport, frame: WSFrame) -> None:
        if self.is_open:
            code, words = frame.get_close_code(), frame.get_close_reason()
            self.reason = f"the server closed the connection with code {code:d}"
            self.reason += f", {words}" if words else ""
        transport.send_close(frame.get_close_code())
        transport.disconnect()

    def _next_ref(self) -> str:
        return str(next(self._refs))

    def _send(self, frame: Frame) -> None:
        if not self.is_open:
            raise ConnectionFailed("sending to Realtime", self.reason or "the connection is closed", "Connect again")
        self._transport.send(_TEXT, encode_text(frame, self._version))

    async def _something_happens(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _refusal(self, machine: ChannelMachine, name: str) -> JoinFailed:
        reason = machine.subscription_error or machine.reason or self.reason
        advice = subscription_advice(reason) if machine.subscription_error else join_advice(reason)
        return JoinFailed(_joining(name), f"the server refused: {reason}", advice, reason=reason)


_ON_THE_WAY = (ChannelState.JOINING, ChannelState.JOINED)


def _joining(name: str) -> str:
    return f"subscribing to the channel {name!r}"


def _options(url: str, timeout: float) -> dict[str, Any]:
    is_secure = url.startswith("wss:")
    return {
        "ssl_context": tls_context() if is_secure else None,
        "proxy": get_proxy(parse_uri(url)) if is_secure else None,
        "websocket_handshake_timeout": timeout,
        "max_frame_size": _MAX_FRAME_BYTES,
        "read_buffer_init_size": _BUFFER_BYTES,
        "max_redirects": 0,
        "logger_name": _adapter,
    }


def _not_upgraded(error: WSHandshakeError, target: Target, timeout: float) -> ConnectionFailed:
    if error.response is None:
        return connection_failed(error, target, timeout)
    return refused(int(error.response.status), error.raw_body or b"", target)
