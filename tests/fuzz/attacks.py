"""The ways in which a client can misbehave, one function each, on a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from helpers.lab import Lab
from helpers.wire.frames import Version
from tests.fuzz.hostile import Hostile

__all__ = ["ATTACKS", "WEIGHTS", "Battlefield"]

_PATIENCE_S = 20.0
_TEXT, _BINARY, _CLOSE, _PING = 1, 2, 8, 9


@dataclass
class Battlefield:
    """Where attacks take place.

    Attributes:
        secret: what no attacker may ever hear.
        leaks: where one has, the bytes around it; `intrusions`, how often a forged token opened a socket.
    """

    lab: Lab
    hostile: Hostile
    secret: bytes
    leaks: list[bytes] = field(default_factory=list)
    intrusions: int = 0

    @property
    def port(self) -> int:
        port = urlsplit(self.lab.info["api_url"]).port
        assert port is not None
        return port

    def hear(self, data: bytes) -> None:
        if (at := data.find(self.secret)) >= 0:
            self.leaks.append(data[max(0, at - 500) : at + 500])


Attack = Callable[[Battlefield], Awaitable[None]]


class Line:
    """A TCP connection to the lab, whose answers are read in the background."""

    def __init__(self, field: Battlefield, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.opened = asyncio.Event()
        self._field = field
        self._reading = asyncio.create_task(self._read())

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            self.writer.write(data)
            async with asyncio.timeout(_PATIENCE_S):
                await self.writer.drain()

    async def frame(self, payload: bytes, opcode: int = _TEXT, *, first: int = 0x80) -> None:
        """A frame as it should be, masked."""
        await self.send(_frame(payload, first | opcode))

    async def settle(self) -> None:
        """Wait until the server has read what was sent: it answers a ping, or has hung up."""
        await self.frame(b"done?", _PING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.shield(self._reading)

    async def end(self, *, rudely: bool = False) -> None:
        if rudely:
            with contextlib.suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._reading.cancel()
        self.writer.transport.abort()

    async def _read(self) -> None:
        tail = b""
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(65_536):
                if b" 101 " in data[:20]:
                    self.opened.set()
                if b"done?" in data and b" 101 " not in data[:20]:
                    return
                self._field.hear(tail + data)
                tail = data[-64:]


def _frame(payload: bytes, first: int) -> bytes:
    size = len(payload)
    mask = os.urandom(4)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = bytes((first, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + size.to_bytes(8, "big")
    pattern = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ pattern).to_bytes(size, "big")


async def _connect(field: Battlefield) -> Line:
    reader, writer = await asyncio.open_connection("127.0.0.1", field.port)
    return Line(field, reader, writer)


def _head(path: str, *headers: str) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13", *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode("utf-8", "replace")


async def _open(field: Battlefield, version: Version) -> Line:
    line = await _connect(field)
    await line.send(_head(f"/realtime/v1/websocket?apikey={field.lab.info['anon_key']}&vsn={version.value}"))
    async with asyncio.timeout(_PATIENCE_S):
        await line.opened.wait()
    return line


@contextlib.asynccontextmanager
async def _on_socket(field: Battlefield, version: Version | None = None):  # type: ignore[no-untyped-def]
    line = await _open(field, version or field.hostile.chance.choice(list(Version)))
    try:
        yield line
    finally:
        await line.end(rudely=field.hostile.chance.random() < 0.3)


async def noise(field: Battlefield) -> None:
    """Bytes that are no request."""
    line = await _connect(field)
    chance = field.hostile.chance
    start = chance.choice(
        (b"", b"GET ", b"GET /realtime/v1/websocket", b"POST /realtime/v1/api/broadcast HTTP/1.1\r\n")
    )
    await line.send(start + chance.randbytes(chance.choice((0, 10, 1000, 100_000))))
    await asyncio.sleep(0.05)
    await line.end(rudely=chance.random() < 0.5)


async def handshakes(field: Battlefield) -> None:
    """Tokens that open nothing, and keys where none belong."""
    chance, token = field.hostile.chance, field.hostile.forged_token()
    key = quote(token)
    line = await _connect(field)
    places = (
        (f"/realtime/v1/websocket?apikey={key}&vsn=2.0.0",),
        ("/realtime/v1/websocket", f"x-api-key: {token}"),
        ("/realtime/v1/websocket", f"Authorization: Bearer {token}"),
        ("/realtime/v1/websocket", f"Cookie: apikey={token}"),
        (f"/realtime/v1/websocket?apikey=&apikey={key}&apikey[]=x",),
        (f"/realtime/v1/websocket?apikey={'%00' * chance.choice((1, 1000))}",),
        (f"/realtime/v1/websocket/{key}", f"Sec-WebSocket-Protocol: {token}"),
        (f"/realtime/v1/websocket?vsn={quote(field.hostile.text()[:500])}&apikey={quote(field.hostile.token())}",),
    )
    place = chance.choice(places)
    await line.send(_head(*place))
    await asyncio.sleep(0.05)
    field.intrusions += line.opened.is_set() and place is not places[-1]
    await line.end()


async def messages(field: Battlefield) -> None:
    """A socket full of messages that no client would send."""
    version = field.hostile.chance.choice(list(Version))
    async with _on_socket(field, version) as line:
        for _ in range(40):
            if field.hostile.chance.random() < 0.2:
                await line.frame(field.hostile.push(), _BINARY)
            else:
                await line.frame(field.hostile.message(version))
        await line.settle()


async def frames(field: Battlefield) -> None:
    """WebSocket frames against all rules: opcodes, reserved bits, lengths, masks, fragments."""
    chance = field.hostile.chance
    async with _on_socket(field) as line:
        for _ in range(chance.choice((1, 5))):
            good = _frame(field.hostile.message(Version.V2), 0x81)
            kinds = (
                lambda good=good: field.hostile.mutated(good[:14]) + good[14:],
                lambda good=good: _frame(b"x" * 200, 0x80 | chance.choice((_CLOSE, _PING))),
                lambda: bytes((0x81, 127)) + (2**63).to_bytes(8, "big"),
                lambda: bytes((0x81, 0xFF)) + (6_000_000).to_bytes(8, "big") + b"mask" + b"x" * 100,
                lambda: bytes((0x81, 5)) + b"plain",
                lambda: _frame(b"x", chance.randrange(256)),
                lambda: b"".join(_frame(b"x", 0x01 if not n else 0x00) for n in range(500)),
                lambda: _frame(b"\xff\xfe", 0x88),
                lambda: chance.randbytes(200),
            )
            await line.send(chance.choice(kinds)())
        await asyncio.sleep(0.05)


async def joins(field: Battlefield) -> None:
    """As many joins as go through a socket, each with its own demands."""
    async with _on_socket(field, Version.V2) as line:
        for number in range(2000):
            text = f'["{number}","{number}","realtime:flood{number % 300}","phx_join",{{"config":{{}}}}]'
            await line.frame(text.encode())
        await line.settle()


async def slow_reader(field: Battlefield) -> None:
    """One that joins and reads nothing while another sends it more than it may have waiting."""
    reader, sender = await _open(field, Version.V2), await _open(field, Version.V2)
    reader.reader._transport.pause_reading()  # type: ignore[attr-defined]
    topic = f"slow{field.hostile.chance.random()}"
    for line in (reader, sender):
        await line.frame(f'["1","1","realtime:{topic}","phx_join",{{"config":{{}}}}]'.encode())
    payload = b'{"type":"broadcast","event":"e","payload":"' + b"x" * 200_000 + b'"}'
    for _ in range(60):
        await sender.frame(b'["1","2","realtime:' + topic.encode() + b'","broadcast",' + payload + b"]")
    await sender.settle()
    for line in (reader, sender):
        await line.end(rudely=True)


async def half_open(field: Battlefield) -> None:
    """Connections that stop in the middle: of the head, of a frame, of a fragmented message, of the closing."""
    chance = field.hostile.chance
    line = await (_connect(field) if chance.random() < 0.3 else _open(field, Version.V2))
    part = chance.choice(
        (
            _head("/realtime/v1/websocket")[:-4],
            _frame(b"x" * 100, 0x81)[:50],
            _frame(b"[", 0x01),
            _frame(b"\x03\xe8", 0x88)[:3],
            b"",
        )
    )
    await line.send(part)
    if chance.random() < 0.5 and line.writer.can_write_eof():
        with contextlib.suppress(OSError):
            line.writer.write_eof()
    await asyncio.sleep(chance.choice((0, 0.1)))
    await line.end(rudely=chance.random() < 0.5)


async def http(field: Battlefield) -> None:
    """The HTTP endpoints, with bodies, names and keys that are none."""
    chance, hostile = field.hostile.chance, field.hostile
    topic, event = quote(hostile.text()[:2000], safe=""), quote(hostile.text()[:2000], safe="")
    path = chance.choice(
        ("/realtime/v1/api/broadcast", f"/realtime/v1/api/broadcast/{topic}/events/{event}?private=true", "/metrics")
    )
    key = chance.choice((field.lab.info["anon_key"], hostile.token().encode("ascii", "ignore").decode()))
    body = hostile.message(Version.V1)
    kind = chance.choice(("application/json", "application/octet-stream", "text/plain"))
    line = await _connect(field)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\napikey: {key}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
    await line.send(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
    await asyncio.sleep(0.05)
    await line.end()


#: How often each takes place compared with the others.
WEIGHTS = {"messages": 12, "frames": 4, "joins": 1, "slow_reader": 1}
ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (noise, handshakes, messages, frames, joins, slow_reader, half_open, http)
}
