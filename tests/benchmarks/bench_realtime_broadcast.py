"""Broadcast through the lab: how many a second, and how late, from one sender to one and to fifty receivers.

The lab runs in processes of its own, the sender and all receivers in this one. Receivers count bytes, as all frames of
a run are of one size, so that they cost little beside the server. *Flood*: as fast as the slowest receiver takes them,
`WINDOW` frames in flight. *Paced*: at a fixed rate, a late frame being measured from when it was due.
"""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target

TOPIC = "realtime:benchmark"
BODY_BYTES = 64
WINDOW = 2_000
BATCH = 50
FLOODS = {1: 300_000, 50: 60_000}  # receivers: frames sent
PACED = {1: 20_000, 50: 5_000}  # receivers: frames a second
PACED_S = 3.0
TIMEOUT_S = 60.0
_STAMP = struct.Struct(">d")
_MASKED, _LAST, _TEXT = 0x80, 0x80, 0x01


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run; times in seconds."""

    receivers: int
    sent: int
    delivered: int
    seconds: float
    latencies: Sequence[float]

    def row(self, name: str) -> str:
        rate = f"{self.receivers:>9} {self.sent / self.seconds:>12,.0f} {self.delivered / self.seconds:>14,.0f}"
        return f"{name:<7} {rate} {self._at(0.5):>9} {self._at(0.99):>9}"

    def _at(self, share: float) -> str:
        if not self.latencies:
            return "-"
        ranked = statistics.quantiles(self.latencies, n=100, method="inclusive")
        return f"{ranked[round(share * 100) - 1] * 1000:.2f}"


class Client(asyncio.Protocol):
    """A WebSocket client that does only what this benchmark needs.

    Attributes:
        received: bytes since `expect` was called.
        latencies: of the frames that came, in seconds, if they carry their due time.
    """

    def __init__(self) -> None:
        self.received = 0
        self.latencies: list[float] = []
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._frame_bytes = 0
        self._stamped = False
        self._rest = b""
        self._goal_bytes = 0
        self._reached: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._frame_bytes:
            self.messages.put_nowait(data)
            return
        self.received += len(data)
        if self._stamped:
            self._note(data)
        if self._reached is not None and self.received >= self._goal_bytes:
            self._reached.set_result(None)
            self._reached = None

    def expect(self, frame_bytes: int, *, stamped: bool) -> None:
        """From now on only frames of that size come."""
        self._frame_bytes, self._stamped = frame_bytes, stamped
        self.received, self._rest = 0, b""
        self.latencies = []

    @property
    def frames(self) -> int:
        return self.received // self._frame_bytes

    async def has(self, frames: int) -> None:
        """Wait until so many frames have come since `expect`."""
        self._goal_bytes = frames * self._frame_bytes
        if self.received < self._goal_bytes:
            self._reached = asyncio.get_running_loop().create_future()
            await self._reached

    def _note(self, data: bytes) -> None:
        """Read the due time, hexadecimal, that ends each frame's body."""
        now, size = time.monotonic(), self._frame_bytes
        data = self._rest + data
        end = len(data) - len(data) % size
        for at in range(0, end, size):
            stamp = data[at + size - _TAIL - 16 : at + size - _TAIL]
            self.latencies.append(now - _STAMP.unpack(bytes.fromhex(stamp.decode()))[0])
        self._rest = data[end:]


_TAIL = len('"}}]')


def _body(due: float) -> bytes:
    return (_STAMP.pack(due).hex()).rjust(BODY_BYTES, "x").encode()


def _payload(due: float) -> bytes:
    return b'{"type":"broadcast","event":"b","payload":{"b":"' + _body(due) + b'"}}'


def _push(due: float) -> bytes:
    return _frame(b'["1","2","' + TOPIC.encode() + b'","broadcast",' + _payload(due) + b"]")


def _frame(text: bytes) -> bytes:
    """A client's text frame, masked with zeros."""
    size = len(text)
    head = bytes((_LAST | _TEXT, _MASKED | min(size, 126)))
    return head + (size.to_bytes(2, "big") if size >= 126 else b"") + bytes(4) + text


def _delivered_bytes() -> int:
    """The size of the frame that a push becomes for its receivers."""
    size = len(f'[null,null,"{TOPIC}","broadcast",') + len(_payload(0.0)) + len("]")
    return size + (2 if size < 126 else 4)


async def _connect(target: Target) -> Client:
    """A client that has joined the topic."""
    url = urlsplit(target.api_url)
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, url.hostname, url.port)
    key = base64.b64encode(os.urandom(16)).decode()
    client.transport.write(
        f"GET /realtime/v1/websocket?apikey={target.publishable_key}&vsn=2.0.0 HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b" 101 " in await client.messages.get()
    client.transport.write(_frame(f'["1","1","{TOPIC}","phx_join",{{"config":{{}}}}]'.encode()))
    assert b'"ok"' in await client.messages.get()
    return client


async def _all_arrived(receivers: Sequence[Client], frames: int) -> None:
    for client in receivers:
        await client.has(frames)


async def _flood(sender: Client, receivers: Sequence[Client], frames: int) -> Outcome:
    batch = _push(0.0) * BATCH
    for client in receivers:
        client.expect(_delivered_bytes(), stamped=False)
    started = time.monotonic()
    for sent in range(0, frames, BATCH):
        await _all_arrived(receivers, sent - WINDOW)
        sender.transport.write(batch)
    await _all_arrived(receivers, frames)
    seconds = time.monotonic() - started
    return Outcome(len(receivers), frames, sum(client.frames for client in receivers), seconds, ())


async def _paced(sender: Client, receivers: Sequence[Client], rate_per_s: float) -> Outcome:
    for client in receivers:
        client.expect(_delivered_bytes(), stamped=True)
    started, sent = time.monotonic() + 0.01, 0
    while (now := time.monotonic()) < started + PACED_S:
        due = int((now - started) * rate_per_s)
        if due > sent:
            sender.transport.write(b"".join(_push(started + n / rate_per_s) for n in range(sent, due)))
            sent = due
        await asyncio.sleep(0)
    await _all_arrived(receivers, sent)
    latencies = [latency for client in receivers for latency in client.latencies]
    return Outcome(len(receivers), sent, len(latencies), PACED_S, latencies)


async def _measure(target: Target) -> None:
    print(f"{'':<7} {'receivers':>9} {'sent/s':>12} {'delivered/s':>14} {'p50 ms':>9} {'p99 ms':>9}")
    sender = await _connect(target)
    receivers: list[Client] = []
    for count in FLOODS:
        receivers += [await _connect(target) for _ in range(count - len(receivers))]
        async with asyncio.timeout(TIMEOUT_S):
            print((await _flood(sender, receivers, FLOODS[count])).row("flood"))
        async with asyncio.timeout(TIMEOUT_S):
            print((await _paced(sender, receivers, PACED[count])).row("paced"))


def _without_limits() -> LabSettings:
    limits = replace(Limits(), events_per_s=1e12)
    return LabSettings(realtime=RealtimeSettings(limits=limits))


async def _run() -> None:
    async with Lab(_without_limits()) as lab:
        await _measure(lab.target)


def main() -> None:
    """Print the table."""
    print(f"Broadcasts of {BODY_BYTES} bytes, protocol 2.0.0, {WINDOW} in flight at most")
    asyncio.run(_run())


if __name__ == "__main__":
    main()
