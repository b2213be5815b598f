"""A dialogue with Realtime on an open WebSocket: one question, then reading until its answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection

from helpers.wire.frames import BinaryBroadcast, Frame, MalformedFrame, Message, Version, decode, encode

__all__ = ["Dialogue", "is_reply", "is_system", "unasked"]


#: What the server says when all is well.
EXPECTED = ("Subscribed to PostgreSQL", "Replication connection established")


@dataclass(slots=True)
class Dialogue:
    """Sends and reads in turn, without tasks of its own, so that nothing but the awaited answer takes time.

    Frames that answer something else are dropped, malformed ones too: the caller's limit of time decides.
    `received_bytes` is the size of the last message read, `overheard` what the server said meanwhile of a channel.
    """

    websocket: ClientConnection
    received_bytes: int = 0
    overheard: list[str] = field(default_factory=list)
    _refs: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def send(self, topic: str, event: str, payload: dict[str, Any], join_ref: str | None = None) -> str:
        """Send one frame and return its ref; a join is its own join_ref."""
        ref = str(next(self._refs))
        joined = ref if event == "phx_join" else join_ref
        await self.websocket.send(encode(Frame(topic, event, payload, ref, joined), Version.V2))
        return ref

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """Read until a frame is the wanted one."""
        while True:
            data = await self.websocket.recv()
            try:
                message = decode(data, Version.V2)
            except MalformedFrame:
                continue
            if wanted(message):
                self.received_bytes = len(data.encode() if isinstance(data, str) else data)
                return message
            sentence = unasked(message)
            if sentence:
                self.overheard.append(sentence)

    async def frame(self, wanted: Callable[[Frame], bool]) -> Frame:
        """Read until an ordinary (not binary) frame is the wanted one."""
        message = await self.until(lambda message: isinstance(message, Frame) and wanted(message))
        assert isinstance(message, Frame)
        return message

    async def broadcast_on(self, topic: str, event: str) -> Message:
        """Read until a broadcast of that name arrives on the topic, in either form."""
        return await self.until(lambda message: _is_broadcast(message, topic, event))


def unasked(message: Message) -> str:
    """The sentence in what the server says of a channel by itself; empty when it is a matter of course."""
    if not isinstance(message, Frame) or not isinstance(message.payload, dict):
        return ""
    if message.event == "phx_error":
        return str(message.payload.get("reason", ""))
    if message.event != "system" or str(message.payload.get("message")) in EXPECTED:
        return ""
    return str(message.payload.get("message", ""))


def is_reply(ref: str) -> Callable[[Frame], bool]:
    """Matches the reply to the frame that was sent with this ref."""
    return lambda frame: frame.event == "phx_reply" and frame.ref == ref and isinstance(frame.payload, dict)


def is_system(topic: str) -> Callable[[Frame], bool]:
    """Matches what the server says about a channel's postgres_changes."""

    def matches(frame: Frame) -> bool:
        if frame.topic != topic or frame.event != "system" or not isinstance(frame.payload, dict):
            return False
        return frame.payload.get("extension") == "postgres_changes"

    return matches


def _is_broadcast(message: Message, topic: str, event: str) -> bool:
    if isinstance(message, BinaryBroadcast):
        return message.topic == topic and message.event == event
    if not isinstance(message, Frame) or message.topic != topic or message.event != "broadcast":
        return False
    return isinstance(message.payload, dict) and message.payload.get("event") == event
