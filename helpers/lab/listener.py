"""One port for HTTP and WebSockets: looks at the first bytes of a connection and hands it to whom it concerns."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

from helpers.errors import LabError, SettingsError

__all__ = ["Choose", "Factory", "Listener"]

Factory = Callable[[], asyncio.BaseProtocol]
#: Given the first bytes of a connection: whose it is, or None when they are too few to say.
Choose = Callable[[bytes], Factory | None]

#: Bytes that are looked at, and seconds that they may take to arrive.
_PEEK = 256
_PATIENCE = 10.0
_BACKLOG = 1024


class Listener:
    """Accepts connections on 127.0.0.1. What it looks at stays in the socket, for the protocol that gets it."""

    def __init__(self) -> None:
        self._choose: Choose = lambda head: None
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._waiting: set[socket.socket] = set()
        self._handing: set[asyncio.Task[None]] = set()

    def listen(self, port: int) -> int:
        """Take that port, or a free one for 0; returns the port. Connections are refused until `accept`, as by a server
        that is not up: those that waited instead would come all together when it is.

        Raises:
            SettingsError: the port is taken, or not ours to take.
        """
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as error:
            listening.close()
            raise _untaken(port, error) from error
        self._socket = listening
        taken: int = listening.getsockname()[1]
        return taken

    def accept(self, choose: Choose) -> None:
        """Let connections in from now on.

        Raises:
            SettingsError: another program has begun to listen there meanwhile.
        """
        assert self._socket is not None
        self._choose = choose
        try:
            self._socket.listen(_BACKLOG)
        except OSError as error:
            raise _untaken(self._socket.getsockname()[1], error) from error
        self._loop.add_reader(self._socket, self._accept)

    async def close(self) -> None:
        """Listen no more, and drop connections that nobody has got yet."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for connection in list(self._waiting):
            self._drop(connection)
        for task in list(self._handing):
            task.cancel()
        await asyncio.gather(*self._handing, return_exceptions=True)

    def _accept(self) -> None:
        assert self._socket is not None
        for _ in range(64):  # then other work has its turn
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # no file descriptors left: let some connections end first
                self._loop.remove_reader(self._socket)
                self._loop.call_later(0.1, self._resume)
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._waiting.add(connection)
            self._look(connection, self._loop.time() + _PATIENCE)

    def _resume(self) -> None:
        if self._socket is not None and self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

    def _look(self, connection: socket.socket, deadline: float) -> None:
        """Peek; hand over, wait for more, or give up."""
        if connection not in self._waiting:
            return
        self._loop.remove_reader(connection)
        try:
            head = connection.recv(_PEEK, socket.MSG_PEEK)
        except BlockingIOError:
            self._loop.add_reader(connection, self._look, connection, deadline)
            self._loop.call_at(deadline, self._expire, connection)
            return
        except OSError:
            head = b""
        factory = self._choose(head) if head else None
        if factory is not None:
            self._hand_over(connection, factory)
        elif head and self._loop.time() < deadline:
            self._loop.call_later(0.02, self._look, connection, deadline)  # readable already, so a reader would spin
        else:
            self._drop(connection)

    def _expire(self, connection: socket.socket) -> None:
        if connection in self._waiting:
            self._drop(connection)

    def _hand_over(self, connection: socket.socket, factory: Factory) -> None:
        self._waiting.discard(connection)
        task = self._loop.create_task(self._connect(connection, factory))
        self._handing.add(task)
        task.add_done_callback(self._handing.discard)

    async def _connect(self, connection: socket.socket, factory: Factory) -> None:
        try:
            await self._loop.connect_accepted_socket(factory, connection)
        except OSError:
            connection.close()

    def _drop(self, connection: socket.socket) -> None:
        self._waiting.discard(connection)
        with contextlib.suppress(OSError, ValueError):
            self._loop.remove_reader(connection)
        connection.close()


def _untaken(port: int, error: OSError) -> SettingsError | LabError:
    """Why a port could not be had."""
    tried = f"opening port {port} of the lab"
    if error.errno == errno.EADDRINUSE:
        return SettingsError(tried, "another program listens there", "Choose another port, or 0")
    if error.errno == errno.EACCES:
        return SettingsError(tried, "it needs privileges", "Choose a port above 1023, or 0")
    return LabError(tried, str(error.strerror), "Choose another port, or 0")
