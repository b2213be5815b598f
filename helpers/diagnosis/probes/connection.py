"""The way in: name, address, TCP, TLS and upgrade, timed one by one on one and the same connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.uri import parse_uri

from helpers.diagnosis.evidence import Address, Certificate, Connection
from helpers.diagnosis.probes.addresses import DNS_LIMIT_S, Resolved, connect_to, family_name, resolve
from helpers.diagnosis.probes.certificate import agreed_certificate, shown_certificate
from helpers.diagnosis.probes.stopwatch import StepFailed, Stopwatch
from helpers.redaction import masked, secrets_of
from helpers.target import Target

__all__ = ["NAMES", "WayIn"]

NAMES = ("DNS", "TCP", "TLS", "HTTP upgrade")
TCP_LIMIT_S = 5.0
TLS_LIMIT_S = 4.0
#: Realtime answers a refused handshake after 2 s (config/runtime.exs, CONNECT_ERROR_BACKOFF_MS).
UPGRADE_LIMIT_S = 6.0
#: The largest frame the server accepts, and more than it sends (lib/realtime_web/endpoint.ex:21).
MAX_FRAME_BYTES = 5_000_000
BODY_CHARACTERS = 300
#: The headers that tell who answered (each proxy has its own), where to go instead, and what was agreed on.
TELLING = ("server", "via", "location", "retry-after", "proxy-authenticate", "content-type", "sec-websocket-extensions",
           "cf-ray", "cf-mitigated", "sb-gateway-version", "sb-project-ref")  # fmt: skip
HEADER_CHARACTERS = 200


@dataclass(slots=True)
class WayIn:
    """One attempt to open the WebSocket. After `open()`, `websocket` is the open connection or None."""

    target: Target
    websocket: ClientConnection | None = None
    status: int | None = None
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    addresses: list[Address] = field(default_factory=list)
    certificate: Certificate | None = None

    @property
    def host(self) -> str:
        return self.target.host

    @property
    def secure(self) -> bool:
        return self.target.api_url.startswith("https:")

    async def open(self, watch: Stopwatch) -> None:
        """Take all steps; the first that fails ends the way and is recorded in `watch`."""
        context = await asyncio.to_thread(ssl.create_default_context) if self.secure else None
        sock: socket.socket | None = None
        with contextlib.suppress(StepFailed):
            resolved = await self._resolve(watch)
            sock = await self._connect(watch, resolved)
            websocket = await self._secure(watch, sock, context)
            await self._upgrade(watch, websocket)
        if self.websocket is None and sock is not None:
            sock.close()

    def evidence(self, watch: Stopwatch) -> Connection:
        steps = tuple(step for step in watch.finished() if step.name in NAMES)
        return Connection(
            host=self.host,
            port=self.target.port,
            secure=self.secure,
            steps=steps,
            addresses=tuple(self.addresses),
            certificate=self.certificate,
            status=self.status,
            body=self.body,
            headers=self.headers,
            took_ms=sum(step.took_ms for step in steps),
        )

    async def close(self) -> None:
        """Say goodbye, but do not wait long for the answer."""
        if self.websocket is not None:
            await self.websocket.close()

    async def _resolve(self, watch: Stopwatch) -> Sequence[Resolved]:
        async with watch.step("DNS", DNS_LIMIT_S) as note:
            resolved = await resolve(self.target)
            self.addresses = [Address(family_name(family), str(where[0])) for family, where in resolved]
            note.detail = ", ".join(f"{address.address} ({address.family})" for address in self.addresses)
        return resolved

    async def _connect(self, watch: Stopwatch, resolved: Sequence[Resolved]) -> socket.socket:
        """Try the addresses in the order in which the resolver gave them, as most clients do."""
        async with watch.step("TCP", TCP_LIMIT_S) as note:
            for number, (family, where) in enumerate(resolved):
                try:
                    sock = await connect_to(family, where)
                except OSError as error:
                    self.addresses[number] = Address(family_name(family), str(where[0]), error.strerror or "no answer")
                    if number == len(resolved) - 1:
                        raise
                else:
                    note.detail = f"{where[0]} port {where[1]}"
                    return sock
        raise StepFailed("TCP")

    async def _secure(self, watch: Stopwatch, sock: socket.socket, context: ssl.SSLContext | None) -> ClientConnection:
        if context is None:
            watch.skip("TLS", "plain HTTP, nothing to agree on")
            return await self._websocket_on(sock)
        where = sock.getpeername()
        try:
            async with watch.step("TLS", TLS_LIMIT_S) as note:
                websocket = await self._websocket_on(sock, ssl=context, server_hostname=self.host)
                tls = websocket.transport.get_extra_info("ssl_object")
                note.detail = f"{tls.version()}, {tls.cipher()[0]}"
        except StepFailed:
            self.certificate = await shown_certificate(self.host, where)
            raise
        self.certificate = agreed_certificate(tls)
        return websocket

    async def _websocket_on(self, sock: socket.socket, **tls: Any) -> ClientConnection:
        query = urlencode({"apikey": self.target.publishable_key, "vsn": "2.0.0"})
        uri = parse_uri(f"{self.target.realtime_url}?{query}")

        def factory() -> ClientConnection:
            offered = [ClientPerMessageDeflateFactory(client_max_window_bits=True)]
            protocol = ClientProtocol(uri, extensions=offered, max_size=MAX_FRAME_BYTES)
            return ClientConnection(protocol, ping_interval=None, close_timeout=1)

        _, websocket = await asyncio.get_running_loop().create_connection(factory, sock=sock, **tls)
        return websocket

    async def _upgrade(self, watch: Stopwatch, websocket: ClientConnection) -> None:
        try:
            async with watch.step("HTTP upgrade", UPGRADE_LIMIT_S) as note:
                try:
                    await websocket.handshake()
                except InvalidStatus as error:
                    self.body = self._cut((error.response.body or b"").decode(errors="replace"), BODY_CHARACTERS)
                    note.detail = f"HTTP {error.response.status_code} {self.body}".strip()
                    raise
                finally:
                    self._read_answer(websocket)
                note.detail = "101 Switching Protocols"
            self.websocket = websocket
        finally:
            if self.websocket is None:
                websocket.transport.abort()

    def _cut(self, text: str, most: int) -> str:
        """The begin of a text, its secrets masked before: of half a secret nobody would know that it is one."""
        return masked(text.strip(), secrets_of(self.target))[:most]

    def _read_answer(self, websocket: ClientConnection) -> None:
        if websocket.response is not None:
            self.status = websocket.response.status_code
            items = websocket.response.headers.raw_items()
            told = [(name.lower(), self._cut(value, HEADER_CHARACTERS)) for name, value in items]
            self.headers = tuple(item for item in told if item[0] in TELLING or item[0].startswith("x-"))
