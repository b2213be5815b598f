"""The front door: one origin for REST, Auth and Realtime, as Supabase's gateway is one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from helpers.lab.gateway import INVALID_KEY, Caller, Gateway, cors_headers, preflight_headers
from helpers.lab.listener import Factory, Listener
from helpers.lab.upstream import Upstream

__all__ = ["CALLER", "Door"]

#: Under this key a request holds its `Caller`.
CALLER = web.RequestKey("caller", Caller)

_REALTIME = "/realtime/v1/"
_MONITORING = ("/metrics", "/tenant-metrics")
_WEBSOCKET = b"GET /realtime/v1/websocket"
#: Headers of one connection, not of a message (RFC 9110, section 7.6.1), and two that are set anew.
_HOP_BY_HOP = frozenset(("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")) | frozenset(
    ("proxy-authenticate", "proxy-authorization", "host", "content-length")
)
#: What only the gateway reads.
_CREDENTIALS = frozenset(("apikey", "authorization"))
_NO_ROUTE = {"message": "no Route matched with those values"}
_BAD_UPSTREAM = {"message": "An invalid response was received from the upstream server"}
_CODES = {True: "UNAUTHORIZED_INVALID_API_KEY", False: "UNAUTHORIZED_MISSING_API_KEY"}

_log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Answers what comes to one port: WebSockets go to Realtime, the rest is HTTP.

    Args:
        gateway: knows the keys.
        upstream: answers /rest/v1 and /auth/v1.
        realtime: makes the protocol of a WebSocket connection.
        routes: further HTTP handlers, which come before it.
    """

    def __init__(self, gateway: Gateway, upstream: Upstream, realtime: Factory, routes: Iterable[web.RouteDef]) -> None:
        self._gateway = gateway
        self._upstream = upstream
        self._realtime = realtime
        app = web.Application(middlewares=[self._guard], client_max_size=16 * 2**20)
        app.add_routes(routes)
        app.router.add_get(_WEBSOCKET.removeprefix(b"GET ").decode(), self._upgrade, allow_head=False)
        for prefix in ("/rest/v1", "/auth/v1"):
            app.router.add_route("*", prefix, self._forward)
            app.router.add_route("*", prefix + "/{rest:.*}", self._forward)
        app.on_response_prepare.append(_open_to_browsers)
        logging.getLogger("aiohttp.server").addFilter(_is_ours)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)

    async def open(self, listener: Listener) -> None:
        """Let clients in."""
        await self._runner.setup()
        listener.accept(self._choose)

    async def close(self) -> None:
        """End what is under way."""
        await self._runner.cleanup()

    def _choose(self, head: bytes) -> Factory | None:
        if head.startswith(_WEBSOCKET):
            after = head[len(_WEBSOCKET) : len(_WEBSOCKET) + 1]
            if not after:
                return None
            if after in b"? /":
                return self._realtime
        elif _WEBSOCKET.startswith(head):
            return None
        return self._runner.server

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            requested = request.headers.get("Access-Control-Request-Headers")
            return web.Response(status=200, headers=preflight_headers(requested))
        if request.match_info.http_exception is not None:
            if f"{request.path}/".startswith(_REALTIME):
                return web.Response(status=404, text="Not Found", content_type="text/html", charset="utf-8")
            return web.json_response(_NO_ROUTE, status=404)
        if request.path.startswith(_REALTIME) or request.path in _MONITORING:
            return await handler(request)  # which knows the keys itself
        caller = self._gateway.judge(request.path, request.headers, request.query)
        if not isinstance(caller, Caller):
            code = _CODES[caller is INVALID_KEY]
            return web.json_response(caller, status=401, headers={"sb-error-code": code})
        request[CALLER] = caller
        return await handler(request)

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        """Hand a connection that has served HTTP so far to Realtime: Node opens WebSockets on those it has kept."""
        (transport, said), protocol = _taken(request), self._realtime()
        lines = [f"GET {request.raw_path} HTTP/1.1".encode(), *(b": ".join(item) for item in request.raw_headers)]
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        assert isinstance(protocol, asyncio.Protocol)
        protocol.data_received(b"\r\n".join([*lines, b"", said]))
        return web.Response()  # which goes nowhere

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on to lite and its answer back, as they come."""
        headers = [item for item in request.headers.items() if item[0].lower() not in _HOP_BY_HOP | _CREDENTIALS]
        headers.append(("Host", request.host))
        authorization = self._gateway.authorization(request[CALLER])
        if authorization:
            headers.append(("Authorization", authorization))
        if request.content_length is not None:
            headers.append(("Content-Length", str(request.content_length)))
        body = request.content if request.can_read_body else None
        try:
            answer = await self._upstream.http.request(
                request.method, _inner_url(request), headers=headers, data=body, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.warning("%s %s: %r", request.method, request.path, error)
            return web.json_response(_BAD_UPSTREAM, status=502)
        async with answer:
            return await _pass_back(request, answer)


def _taken(request: web.Request) -> tuple[asyncio.Transport, bytes]:
    """The connection of a request, and what has come on it since; for aiohttp it is lost."""
    transport, protocol = request.transport, request.protocol
    assert isinstance(transport, asyncio.Transport)
    rest = _Rest()
    protocol.set_parser(rest)  # type: ignore[arg-type]  # which goes on reading, too, if aiohttp had enough
    protocol.transport = None  # or it would be closed
    protocol.connection_lost(None)
    return transport, bytes(rest.data)


class _Rest:
    """Takes what aiohttp kept for the protocol to which a connection is upgraded."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """There may be more; it goes to the next protocol."""


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a fault is the lab's: that a client spoke no HTTP is answered with 400 and no news for the log."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


async def _pass_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Should either side hang up meanwhile, the other's connection is closed too, as nothing else can tell it."""
    headers = [item for item in answer.headers.items() if item[0].lower() not in _HOP_BY_HOP]
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in headers:
        response.headers.add(name, value)
    length = answer.headers.get("Content-Length")
    if length is not None:
        response.headers["Content-Length"] = length
    await response.prepare(request)
    async for piece in answer.content.iter_any():
        await response.write(piece)
    await response.write_eof()
    return response


def _inner_url(request: web.Request) -> URL:
    """The same path and query, byte for byte, but for a key in the query, which REST would take for a column."""
    path, _, query = request.raw_path.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith("apikey=")]
    return URL("http://lite" + path + ("?" + "&".join(pairs) if pairs else ""), encoded=True)


async def _open_to_browsers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(cors_headers(response.headers))
