"""A server that only joins and sends: `python -m tests.benchmarks.blaster`, so that receivers are the limit.

Prints its port, then obeys lines on its stdin: `Blast` sends that many numbered messages to each channel that is
joined, and prints a line when all were written. Every message is `MESSAGE_BYTES` long, in both protocol versions, and
carries its number and the moment of its sending; the frames are made some hundred at a time, by numpy.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from helpers.wire.frames import Frame, Version, decode_text, encode_text

__all__ = ["EVENT", "MESSAGE_BYTES", "Blast"]

EVENT = "m"
MESSAGE_BYTES = 400
CHUNK = 512  # frames written at a time
_SEQ_DIGITS, _DUE_DIGITS = 10, 17
_SEQ, _DUE = "?" * _SEQ_DIGITS, "!" * _DUE_DIGITS


class Blast(msgspec.Struct):
    """How many messages each channel gets."""

    messages: int


class Template:
    """The frames of one channel."""

    def __init__(self, topic: str, version: Version) -> None:
        text = self._text(topic, version, "")
        text = self._text(topic, version, "x" * (MESSAGE_BYTES - len(text)))
        frame = bytes((0x81, 126)) + len(text).to_bytes(2, "big") + text
        self._frames = np.tile(np.frombuffer(frame, dtype=np.uint8), (CHUNK, 1))
        self._seq, self._due = frame.index(_SEQ.encode()), frame.index(_DUE.encode())

    def chunk(self, first: int, count: int) -> bytes:
        """Frames with the numbers from `first` on, due now."""
        self._write_seq(np.arange(first, first + count))
        due = f"{time.monotonic():{_DUE_DIGITS}.6f}".encode()
        self._frames[:count, self._due : self._due + _DUE_DIGITS] = np.frombuffer(due, dtype=np.uint8)
        return self._frames[:count].tobytes()

    def _write_seq(self, numbers: npt.NDArray[np.int64]) -> None:
        """Right-aligned: JSON allows spaces before a number."""
        for digit in range(_SEQ_DIGITS):
            power = 10**digit
            column = np.where((numbers >= power) | (digit == 0), ord("0") + numbers // power % 10, ord(" "))
            self._frames[: numbers.size, self._seq + _SEQ_DIGITS - 1 - digit] = column

    @staticmethod
    def _text(topic: str, version: Version, body: str) -> bytes:
        payload = {"seq": msgspec.Raw(_SEQ.encode()), "due": msgspec.Raw(_DUE.encode()), "body": body}
        return encode_text(
            Frame(topic, "broadcast", {"event": EVENT, "payload": payload, "type": "broadcast"}), version
        )


class Socket(WSListener):
    """One receiver: answers what a client sends, and is sent messages."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._writable = asyncio.Event()
        self._writable.set()
        self.templates: dict[str, Template] = {}

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        asked = decode_text(frame.get_payload_as_bytes(), self._version)
        if asked.event == "phx_join":
            self.templates[asked.topic] = Template(asked.topic, self._version)
        reply = {"status": "ok", "response": {"postgres_changes": []}}
        answer = Frame(asked.topic, "phx_reply", reply, asked.ref, asked.join_ref)
        transport.send(WSMsgType.TEXT, encode_text(answer, self._version))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def blast(self, messages: int) -> None:
        write = self._transport.underlying_transport.write
        for first in range(0, messages, CHUNK):
            for template in self.templates.values():
                await self._writable.wait()
                write(template.chunk(first, min(CHUNK, messages - first)))
            await asyncio.sleep(0)


async def main() -> None:
    sockets: list[Socket] = []

    def admit(request: WSUpgradeRequest) -> WSListener:
        sockets.append(Socket(Version.V2 if b"vsn=2.0.0" in request.path else Version.V1))
        return sockets[-1]

    server: Any = await ws_create_server(admit, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        blast = msgspec.json.decode(line, type=Blast)
        await asyncio.gather(*(socket.blast(blast.messages) for socket in sockets if socket.templates))
        print("sent", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
