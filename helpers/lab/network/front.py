"""The listening side of a network: loopback addresses, one port, which it keeps while it refuses."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from enum import StrEnum

from helpers.errors import LabError
from helpers.lab.network.alert import offer_accepted

__all__ = ["Family", "Front", "has_ipv6"]

_TRIED = "opening a network in front of the target"
_LIMIT_BYTES = 65_536
_ATTEMPTS = 20
_BACKLOG = 1_000
_TLS_LIMIT_S = 10.0

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Family(StrEnum):
    """On which of this machine's own addresses a network listens."""

    V4 = "127.0.0.1"
    V6 = "::1"
    BOTH = "localhost"

    @property
    def addresses(self) -> tuple[tuple[socket.AddressFamily, str], ...]:
        v4, v6 = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
        return {Family.V4: (v4,), Family.V6: (v6,), Family.BOTH: (v4, v6)}[self]

    def netloc(self, port: int) -> str:
        return f"[::1]:{port}" if self is Family.V6 else f"{self.value}:{port}"


def has_ipv6() -> bool:
    """Whether this machine has the address ::1."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


class Front:
    """Listens, or holds its port without listening, which is what refuses connections."""

    def __init__(self, family: Family, serve: Serve, tls: ssl.SSLContext | None) -> None:
        self._family, self._serve, self._tls = family, serve, tls
        self._loop = asyncio.get_running_loop()
        self._sockets = _bound(family)
        self._accepting: list[asyncio.Task[None]] = []
        self._serving: set[asyncio.Task[None]] = set()
        self.port: int = self._sockets[0].getsockname()[1]

    @property
    def listening(self) -> bool:
        return bool(self._accepting)

    def listen(self) -> None:
        """Accept connections from now on."""
        for sock in self._sockets:
            sock.listen(_BACKLOG)
            self._accepting.append(self._loop.create_task(self._accept(sock)))

    def refuse(self) -> None:
        """Refuse connections from now on; those that are open stay open."""
        self._shut()
        self._sockets = _bound(self._family, self.port)

    async def close(self) -> None:
        """Give up the port and end all connections."""
        self._shut()
        serving = tuple(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def _shut(self) -> None:
        for task in self._accepting:
            task.cancel()
        for sock in self._sockets:
            self._loop.remove_reader(sock)  # now, not when the cancelled task has its turn: the number may be reused
            sock.close()
        self._accepting, self._sockets = [], []

    async def _accept(self, sock: socket.socket) -> None:
        while True:
            client, _ = await self._loop.sock_accept(sock)
            task = self._loop.create_task(self._welcome(client))
            self._serving.add(task)
            task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # of a rule that somebody wrote, say
            self._loop.call_exception_handler({"message": "a connection through a network failed", "exception": error})

    async def _welcome(self, client: socket.socket) -> None:
        """Agree on TLS, where that is the way, and serve. A client that does not agree is let go."""
        reader = asyncio.StreamReader(_LIMIT_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            if self._tls and not await offer_accepted(client, self._tls, _TLS_LIMIT_S):
                return
            limit = _TLS_LIMIT_S if self._tls else None
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol, client, ssl=self._tls, ssl_handshake_timeout=limit
            )
        except OSError:
            client.close()
            return
        await self._serve(reader, asyncio.StreamWriter(transport, protocol, reader, self._loop))


def _bound(family: Family, port: int = 0) -> list[socket.socket]:
    """A socket for each address, all on one port."""
    for _ in range(_ATTEMPTS):
        try:
            return _bound_once(family, port)
        except OSError as error:
            reason = error.strerror or str(error)
            if port or len(family.addresses) == 1:
                break
    advice = "Use Family.V4: this machine may have no IPv6" if family is not Family.V4 else "Try again"
    raise LabError(_TRIED, f"listening on {family.value} did not work ({reason})", advice)


def _bound_once(family: Family, port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for kind, address in family.addresses:
            sock = socket.socket(kind, socket.SOCK_STREAM)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setblocking(False)
            sock.bind((address, port))
            port = sock.getsockname()[1]
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets
