"""What waits in the kernel on both ends of a connection to this machine."""

from __future__ import annotations

import array
import fcntl
import socket
import termios
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ServerEnd", "server_end", "unread_bytes"]

#: Linux's table of connections: local and remote address, state, sent but unread : received but unread (proc(5)).
_TABLE = Path("/proc/net/tcp")

#: TCP_ESTABLISHED in include/net/tcp_states.h.
_ESTABLISHED = 1


@dataclass(frozen=True, slots=True)
class ServerEnd:
    """A server's end of a connection.

    Attributes:
        unsent_bytes: given to the kernel, and not acknowledged by the other end.
        is_open: whether the server has not closed it.
    """

    unsent_bytes: int
    is_open: bool


def unread_bytes(connection: socket.socket) -> int:
    """What has arrived and was not read yet; 0 for a socket that is closed."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(connection.fileno(), termios.FIONREAD, count)
    except (OSError, ValueError):
        return 0
    return count[0]


def server_end(connection: socket.socket) -> ServerEnd | None:
    """The other end of a loopback connection; None where the system does not tell (it is Linux that does)."""
    try:
        own, other = connection.getsockname()[1], connection.getpeername()[1]
        rows = _TABLE.read_text().splitlines()[1:]
    except OSError:
        return None
    for row in rows:
        _, local, remote, state, queues, *_ = row.split()
        if _port(local) == other and _port(remote) == own:
            return ServerEnd(int(queues.split(":")[0], 16), int(state, 16) == _ESTABLISHED)
    return ServerEnd(0, is_open=False)


def _port(address: str) -> int:
    return int(address.split(":")[1], 16)
