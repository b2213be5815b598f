"""One WebSocket of a replay: does what was recorded, and notes what comes back."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from helpers.lab.conformance.recording import Row
from helpers.lab.conformance.tokens import TokenMint

__all__ = ["Connection"]

_OPEN_TIMEOUT_S = 20.0
_CLOSE_TIMEOUT_S = 5.0
#: What the recorder could not write down as text.
_NO_TEXT = {"<bytes ff fe as text frame>": b"\xff\xfe"}

Note = Callable[[Row], None]


class Connection:
    """Named as in the recording; `note` is called for each thing that happens to it."""

    def __init__(self, name: str, note: Note) -> None:
        self.name = name
        self._note = note
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, row: Row, origin: str, mint: TokenMint) -> None:
        """Ask for the upgrade that was recorded."""
        began = time.monotonic()
        headers = {name: mint.fill(value) for name, value in (row["headers"] or {}).items()}
        try:
            self._socket = await connect(
                _url(row["url"], origin, mint), additional_headers=headers, ping_interval=None, compression=None,
                max_size=None, proxy=None, open_timeout=_OPEN_TIMEOUT_S, close_timeout=_CLOSE_TIMEOUT_S,
            )  # fmt: skip
        except InvalidStatus as error:
            answer = error.response
            self._tell("handshake-error", status=answer.status_code, body=(answer.body or b"").decode(),
                       headers={name.lower(): value for name, value in answer.headers.items()},
                       took_ms=(time.monotonic() - began) * 1000)  # fmt: skip
        except (OSError, TimeoutError, EOFError, ConnectionClosed) as error:
            self._tell("handshake-error", error=repr(error))
        else:
            self._tell("open", status=101)
            self._reading = asyncio.create_task(self._read(self._socket))

    async def send(self, row: Row, mint: TokenMint) -> None:
        """Send a recorded message; into nothing if the connection has ended meanwhile."""
        if self._socket is None:
            return
        with contextlib.suppress(ConnectionClosed):
            if row["op"] == "bin":
                await self._socket.send(base64.b64decode(row["b64"]))
            elif row["data"] in _NO_TEXT:
                await self._socket.send(_NO_TEXT[row["data"]], text=True)
            else:
                await self._socket.send(mint.fill(_completed(row["data"])))

    async def ping(self) -> None:
        """A WebSocket ping; its pong counts as an answer."""
        assert self._socket is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(await self._socket.ping(), _CLOSE_TIMEOUT_S)
            self._tell("pong")

    async def close(self, code: int = 1000) -> None:
        """Close as a client does, and wait for the server's answer."""
        if self._socket is not None:
            await self._socket.close(code)
            await self._ended()

    async def abort(self) -> None:
        """Cut the connection."""
        assert self._socket is not None
        self._socket.transport.abort()
        await self._ended()

    async def _ended(self) -> None:
        if self._reading is not None:
            await asyncio.wait((self._reading,), timeout=_CLOSE_TIMEOUT_S)

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = await socket.recv()
                if isinstance(message, str):
                    self._tell("in", op="text", data=message)
                else:
                    self._tell("in", op="bin", b64=base64.b64encode(message).decode())
        await socket.wait_closed()
        self._tell("closed", rcvd_code=_received_code(socket))

    def _tell(self, kind: str, **what: object) -> None:
        self._note({"dir": kind, "conn": self.name, **what})


def _received_code(socket: ClientConnection) -> int | None:
    """None when the connection ended without a closing handshake."""
    received = socket.protocol.close_rcvd
    return None if received is None else int(received.code)


def _url(recorded: str, origin: str, mint: TokenMint) -> str:
    """The recorded path and query at another origin. Descriptions of tokens hold a plus sign and blanks."""
    parts = urlsplit(recorded)
    pairs = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
    query = "&".join(f"{name}={quote(mint.fill(value), safe='')}" for name, value in pairs)
    path = parts.path.replace("/socket", "/realtime/v1", 1)
    return f"{origin.replace('http', 'ws', 1)}{path}?{query}"


def _completed(text: str) -> str:
    """The one sent text that the recorder cut is 2,000 brackets that open and as many that close."""
    head, cut, size = text.partition("...<")
    if not cut:
        return text
    half = int(size.partition(" ")[0]) // 2
    return head[0] * half + "]" * half
