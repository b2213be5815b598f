"""A real TCP server that sends back what it gets, and a client that talks to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from helpers.target import Target, TargetKind

__all__ = ["Ends", "connected", "echo", "echo_target", "until"]

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LIMIT_S = 20.0


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything back as it came, then the end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def echo_target() -> AsyncIterator[Target]:
    """An echo server that poses as a target."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        yield Target(TargetKind.LAB, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "no key")
    finally:
        server.close()


@contextlib.asynccontextmanager
async def connected(target: Target) -> AsyncIterator[Ends]:
    """A plain TCP connection to a target. Everything inside has one limit of time."""
    parts = urlsplit(target.api_url)
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def until(true: Callable[[], bool]) -> None:
    """Wait for what nobody announces."""
    async with asyncio.timeout(LIMIT_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
