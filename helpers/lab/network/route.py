"""Where a network leads: the target behind it, and how it is spoken to."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from helpers.target import Target

__all__ = ["Route"]

#: Room for the head of a request; Node and nginx take less.
_LIMIT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Route:
    """The way on from a network.

    Attributes:
        host, port: of the target.
        tls: with which the network itself speaks TLS to it; None where bytes pass as they come.
        host_header: the name that the target wants to be called by; None keeps the client's.
        opaque: what passes is encrypted, and cannot be looked into.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    host_header: str | None = None
    opaque: bool = False

    @classmethod
    def to(cls, target: Target) -> Route:
        """The way to a target.

        On loopback bytes pass as they come, encrypted or not. A target elsewhere has a certificate for its own name,
        which a client of ``127.0.0.1`` would refuse: there the network speaks TLS itself, and HTTP to its clients.
        """
        parts = urlsplit(target.api_url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        if _is_loopback(host):
            return cls(host, port, opaque=secure)
        return cls(host, port, ssl.create_default_context() if secure else None, parts.netloc)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect.

        Raises:
            OSError: the target does not accept.
        """
        return await asyncio.open_connection(self.host, self.port, ssl=self.tls, limit=_LIMIT_BYTES)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
