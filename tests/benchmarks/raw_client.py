"""A WebSocket client of Realtime that does only what a benchmark needs, so that the server is the limit and not it.

Until `count` it hands out whole messages; afterwards it counts bytes and reads the due time of some frames only.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from helpers.target import Target

__all__ = ["BODY_BYTES", "RawClient", "Tally", "connect", "delivered_bytes", "push", "text_frame"]

BODY_BYTES = 64
_STAMP = struct.Struct(">d")
_STAMP_DIGITS = 2 * _STAMP.size
_TAIL = len('"}}]')  # what follows the body in a delivered frame
_MASKED, _TEXT = 0x80, 0x81
_BUFFER = memoryview(bytearray(1 << 18))  # for all clients of a process, as each read is used up at once


@dataclass(slots=True)
class Tally:
    """What the clients of one process have received since `restart`.

    Attributes:
        totals: shared with the process that sends; this process writes bytes into slot `index`.
        frame_bytes: the size of every frame.
        stride: the due time of each so manieth frame of a client is read; 0 for none.
        latencies: in seconds, of the frames of which it was read.
    """

    totals: memoryview
    index: int
    frame_bytes: int = 1
    stride: int = 0
    latencies: list[float] = field(default_factory=list)

    def restart(self, frame_bytes: int, stride: int) -> None:
        self.frame_bytes, self.stride, self.latencies = frame_bytes, stride, []
        self.totals[self.index] = 0

    def add(self, start: int, size: int) -> None:
        """A client that had `start` bytes before has read `size` more into the buffer."""
        self.totals[self.index] += size
        if self.stride:
            self._sample(start, size)

    def _sample(self, start: int, size: int) -> None:
        """Read the due times that lie in the buffer; a frame whose due time two reads share is passed over."""
        now, step = time.monotonic(), self.frame_bytes * self.stride
        for end in range((start // step + 1) * step - start, size + 1, step):
            at = end - _TAIL - _STAMP_DIGITS
            if at >= 0:
                digits = bytes(_BUFFER[at : at + _STAMP_DIGITS])
                self.latencies.append(now - _STAMP.unpack(bytes.fromhex(digits.decode()))[0])


class RawClient(asyncio.BufferedProtocol):
    """One connection.

    Attributes:
        messages: the answer to the handshake, then the payload of each frame, until `count`.
    """

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._upgraded = False
        self._rest = b""
        self._tally: Tally | None = None
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def get_buffer(self, _size_hint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, size: int) -> None:
        if self._tally is None:
            self._keep(bytes(_BUFFER[:size]))
        else:
            start, self._received = self._received, self._received + size
            self._tally.add(start, size)

    def count(self, tally: Tally) -> None:
        """From now on only frames of one size come; count them there."""
        self._tally, self._received = tally, 0

    async def answered(self, text: bytes) -> bytes:
        """Wait for a message that holds `text`, and pass over the others."""
        while text not in (message := await self.messages.get()):
            pass
        return message

    def _keep(self, data: bytes) -> None:
        data = self._rest + data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            self._upgraded = bool(end)
            if not end:
                self._rest = head
                return
            self.messages.put_nowait(head)
        while (message := _first_payload(data)) is not None:
            payload, data = message
            self.messages.put_nowait(payload)
        self._rest = data


C = TypeVar("C", bound=RawClient)


def _first_payload(data: bytes) -> tuple[bytes, bytes] | None:
    """The payload of the first frame in `data`, shorter than 64 KiB, and what follows it."""
    if len(data) < 4:
        return None
    start, size = (4, int.from_bytes(data[2:4], "big")) if data[1] == 126 else (2, data[1])
    end = start + size
    return (data[start:end], data[end:]) if len(data) >= end else None


async def connect(target: Target, make: Callable[[], C] = RawClient) -> C:  # type: ignore[assignment]
    """A client with an open socket, protocol 2.0.0."""
    url = urlsplit(target.api_url)
    assert url.hostname is not None and url.port is not None
    _, client = await asyncio.get_running_loop().create_connection(make, url.hostname, url.port)
    key = base64.b64encode(os.urandom(16)).decode()
    client.transport.write(
        f"GET /realtime/v1/websocket?apikey={target.publishable_key}&vsn=2.0.0 HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b" 101 " in await client.messages.get()
    return client


def text_frame(text: bytes) -> bytes:
    """A client's text frame, shorter than 64 KiB, masked with zeros."""
    size = len(text)
    head = bytes((_TEXT, _MASKED | min(size, 126)))
    return head + (size.to_bytes(2, "big") if size >= 126 else b"") + bytes(4) + text


def _payload(due: float) -> bytes:
    body = _STAMP.pack(due).hex().rjust(BODY_BYTES, "x").encode()
    return b'{"type":"broadcast","event":"b","payload":{"b":"' + body + b'"}}'


def push(topic: str, due: float) -> bytes:
    """The frame of a broadcast that should be sent at `due` (monotonic seconds)."""
    return text_frame(b'["1","2","' + topic.encode() + b'","broadcast",' + _payload(due) + b"]")


def delivered_bytes(topic: str) -> int:
    """The size of the frame that such a push becomes for its receivers."""
    size = len(f'[null,null,"{topic}","broadcast",') + len(_payload(0.0)) + len("]")
    return size + (2 if size < 126 else 4)
