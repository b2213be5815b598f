"""Small real servers that are not a healthy Supabase."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import WSMsgType, web

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def tcp(handler: Handler) -> AsyncIterator[int]:
    """A TCP server on loopback; yields its port. Connections are cut at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def black_hole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and answers nothing."""
    while await reader.read(4096):
        pass


async def greeter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks another protocol."""
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    await writer.drain()
    await reader.read(4096)


async def web_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request with the same page, as a web server or a captive portal does."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>")
    await writer.drain()


@contextlib.asynccontextmanager
async def http(application: web.Application) -> AsyncIterator[int]:
    """An aiohttp server on loopback; yields its port."""
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def supabase_without_realtime() -> web.Application:
    """Auth and REST answer as Supabase's; Realtime's path is unknown."""

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"version": "v2.180.0", "name": "GoTrue", "description": "GoTrue is an auth server"})

    async def root(request: web.Request) -> web.Response:
        return web.json_response({"swagger": "2.0", "info": {"title": "standard public schema"}})

    application = web.Application()
    application.add_routes([web.get("/auth/v1/health", health), web.get("/rest/v1/", root)])
    return application


def mute_realtime() -> web.Application:
    """Grants the upgrade and never says a word."""

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            if message.type is WSMsgType.ERROR:
                break
        return response

    application = web.Application()
    application.add_routes([web.get("/realtime/v1/websocket", websocket)])
    return application
