"""A relay in front of the lab that changes what the server says, for what a healthy lab cannot be brought to say.

All else is the lab's: it answers heartbeats, joins and broadcasts; the relay passes them on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from helpers.target import Target

__all__ = ["Relay", "refusing_joins", "relay", "saying"]

#: A frame of protocol version 2.0.0 as it comes, to those that go on.
Change = Callable[[list[Any]], list[list[Any]]]


@dataclass
class Relay:
    """What it does; all of it can be changed while it runs."""

    target: Target
    change: Change | None = None
    drops_query: bool = False
    compresses: bool = False
    swallows_pings: bool = False
    clock_ahead_s: float = 0.0
    session: aiohttp.ClientSession = field(default_factory=aiohttp.ClientSession)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        url = self._behind(request)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await self._plain(request, url)
        try:
            upstream = await self.session.ws_connect(url)
        except aiohttp.WSServerHandshakeError as refused:
            return await self._refused(url, refused.status)
        client = web.WebSocketResponse(compress=self.compresses, autoping=not self.swallows_pings)
        await client.prepare(request)
        tasks = [asyncio.create_task(self._up(client, upstream)), asyncio.create_task(self._down(upstream, client))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await upstream.close()
        await client.close()
        return client

    def _behind(self, request: web.Request) -> str:
        query = "?vsn=2.0.0" if self.drops_query else f"?{request.query_string}"
        return self.target.api_url + request.path + query

    async def _refused(self, url: str, status: int) -> web.Response:
        """The body is not in aiohttp's error: ask again, and take what is said."""
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
        async with self.session.get(url, headers=headers) as answer:
            body = await answer.read()
        return web.Response(status=status, body=body, content_type="application/json")

    async def _plain(self, request: web.Request, url: str) -> web.Response:
        headers = {"apikey": request.headers.get("apikey", "")}
        async with self.session.get(url, headers=headers) as answer:
            body = await answer.read()
            now = datetime.now(UTC) + timedelta(seconds=self.clock_ahead_s)
            told = {"Date": format_datetime(now, usegmt=True), "Content-Type": answer.headers["Content-Type"]}
            return web.Response(status=answer.status, body=body, headers=told)

    async def _up(self, client: web.WebSocketResponse, upstream: aiohttp.ClientWebSocketResponse) -> None:
        async for message in client:
            if message.type is WSMsgType.PING:
                continue
            await (upstream.send_str if message.type is WSMsgType.TEXT else upstream.send_bytes)(message.data)

    async def _down(self, upstream: aiohttp.ClientWebSocketResponse, client: web.WebSocketResponse) -> None:
        async for message in upstream:
            if message.type is not WSMsgType.TEXT:
                await client.send_bytes(message.data)
                continue
            frames = [json.loads(message.data)]
            for frame in self.change(frames[0]) if self.change else frames:
                await client.send_str(json.dumps(frame))


@asynccontextmanager
async def relay(target: Target, **does: Any) -> AsyncIterator[tuple[Relay, Target]]:
    """The relay, and the target that leads through it."""
    between = Relay(target, **does)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", between.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield between, replace(target, api_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        with contextlib.suppress(TimeoutError):
            await runner.cleanup()
        await between.session.close()


def refusing_joins(reason: str) -> Change:
    """Every join is refused with this reason."""

    def change(frame: list[Any]) -> list[list[Any]]:
        join_ref, ref, topic, event, payload = frame
        if event == "phx_reply" and "postgres_changes" in payload["response"]:
            return [[join_ref, ref, topic, event, {"status": "error", "response": {"reason": reason}}]]
        return [frame]

    return change


def saying(sentence: str, status: str = "error") -> Change:
    """After each join the server says this of the channel."""

    def change(frame: list[Any]) -> list[list[Any]]:
        join_ref, _, topic, event, payload = frame
        if event == "phx_reply" and "postgres_changes" in payload["response"]:
            said = {"message": sentence, "status": status, "extension": "system", "channel": topic.partition(":")[2]}
            return [frame, [join_ref, None, topic, "system", said]]
        return [frame]

    return change
