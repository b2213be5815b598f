"""The socket of the measuring client, shared by its channels."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from enum import StrEnum
from itertools import count
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed

from helpers.client.channel import Channel
from helpers.client.connecting import CONNECT_ERRORS, connection_failed
from helpers.client.counters import Counters
from helpers.client.link import Link, open_link, tls_context
from helpers.errors import ConnectionFailed, InputError
from helpers.target import Target
from helpers.wire.channel import ChannelState, heartbeat
from helpers.wire.events import Reply, parse_event
from helpers.wire.frames import (
    Frame,
    MalformedFrame,
    Message,
    Version,
    decode_binary,
    encode_binary,
    encode_text,
    peek,
)
from helpers.wire.join import JoinConfig

__all__ = ["ClientState", "RealtimeClient"]

#: How many round trips of heartbeats are kept.
_KEPT_ROUND_TRIPS = 1000


class ClientState(StrEnum):
    """Where a connection is in its life."""

    NEW = "new"  # not connected yet
    OPEN = "open"
    CLOSED = "closed"  # by us
    LOST = "lost"  # by the server or the network
    DEAD = "dead"  # a heartbeat was not answered, so we gave it up


class RealtimeClient:
    """A connection to Realtime that measures.

    Use it as an async context manager, or call `connect` and `close`. It does not reconnect.

    Args:
        target: which Supabase.
        token: the user's JSON Web Token, sent with each join; without it channels act as the key's role.
        version: of the protocol.
        heartbeat_s: seconds between heartbeats, 25 as in the vendor's clients; the server closes after 66 s of silence.
        timeout_s: seconds for connecting, and for the answer to a heartbeat.
        connect_timeout_s: for connecting, if that may take longer: a refused handshake is answered after 2 s.
        compression: whether to offer permessage-deflate (RFC 7692); see the property of that name for the answer.

    Attributes:
        state: see `ClientState`.
        reason: why the connection is lost or dead; empty if this client closed it.
        close_code: the WebSocket close code that the server sent, if it did.
        connect_ms: from the first packet to the granted upgrade: DNS, TCP, TLS and HTTP together.
        counters: what went over the wire.
        silent_s: seconds that nothing had travelled, in either direction, when the connection was lost.
        round_trips_ms: of the latest 1,000 heartbeats.
    """

    def __init__(
        self,
        target: Target,
        *,
        token: str | None = None,
        version: Version = Version.V2,
        heartbeat_s: float = 25.0,
        timeout_s: float = 10.0,
        connect_timeout_s: float | None = None,
        compression: bool = False,
    ) -> None:
        self.target = target
        self.version = version
        self.token = token
        self.state = ClientState.NEW
        self.reason = ""
        self.close_code: int | None = None
        self.connect_ms = 0.0
        self.counters = Counters()
        self.silent_s = 0.0
        self.round_trips_ms: deque[float] = deque(maxlen=_KEPT_ROUND_TRIPS)
        self._heartbeat_s = heartbeat_s
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s or timeout_s
        self._offers_compression = compression
        self._moved_at = 0.0
        self._link: Link | None = None
        self._over = asyncio.Event()
        self._refs = count(1)
        self._channels: dict[str, Channel] = {}
        self._pending: dict[str, asyncio.Future[Reply | None]] = {}
        self._heartbeats: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Open the connection, once in the life of a client.

        Raises:
            ConnectionFailed: with the HTTP status if the server refused, its own sentence, and what to do.
        """
        if self.state is not ClientState.NEW:
            raise InputError("connecting to Realtime", f"this client is {self.state}", "Make a new RealtimeClient")
        query = urlencode({"apikey": self.target.publishable_key, "vsn": self.version})
        url = f"{self.target.realtime_url}?{query}"
        tls = tls_context() if url.startswith("wss:") else None
        use_proxy = not self.target.is_loopback
        started_at = time.monotonic()
        try:
            self._link = await open_link(
                url,
                self,
                timeout=self._connect_timeout_s,
                tls=tls,
                use_proxy=use_proxy,
                compression=self._offers_compression,
            )
        except CONNECT_ERRORS as error:
            raise connection_failed(error, self.target, self._connect_timeout_s) from None
        self._moved_at = time.monotonic()
        self.connect_ms = (self._moved_at - started_at) * 1e3
        self.state = ClientState.OPEN
        if self._link.close_code is not None:  # closed in the same breath as it was granted
            self.link_lost(self._link.close_code, self._link.close_reason or "")
            return
        self._heartbeats = asyncio.create_task(self._keep_alive(), name="heartbeats of Realtime")

    async def close(self) -> None:
        """Close the connection and all channels; without effect on one that is not open."""
        if self.state is ClientState.OPEN:
            self.state = ClientState.CLOSED
        if self._heartbeats is not None:
            self._heartbeats.cancel()
            await asyncio.gather(self._heartbeats, return_exceptions=True)
        if self._link is not None:
            self.resume_reading()  # or the server's part of the closing handshake would not be heard
            await self._link.close()
            await self._over.wait()

    async def wait_closed(self) -> None:
        """Until the connection is over, for whatever reason."""
        await self._over.wait()

    @property
    def compression(self) -> str:
        """The extension that the server agreed to, in its words; empty if none, as on the genuine server."""
        return self._link.compression if self._link is not None else ""

    @property
    def tcp_socket(self) -> socket.socket | None:
        """The TCP socket, to look at its options and queues; None before it was opened."""
        found: socket.socket | None = self._link.transport.get_extra_info("socket") if self._link is not None else None
        return found

    def pause_reading(self) -> None:
        """Leave what comes in the socket until `resume_reading`: TCP then holds up the server, which gives up some
        time. Nothing is noticed meanwhile, the end of the connection included."""
        if self._link is not None and not self._link.transport.is_closing():
            self._link.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again, first of all what has waited."""
        if self._link is not None and not self._link.transport.is_closing():
            self._link.transport.resume_reading()

    def channel(self, name: str, config: JoinConfig | None = None, *, buffer: int = 10_000) -> Channel:
        """A channel of this socket, not joined yet.

        Args:
            name: without the prefix ``realtime:``.
            config: what to join with.
            buffer: how many events wait for `Channel.events` at most; the oldest goes first.
        """
        return Channel(name, config or JoinConfig(), self, buffer)

    async def heartbeat(self) -> float:
        """Ask the server for a sign of life.

        Returns:
            The round trip in milliseconds.

        Raises:
            ConnectionFailed: none came in time; the connection counts as dead and is ended.
        """
        ref = self.next_ref()
        sent_at = time.monotonic()
        try:
            reply = await self.request(heartbeat(ref), ref, self._timeout_s)
        except TimeoutError:
            self._give_up(f"a heartbeat was not answered within {self._timeout_s:g} s")
            raise self._unusable("sending a heartbeat") from None
        round_trip_ms = (reply.received_at - sent_at) * 1e3
        self.round_trips_ms.append(round_trip_ms)
        return round_trip_ms

    async def set_token(self, token: str) -> None:
        """Use another token from now on, in the channels that are joined and in those to come.

        The server does not answer. It looks with the old token's eyes until it says "Subscribed to PostgreSQL" again,
        1 to 3 s later; it closes each channel whose token it does not accept.

        Raises:
            ConnectionFailed: the connection is lost.
        """
        self.token = token
        for channel in tuple(self._channels.values()):
            await channel.send_token(token)

    # What channels call

    def next_ref(self) -> str:
        """A number that no frame of this socket had yet."""
        return str(next(self._refs))

    async def send(self, message: Message) -> None:
        """Send one frame.

        Raises:
            ConnectionFailed: the connection is not open.
            MalformedFrame: the payload cannot be encoded.
        """
        if self._link is None or self.state is not ClientState.OPEN:
            raise self._unusable("sending to Realtime")
        is_text = isinstance(message, Frame)
        data = encode_text(message, self.version) if isinstance(message, Frame) else self._binary(message)
        try:
            await self._link.send(data, text=is_text)
        except ConnectionClosed:
            raise self._unusable("sending to Realtime") from None
        self._moved_at = time.monotonic()
        self.counters.frames_out += 1
        self.counters.bytes_out += len(data)

    async def request(self, message: Message, ref: str, timeout: float) -> Reply:
        """Send one frame and wait for the reply to it.

        Raises:
            TimeoutError: none came.
            ConnectionFailed: the connection is not open, or was lost meanwhile.
        """
        answer: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._pending[ref] = answer
        try:
            async with asyncio.timeout(timeout):
                await self.send(message)
                reply = await answer
        finally:
            del self._pending[ref]
        if reply is None:
            raise self._unusable("waiting for an answer of Realtime")
        return reply

    def failure(self, tried: str) -> ConnectionFailed | None:
        """The error to raise because the connection is not open; None while it is."""
        return None if self.state is ClientState.OPEN else self._unusable(tried)

    def enlist(self, channel: Channel) -> None:
        """Take messages for a channel.

        Raises:
            InputError: another channel of this client has that topic.
        """
        present = self._channels.setdefault(channel.topic, channel)
        if present is channel:
            return
        if present.state not in (ChannelState.CLOSED, ChannelState.ERRORED):
            raise InputError(
                f"subscribing to the channel {channel.name!r}",
                f"this client has that channel already, and it is {present.state}",
                "Use that channel, leave it first, or take another client: a socket has each topic once",
            )
        self._channels[channel.topic] = channel

    def forget(self, channel: Channel) -> None:
        """Take no more messages for a channel."""
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]

    # What the link calls

    def bytes_received(self, count: int) -> None:
        self.counters.wire_bytes_in += count

    def message_received(self, data: bytes, is_text: bool, received_at: float) -> None:
        self._moved_at = received_at
        self.counters.frames_in += 1
        self.counters.bytes_in += len(data)
        try:
            message = peek(data, self.version) if is_text else decode_binary(data)
            self._dispatch(message, received_at, len(data))
        except MalformedFrame:
            self.counters.malformed += 1

    def link_lost(self, code: int | None, reason: str) -> None:
        if self.state is ClientState.OPEN:
            self.state = ClientState.LOST
            self.reason = _lost(code, reason)
        self.close_code = code
        self.silent_s = time.monotonic() - self._moved_at
        self._over.set()
        for answer in self._pending.values():
            if not answer.done():
                answer.set_result(None)
        for channel in tuple(self._channels.values()):
            channel.connection_lost(self.reason)
        if self._heartbeats is not None:
            self._heartbeats.cancel()

    def _dispatch(self, message: Message, received_at: float, size_bytes: int) -> None:
        channel = self._channels.get(message.topic) if isinstance(message.topic, str) else None
        if channel is not None and not channel.accepts(message):
            self.counters.stale += 1
            return
        event = parse_event(message, received_at, size_bytes)
        if isinstance(event, Reply):
            self._answer(event)
        elif channel is None:
            self.counters.unmatched += 1
        if channel is not None:
            channel.receive(event)

    def _answer(self, reply: Reply) -> None:
        answer = self._pending.get(reply.ref) if isinstance(reply.ref, str) else None
        if answer is not None and not answer.done():
            answer.set_result(reply)

    def _binary(self, message: Message) -> bytes:
        if self.version is Version.V1:
            raise MalformedFrame("protocol version 1.0.0 has no binary frames")
        return encode_binary(message)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                await self.heartbeat()
            except ConnectionFailed:
                return

    def _give_up(self, reason: str) -> None:
        if self._link is not None and self.state is ClientState.OPEN:
            self.state = ClientState.DEAD
            self.reason = reason
            self._link.abort()

    def _unusable(self, tried: str) -> ConnectionFailed:
        happened = f"the connection is {self.state}" + (f": {self.reason}" if self.reason else "")
        advice = "Connect first" if self.state is ClientState.NEW else "Connect again with a new RealtimeClient"
        return ConnectionFailed(tried, happened, advice)


#: Close codes of RFC 6455 that Realtime uses, and what they mean there.
_CLOSE_CODES = {
    1000: "after 66 s without any traffic, or 10 minutes without a channel",
    1001: "after too many joins per second, or because it goes away",
    1009: "because a message was larger than 5,000,000 bytes",
    1012: "because it restarts, or an operator disconnected this client",
}


def _lost(code: int | None, reason: str) -> str:
    if code is None or code == 1006:
        return "the connection broke off without a closing handshake"
    words = reason or _CLOSE_CODES.get(code, "")
    return f"the server closed the connection with code {code}" + (f", {words}" if words else "")
