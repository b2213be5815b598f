"""A client that says exactly what a test wants it to say, and a place where to find the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from helpers.lab import Lab
from helpers.lab.realtime.server import RealtimeServer
from helpers.wire.frames import Frame, Message, Version, decode, decode_json

__all__ = ["Place", "Talker"]

PATIENCE_S = 30.0


class Talker:
    """One socket. `join_ref`s and `ref`s are counted as official clients count them."""

    def __init__(self, socket: ClientConnection, version: Version) -> None:
        self.socket = socket
        self.version = version
        self._ref = 0
        self._join_refs: dict[str, str] = {}

    async def say(self, topic: str, event: str, payload: Any = None) -> str:
        """Send a message on a topic; returns its ref."""
        self._ref += 1
        ref = str(self._ref)
        if event == "phx_join":
            self._join_refs[topic] = ref
        join_ref = self._join_refs.get(topic)
        payload = {} if payload is None else payload
        if self.version is Version.V2:
            await self.socket.send(json.dumps([join_ref, ref, topic, event, payload]))
        else:
            message = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
            await self.socket.send(json.dumps(message))
        return ref

    async def hear(self, seconds: float = PATIENCE_S) -> Message:
        """The next message."""
        async with asyncio.timeout(seconds):
            data = await self.socket.recv()
        message = decode(data, self.version)
        if isinstance(message, Frame) and not isinstance(message.payload, bytes | dict | list | str | None):
            message = Frame(message.topic, message.event, decode_json(message.payload), message.ref, message.join_ref)
        return message

    async def hear_event(self, event: str) -> Frame:
        """The next message, which must be of that event."""
        message = await self.hear()
        assert isinstance(message, Frame), message
        assert message.event == event, message
        return message

    async def hear_nothing(self) -> None:
        """Assert that the server has sent nothing: the answer to a heartbeat is the next message."""
        ref = await self.say("phoenix", "heartbeat")
        reply = await self.hear()
        assert isinstance(reply, Frame), reply
        assert (reply.topic, reply.ref) == ("phoenix", ref), reply

    async def ask(self, topic: str, event: str, payload: Any = None) -> Any:
        """Send a message and return the payload of its reply, which must be the next message."""
        ref = await self.say(topic, event, payload)
        reply = await self.hear_event("phx_reply")
        assert reply.ref == ref, reply
        return reply.payload

    async def join(self, topic: str, *, token: str | None = None, **config: Any) -> Any:
        """Join `realtime:<topic>` and return the reply's payload."""
        payload: dict[str, Any] = {"config": config}
        if token is not None:
            payload["access_token"] = token
        return await self.ask(f"realtime:{topic}", "phx_join", payload)

    async def broadcast(self, topic: str, event: str, payload: Any) -> str:
        """Send a broadcast on `realtime:<topic>`."""
        return await self.say(
            f"realtime:{topic}", "broadcast", {"type": "broadcast", "event": event, "payload": payload}
        )

    async def closed(self) -> int:
        """The code with which the server closes the socket; nothing else may come before."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionClosed):
                raise AssertionError(await self.socket.recv())
        code = self.socket.close_code
        assert code is not None
        return code


class Place:
    """A running server."""

    def __init__(self, server: RealtimeServer, port: int, lab: Lab, stack: contextlib.AsyncExitStack) -> None:
        self.server = server
        self.port = port
        self.lab = lab
        self._stack = stack

    def url(self, key: str | None = None, vsn: str | None = "2.0.0") -> str:
        """The address of the socket, with the anon key unless another is given."""
        key = self.lab.info["anon_key"] if key is None else key
        version = "" if vsn is None else f"&vsn={vsn}"
        return f"ws://127.0.0.1:{self.port}/realtime/v1/websocket?apikey={quote(key)}{version}"

    async def talker(self, key: str | None = None, version: Version = Version.V2) -> Talker:
        """A client with an open socket."""
        plain = {"proxy": None, "compression": None, "ping_interval": None, "max_size": None}
        # Without a bound on what waits to be read, or a test that leaves frames unread could not say goodbye.
        socket = await connect(self.url(key, version.value), max_queue=None, **plain)
        self._stack.push_async_callback(socket.close)
        return Talker(socket, version)
