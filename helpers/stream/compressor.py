"""A relay in front of a target that compresses: `python -m helpers.stream.compressor`.

Realtime agrees to no compression, so what permessage-deflate would cost and bring has to be measured on something that
does it: this process takes a client's connection with or without it, and passes every message on to the target and
back, never compressed there. Both ways differ by the compression alone.

First line in: `Behind`. First line out: `Listening`. It ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

__all__ = ["Behind", "Compression", "Listening"]

#: zlib's defaults; the window is the full one of 32 KB.
_ZLIB = {"memLevel": 8, "level": 6}


class Compression(StrEnum):
    """What a server may do; the name is that of an arm."""

    OFF = "not compressed"
    SINGLE = "compressed, each message by itself"  # server_no_context_takeover
    SHARED = "compressed, with what came before"


class Behind(msgspec.Struct, frozen=True):
    """Where to."""

    url: str


class Listening(msgspec.Struct, frozen=True):
    """Where it listens, for each kind of compression."""

    ports: dict[Compression, int]


async def _run(url: str) -> None:
    """Listen for each kind of compression, say where, and pass messages on for ever."""
    async with contextlib.AsyncExitStack() as stack:
        ports = {}
        for kind in Compression:
            listening = await stack.enter_async_context(_listen(url, kind))
            ports[kind] = next(iter(listening.sockets)).getsockname()[1]
        sys.stdout.buffer.write(msgspec.json.encode(Listening(ports)) + b"\n")
        sys.stdout.buffer.flush()
        await asyncio.get_running_loop().create_future()


def _listen(url: str, kind: Compression) -> serve:
    async def pass_on(client: ServerConnection) -> None:
        assert client.request is not None
        way = f"{url}?{urlsplit(client.request.path).query}"
        async with connect(way, compression=None, max_size=None, ping_interval=None, logger=_quiet()) as server:
            await asyncio.gather(_pump(client, server), _pump(server, client))

    return serve(
        pass_on,
        "127.0.0.1",
        0,
        compression=None,
        extensions=_extensions(kind),
        max_size=None,
        ping_interval=None,
        logger=_quiet(),
    )


def _extensions(compression: Compression) -> Sequence[ServerPerMessageDeflateFactory] | None:
    if compression is Compression.OFF:
        return None
    single = compression is Compression.SINGLE
    return [ServerPerMessageDeflateFactory(server_no_context_takeover=single, compress_settings=_ZLIB)]


async def _pump(source: Connection, sink: Connection) -> None:
    """Messages one way, and then the end."""
    with contextlib.suppress(ConnectionClosed):
        async for message in source:
            await sink.send(message)
    await sink.close()


def _quiet() -> logging.Logger:
    """Requests hold the key, so they are not logged."""
    logger = logging.getLogger(__name__)
    logger.setLevel(logging.CRITICAL)
    return logger


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Behind)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(_run(order.url))


if __name__ == "__main__":
    main()
