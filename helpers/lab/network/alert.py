"""The word that a TLS server says before it closes on a client that it cannot agree with."""

from __future__ import annotations

import asyncio
import socket
import ssl

__all__ = ["offer_accepted"]

#: A ClientHello is shorter, post-quantum keys included.
_HELLO_BYTES = 16_384


async def offer_accepted(client: socket.socket, context: ssl.SSLContext, limit_s: float) -> bool:
    """Whether the client's first message is one that a server of this context goes on with.

    If not, the client is sent OpenSSL's alert and the connection is closed: `asyncio` would close it without a word.
    The message is only looked at, and stays to be read.

    Raises:
        OSError: the client left, or said nothing in time.
    """
    async with asyncio.timeout(limit_s):
        await _readable(client)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(client.recv(_HELLO_BYTES, socket.MSG_PEEK))
    try:
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        return True
    except ssl.SSLError:
        await _say(client, outgoing.read())
        return False
    return True


async def _say(client: socket.socket, alert: bytes) -> None:
    """Send it, and read what the client sent: closing with unread bytes is a reset, which overtakes the alert."""
    with client:
        client.recv(_HELLO_BYTES)
        await asyncio.get_running_loop().sock_sendall(client, alert)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock)
