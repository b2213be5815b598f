"""Heads of HTTP requests, as proxies read and change them."""

from __future__ import annotations

import asyncio

__all__ = ["END", "changed", "read_head"]

END = b"\r\n\r\n"
#: Headers about one hop alone, which a proxy does not pass on (RFC 9110, section 7.6.1).
_HOP_BY_HOP = (b"connection", b"upgrade", b"keep-alive", b"proxy-connection")


async def read_head(reader: asyncio.StreamReader) -> bytes | None:
    """The next head with its empty line; None when what comes is not HTTP, or nothing comes any more."""
    try:
        return await reader.readuntil(END)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None


def changed(head: bytes, *, strip_upgrade: bool, host: str | None) -> bytes:
    """The head as a proxy passes it on.

    A request that is not an upgrade ends its connection with its answer, so that no second head comes the same way.

    Args:
        head: with its empty line.
        strip_upgrade: leave out all that is about one hop, and with it the wish for a WebSocket.
        host: the server's own name for itself; None keeps the client's.
    """
    request, *headers = head.removesuffix(END).split(b"\r\n")
    upgrades = any(_name(line) == b"upgrade" for line in headers) and not strip_upgrade
    if not upgrades:
        headers = [line for line in headers if _name(line) not in _HOP_BY_HOP] + [b"Connection: close"]
    if strip_upgrade:
        headers.append(b"Via: 1.1 proxy")
    if host is not None:
        headers = [line for line in headers if _name(line) != b"host"] + [b"Host: " + host.encode()]
    return b"\r\n".join([request, *headers]) + END


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()
