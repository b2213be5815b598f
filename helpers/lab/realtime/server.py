"""The Realtime server of the lab."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import web

from helpers.lab.changes import ChangeFeed
from helpers.lab.realtime.handshake import Refusal, RequestHead, admit
from helpers.lab.realtime.http import HttpEndpoints
from helpers.lab.realtime.hub import Hub
from helpers.lab.realtime.monitoring import Monitoring
from helpers.lab.realtime.operator import Operator
from helpers.lab.realtime.outbox import Mailroom
from helpers.lab.realtime.settings import RealtimeSettings, Secrets
from helpers.lab.realtime.socket import Socket
from helpers.lab.realtime.tokens import KeyRing
from helpers.lab.realtime.upgrade import Gate, Upgrader
from helpers.wire.frames import Frame

__all__ = ["RealtimeServer"]

_SERVICE_RESTART = 1012
#: Seconds for clients to answer where nobody waits for the server: its parent has gone.
_HURRIED_LINGER_S = 0.5


class RealtimeServer:
    """WebSockets at /realtime/v1/websocket and the HTTP endpoints of broadcast.

    It binds no port of its own unless `listen` is called: whoever accepts connections gives those for Realtime to
    `connection_factory`, and mounts `routes` in an aiohttp application.

    Args:
        settings: delays and limits.
        secrets: with which tokens are signed, and the two keys.
        database: connection string of a superuser.
        changes: where postgres_changes come from; started and stopped by the caller.
    """

    def __init__(self, settings: RealtimeSettings, secrets: Secrets, database: str, changes: ChangeFeed) -> None:
        self._settings = settings
        self._keys = KeyRing(secrets, settings.jwks)
        self._database = database
        self._changes = changes
        self._upgrader = Upgrader(frame_bytes=settings.limits.frame_bytes)
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Get ready for connections, and for broadcasts from the database.

        Raises:
            LabError: the database does not answer.
        """
        mailroom = Mailroom(asyncio.get_running_loop())
        self.hub = Hub(self._settings, self._keys, self._database, self._changes, mailroom)
        await self._upgrader.start()
        await self.hub.broadcasts.start()

    async def stop(self, *, hurried: bool = False) -> None:
        """Close every socket that has a channel with code 1012, as a server that restarts does; cut the others off.

        Args:
            hurried: give clients that do not answer less time than the genuine server does.
        """
        if self._listener is not None:
            self._listener.close()
        for socket in list(self.hub.sockets):
            if socket.channels:
                socket.close(_SERVICE_RESTART)
        linger_s = self._settings.shutdown_linger_s
        await self._sockets_gone(min(linger_s, _HURRIED_LINGER_S) if hurried else linger_s)
        await self.hub.broadcasts.stop()
        await self.hub.stop()

    def connection_factory(self) -> Callable[[], Gate]:
        """What makes the protocol for one accepted connection, from which nothing was read yet (peeking is allowed).

        Its result is the protocol factory for `loop.connect_accepted_socket(factory, sock)` or `loop.create_server`.
        The protocol reads the request's head, admits or refuses the client, and then hands the transport over to the
        WebSocket. Paths other than /realtime/v1/websocket are answered with 404.
        """
        delay_s = self._settings.handshake_error_delay_s
        return lambda: Gate(self._admit, self._upgrader, refusal_delay_s=delay_s)

    def routes(self) -> list[web.RouteDef]:
        """The HTTP endpoints, for `app.add_routes(server.routes())`. Call after `start`."""
        operator = Operator(self.hub, self._changes.settings, self.disconnect_all)
        return [*HttpEndpoints(self.hub).routes(), *operator.routes(), *Monitoring(self.hub).routes()]

    async def listen(self, port: int = 0) -> int:
        """Accept WebSockets on a port of 127.0.0.1 without a front door; returns the port."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self.connection_factory(), "127.0.0.1", port, backlog=1024)
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    def disconnect_all(self) -> None:
        """What an operator's disconnect does: every channel is told, then every socket is closed with code 1012."""
        notice = {"message": "Server requested disconnect", "status": "ok", "extension": "system"}
        for socket in list(self.hub.sockets):
            for topic in socket.channels:
                socket.send(Frame(topic, "system", notice))
            socket.close(_SERVICE_RESTART)

    def _admit(self, request: RequestHead) -> Socket:
        try:
            return self._judge(request)
        except Refusal as refusal:
            self.hub.counts.refused[str(refusal.status.value)] += 1
            raise

    def _judge(self, request: RequestHead) -> Socket:
        admission = admit(request, self._keys)
        if self.hub.settings.suspend:
            raise Refusal.json(403, "Realtime was disabled for this tenant")
        if self.hub.full:
            raise Refusal.json(429, "Too many connected users")
        if self.hub.joins.exceeded:
            raise Refusal.json(429, "Too many joins per second")
        return Socket(self.hub, admission)

    async def _sockets_gone(self, within_s: float) -> None:
        """Wait a moment for the clients' answers; then hang up on those that gave none."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.hub.deserted.wait(), within_s)
        for socket in list(self.hub.sockets):
            socket.abort()
