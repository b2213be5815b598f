"""What an operator of a self-hosted server does over HTTP: look at the project, set limits, disconnect everybody.

The genuine server has these at /api/tenants; its gateway shows them under /realtime/v1/api, so they are there too. Only
the service role may call them. A lab is one project, whatever name the path gives it.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from helpers.lab.realtime.hub import Hub
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.lab.realtime.tokens import TokenError
from helpers.wire.frames import MalformedFrame, decode_json, encode_json

if TYPE_CHECKING:
    from helpers.lab.changes.settings import ChangeSettings

__all__ = ["Operator"]

_TENANT = "/realtime/v1/api/tenants/{name}"
#: The columns of the genuine server's table of projects that can be set, and where the lab keeps them.
_QUOTAS = {
    "max_joins_per_second": "joins_per_s",
    "max_events_per_second": "events_per_s",
    "max_concurrent_users": "users",
    "max_channels_per_client": "channels_per_client",
    "max_client_presence_events_per_window": "presence_calls",
}
_SWITCHES = ("suspend", "private_only")
_HIDDEN = "********"

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Operator:
    """The handlers.

    Args:
        hub: the server's state, which they change.
        changes: shown with the project.
        disconnect: closes every socket.
    """

    def __init__(self, hub: Hub, changes: ChangeSettings, disconnect: Callable[[], None]) -> None:
        self._hub = hub
        self._changes = changes
        self._disconnect = disconnect
        self._id = str(uuid.uuid4())
        self._since = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")

    def routes(self) -> list[web.RouteDef]:
        """All endpoints with their paths."""
        return [
            web.get(_TENANT, self._guarded(self.show)),
            web.put(_TENANT, self._guarded(self.update)),
            web.get(f"{_TENANT}/health", self._guarded(self.health)),
            web.post(f"{_TENANT}/reload", self._guarded(self.reload)),
            web.post(f"{_TENANT}/shutdown", self._guarded(self.shutdown)),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The project with its limits."""
        return _json(200, {"data": self._tenant(request.match_info["name"])})

    async def update(self, request: web.Request) -> web.Response:
        """Change limits, or switch the project off or to private channels only, which disconnects everybody."""
        try:
            wishes = decode_json(await request.read())["tenant"]
            settings = _changed(self._hub.settings, dict(wishes))
        except (MalformedFrame, LookupError, TypeError):
            return _json(422, {"errors": {"tenant": ["is invalid"]}})
        switched = any(getattr(settings, name) != getattr(self._hub.settings, name) for name in _SWITCHES)
        self._hub.adjust(settings)
        if switched:
            self._disconnect()
        return await self.show(request)

    async def health(self, _request: web.Request) -> web.Response:
        """Whether the database answers and broadcasts come from it."""
        connected = self._hub.broadcasts.ready
        state = {
            "node": "realtime@127.0.0.1",
            "region": "us-east-1",
            "replication_connected": connected,
            "healthy": connected,
            "db_connected": connected,
            "connected_cluster": len(self._hub.users),
        }
        return _json(200, {"data": state})

    async def reload(self, _request: web.Request) -> web.Response:
        """Disconnect everybody."""
        self._disconnect()
        return web.Response(status=204)

    async def shutdown(self, _request: web.Request) -> web.Response:
        """Let go of the database, and ask it anew when somebody needs it; nobody is told."""
        await self._hub.policies.stop()
        return web.Response(status=204)

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.Response:
            _, _, token = request.headers.get("Authorization", "").partition(" ")
            try:
                allowed = self._hub.keys.identify(token.strip()).role == "service_role"
            except TokenError:
                allowed = False
            return await handler(request) if allowed else _json(401, {"message": "Unauthorized"})

        return guarded

    def _tenant(self, name: str) -> dict[str, Any]:
        settings, limits = self._hub.settings, self._hub.settings.limits
        own_window = _window(limits) != _window(Limits())
        extension = {"type": "postgres_cdc_rls", "inserted_at": self._since, "updated_at": self._since,
                     "settings": self._extension()}  # fmt: skip
        return {
            "id": self._id,
            "name": name,
            "external_id": name,
            "inserted_at": self._since,
            "extensions": [extension],
            "max_joins_per_second": int(limits.joins_per_s),
            "max_events_per_second": int(limits.events_per_s),
            "max_concurrent_users": limits.users,
            "max_channels_per_client": limits.channels_per_client,
            "max_client_presence_events_per_window": limits.presence_calls if own_window else None,
            "client_presence_window_ms": int(limits.presence_window_s * 1000) if own_window else None,
            "presence_enabled": False,
            "private_only": settings.private_only,
        }

    def _extension(self) -> dict[str, Any]:
        """How changes are read. The genuine server shows the database's address encrypted, the lab not at all."""
        changes = self._changes
        return dict.fromkeys(("db_host", "db_name", "db_port", "db_user"), _HIDDEN) | {
            "poll_interval_ms": round(changes.poll_busy_s * 1000),
            "poll_max_changes": changes.poll_rows,
            "poll_max_record_bytes": changes.max_record_bytes,
            "publication": changes.publication,
            "region": "us-east-1",
            "slot_name": changes.slot_name,
            "ssl_enforced": False,
        }


def _window(limits: Limits) -> tuple[int, float]:
    return limits.presence_calls, limits.presence_window_s


def _changed(settings: RealtimeSettings, wishes: dict[str, Any]) -> RealtimeSettings:
    """The settings with what was wished.

    Raises:
        TypeError: a value is not of its kind.
    """
    quotas = {_QUOTAS[name]: _number(value) for name, value in wishes.items() if name in _QUOTAS}
    if "client_presence_window_ms" in wishes:
        quotas["presence_window_s"] = _number(wishes["client_presence_window_ms"]) / 1000
    switches = {name: wishes[name] for name in _SWITCHES if name in wishes}
    if not all(isinstance(value, bool) for value in switches.values()):
        raise TypeError(switches)
    return replace(settings, limits=replace(settings.limits, **quotas), **switches)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(value)
    return value


def _json(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=encode_json(body), content_type="application/json", charset="utf-8")
