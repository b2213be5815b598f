"""Connects to every address of the host, of both families, each timed on its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Sequence
from typing import Any

from helpers.diagnosis.evidence import Address, Missing
from helpers.target import Target

__all__ = ["ADDRESS_LIMIT_S", "Resolved", "connect_to", "family_name", "probe_addresses", "resolve"]

DNS_LIMIT_S = 3.0
ADDRESS_LIMIT_S = 2.5
#: More addresses than this tell nothing more.
MOST = 8
#: What the system says when this machine has no way to addresses of that family at all.
NO_WAY = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

Resolved = tuple[socket.AddressFamily, tuple[Any, ...]]


async def probe_addresses(target: Target) -> tuple[Address, ...] | Missing:
    """All addresses at the same time, so that the slowest one is all that it takes."""
    try:
        async with asyncio.timeout(DNS_LIMIT_S):
            found = await resolve(target)
    except (OSError, TimeoutError):
        return Missing("the host's name was not found")
    return tuple(await asyncio.gather(*map(_tried, found[:MOST])))


async def resolve(target: Target) -> Sequence[Resolved]:
    """The addresses in the resolver's order.

    Raises:
        OSError: there are none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return [(family, where) for family, _, _, _, where in found]


async def connect_to(family: socket.AddressFamily, where: tuple[Any, ...]) -> socket.socket:
    """A connected socket.

    Raises:
        OSError: not connected; TimeoutError after the limit of one address.
    """
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(ADDRESS_LIMIT_S):
            await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def family_name(family: int) -> str:
    return "IPv6" if family == socket.AF_INET6 else "IPv4"


async def _tried(resolved: Resolved) -> Address:
    family, where = resolved
    started, fault, here = time.monotonic(), "", False
    try:
        (await connect_to(family, where)).close()
    except OSError as error:
        fault = error.strerror or "no answer"
        here = error.errno in NO_WAY
    return Address(family_name(family), str(where[0]), fault, (time.monotonic() - started) * 1000, here)
