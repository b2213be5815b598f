"""One client's WebSocket: its channels, its heartbeats, its joins, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from helpers.lab.realtime.channel import Channel
from helpers.lab.realtime.handshake import Admission
from helpers.lab.realtime.hub import Hub
from helpers.lab.realtime.inbox import Fragments, Push, TooBig, read_binary, read_text
from helpers.lab.realtime.joining import Joining
from helpers.lab.realtime.joins import TOPIC_PREFIX
from helpers.lab.realtime.outbox import TEXT, Outbox, ws_frame
from helpers.lab.realtime.turnstile import Turnstile
from helpers.wire.frames import Frame, Version, encode_text

__all__ = ["Socket"]

_CLOSE, _PONG = 0x88, 0x8A
# Looked up here, as to find a member of an enumeration costs as much as the rest of what is done with it.
_CONTINUATION_KIND, _TEXT_KIND = WSMsgType.CONTINUATION, WSMsgType.TEXT
_CLOSE_KIND, _PING_KIND, _PONG_KIND = WSMsgType.CLOSE, WSMsgType.PING, WSMsgType.PONG
_CLOSE_TIMEOUT_S = 5.0
_IDLE_LOOKS = 10  # cowboy looks ten times a minute, and closes at the first look after the tenth without traffic


class Socket(WSListener):
    """The listener of a granted connection.

    Attributes:
        channels: topic → channel.
        identity: of the key with which the socket was opened; joins without a token of their own use it.
    """

    def __init__(self, hub: Hub, admission: Admission) -> None:
        self.hub = hub
        self.version = admission.version
        self.identity = admission.identity
        self.channels: dict[str, Channel] = {}
        self._counts = hub.counts
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._last_seen = monotonic()
        self._fragments = Fragments(hub.settings.limits.frame_bytes)
        self._turnstile: Turnstile[Push] = Turnstile(self._dispatch, closed=self._stall, opened=self._go_on)
        self._timer: asyncio.TimerHandle | None = None
        self._first_join = self._loop.call_later(hub.settings.no_channel_timeout_s, self._check_joined)
        self._closing = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport: WSTransport = transport
        limit_bytes = self.hub.settings.write_buffer_bytes
        self.outbox = Outbox(
            transport.underlying_transport, self.hub.mailroom, limit_bytes=limit_bytes, on_overflow=self._give_up
        )
        self.hub.add(self)
        self._watch_idleness()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self._last_seen = monotonic()
        kind, payload = frame.msg_type, frame.get_payload_as_bytes()
        if kind == _TEXT_KIND and frame.fin:  # nearly all of them, so these are asked for first
            self._take(payload, read_text)
        elif kind == _CLOSE_KIND:
            self._answer_close(payload[:2])
        elif kind == _PING_KIND:
            self.outbox.put(ws_frame(_PONG, payload))
        elif kind != _PONG_KIND and not self._closing:
            self._gather(payload, kind, last=frame.fin)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._closing = True
        self._turnstile.cancel()
        self._first_join.cancel()
        if self._timer is not None:
            self._timer.cancel()
        for channel in list(self.channels.values()):
            channel.close()
        self.hub.remove(self)

    def send(self, frame: Frame, *, first: bool = False) -> None:
        """Send a message at the end of this turn of the event loop; `first`, before what waits for a join."""
        if self.version is Version.V1:
            frame = Frame(frame.topic, frame.event, frame.payload, frame.ref)
        put = self.outbox.put_first if first else self.outbox.put
        put(ws_frame(TEXT, encode_text(frame, self.version)))

    def close(self, code: int) -> None:
        """Begin the closing handshake; the connection ends with the client's answer, or without it after a while."""
        if self._closing:
            return
        self._closing = True
        self.outbox.put(ws_frame(_CLOSE, code.to_bytes(2, "big")))
        self.outbox.release()
        self._rearm(_CLOSE_TIMEOUT_S, self.abort)

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.disconnect(graceful=False)

    def _give_up(self) -> None:
        self._counts.slow_readers += 1
        self.abort()

    def enter(self, channel: Channel) -> None:
        """Add a channel that was joined; with its first one the socket counts as a user."""
        self.channels[channel.topic.name] = channel
        self.hub.users.add(self)

    def forget(self, channel: Channel) -> None:
        """Remove a channel that has closed."""
        if self.channels.get(channel.topic.name) is channel:
            del self.channels[channel.topic.name]

    def _gather(self, payload: bytes, kind: WSMsgType, *, last: bool) -> None:
        """Take a binary frame, or a part of a message that comes in several."""
        starts = kind != _CONTINUATION_KIND
        if starts and last:
            self._take(payload, read_binary)
            return
        try:
            whole = self._fragments.add(payload, starts=starts, text=kind == _TEXT_KIND, last=last)
        except TooBig:
            self.close(1009)
            return
        if whole is not None:
            payload, text = whole
            self._take(payload, read_text if text else read_binary)

    def _take(self, payload: bytes, read: Callable[[bytes, Version], Push | None]) -> None:
        """Take a message, unless this side is done with the connection."""
        if self._closing:
            return
        self._counts.input_bytes += len(payload)
        message = read(payload, self.version)
        if message is None:
            self._counts.malformed += 1
        else:
            self._turnstile.push(message)

    def _dispatch(self, message: Push) -> None:
        topic = message.topic
        channel = self.channels.get(topic) if isinstance(topic, str) else None
        if isinstance(message, Frame) and message.event == "phx_join" and _can_be_joined(topic):
            Joining(self, message).begin(replaced=channel)
        elif channel is not None:
            channel.handle(message)
        elif topic == "phoenix" and message.event == "heartbeat":
            self._reply(message, "ok", {})
        elif message.event == "phx_leave":
            self._reply(message, "ok", {}, join_ref=message.join_ref)
        else:
            self._reply(message, "error", {"reason": "unmatched topic"})

    def _reply(self, push: Push, status: str, response: dict[str, Any], *, join_ref: Any = None) -> None:
        payload = {"status": status, "response": response}
        self.send(Frame(push.topic, "phx_reply", payload, push.ref, join_ref))

    def halt(self, work: Any) -> None:
        """Do something for a join; everything else on this socket waits, in both directions."""
        self._turnstile.halt(work)

    def _stall(self) -> None:
        self.outbox.hold()
        self._transport.underlying_transport.pause_reading()

    def _go_on(self) -> None:
        self.outbox.release()
        if not self._transport.underlying_transport.is_closing():
            self._transport.underlying_transport.resume_reading()

    def _answer_close(self, code: bytes) -> None:
        if not self._closing:
            self.outbox.put(ws_frame(_CLOSE, code))
            self.outbox.release()
        self._closing = True
        self._transport.disconnect()

    def _watch_idleness(self) -> None:
        """Set the timer for the look at which the socket is closed if nothing comes any more."""
        period_s = self.hub.settings.idle_timeout_s / (_IDLE_LOOKS + 1)
        looks = int((self._last_seen - self._opened_at) / period_s) + _IDLE_LOOKS + 1
        self._rearm(self._opened_at + looks * period_s - monotonic(), self._check_idleness)

    def _check_idleness(self) -> None:
        period_s = self.hub.settings.idle_timeout_s / (_IDLE_LOOKS + 1)
        if monotonic() - self._last_seen > _IDLE_LOOKS * period_s:
            self.close(1000)
        else:
            self._watch_idleness()

    def _check_joined(self) -> None:
        if not self.channels:
            self.close(1000)

    def _rearm(self, delay_s: float, action: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, action)


def _can_be_joined(topic: Any) -> bool:
    return isinstance(topic, str) and topic.startswith(TOPIC_PREFIX)
