"""The server's numbers under the names of the genuine server, and its own under `lab_`, for Prometheus to fetch.

As on the genuine server /metrics holds what concerns the whole and /tenant-metrics what carries the label `tenant`
(OBSERVABILITY_METRICS.md of supabase/realtime), and both ask for `Authorization: Bearer` with a token that the secret
of the metrics signed. The lab has no secret of its own for that: a token or key of role service_role opens them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

from aiohttp import web

from helpers.lab.metrics import CONTENT_TYPE, Family, render
from helpers.lab.realtime.hub import Hub
from helpers.lab.realtime.tokens import TokenError

__all__ = ["TENANT", "Monitoring"]

TENANT = "lab"
_PHOENIX = {"transport": "websocket", "endpoint": "RealtimeWeb.Endpoint"}


class Monitoring:
    """The two addresses."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/metrics", self.whole), web.get("/tenant-metrics", self.tenant)]

    async def whole(self, request: web.Request) -> web.Response:
        """What concerns the whole server."""
        hub = self._hub
        return self._answer(request, [*_connections(hub), *_traffic(hub, "channel_global"), *_sizes(hub), *_own(hub)])

    async def tenant(self, request: web.Request) -> web.Response:
        """What concerns the one project that the lab is."""
        hub = self._hub
        families = [*_tenant_connections(hub), *_traffic(hub, "channel"), *_checks(hub), *_changes(hub)]
        return self._answer(request, [family.labelled({"tenant": TENANT}) for family in families])

    def _answer(self, request: web.Request, families: list[Family]) -> web.Response:
        if not self._may_read(request):
            return web.Response(status=403)
        return web.Response(body=render(families).encode(), headers={"Content-Type": CONTENT_TYPE})

    def _may_read(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            return scheme == "Bearer" and self._hub.keys.identify(token.strip()).role == "service_role"
        except TokenError:
            return False


def _connections(hub: Hub) -> Iterator[Family]:
    users, joins = len(hub.users), hub.counts.joins
    yield Family.of("gauge", "phoenix_connections_total", "Open sockets, joined or not.", len(hub.sockets))
    yield Family(
        "phoenix_channel_joined_total",
        "counter",
        "Joins that were answered, by result.",
        tuple(({"result": result, **_PHOENIX}, count) for result, count in joins.items()),
    )
    for suffix in ("connected", "connected_cluster"):
        name = f"realtime_connections_global_{suffix}"
        yield Family.of("gauge", name, "Sockets that have joined a channel.", users)
    yield Family.of("gauge", "realtime_tenants_connected", "Projects with open sockets.", bool(users))


def _tenant_connections(hub: Hub) -> Iterator[Family]:
    for suffix in ("connected", "connected_cluster"):
        name = f"realtime_connections_{suffix}"
        yield Family.of("gauge", name, "Sockets that have joined a channel.", len(hub.users))


def _traffic(hub: Hub, scope: str) -> Iterator[Family]:
    totals = {
        "events": ("Sends and deliveries of broadcasts and presence.", hub.events.total),
        "presence_events": ("Presence messages.", hub.presence_events.total),
        "db_events": ("Postgres changes, each counted once for each subscriber.", hub.changes_sent.total),
        "joins": ("Attempts to join.", hub.joins.total),
        "input_bytes": ("Bytes of messages from sockets.", hub.counts.input_bytes),
        "output_bytes": ("Bytes to sockets.", hub.mailroom.written_bytes),
    }
    for name, (help, total) in totals.items():
        yield Family.of("counter", f"realtime_{scope}_{name}", help, total)
    yield Family.by("code", f"realtime_{scope}_error", "Refused joins by code.", hub.counts.errors)


def _sizes(hub: Hub) -> Iterator[Family]:
    sizes = {
        "broadcast": hub.counts.broadcast_bytes,
        "presence": hub.counts.presence_bytes,
        "postgres_changes": hub.changes.counts.payload_bytes,
    }
    values = tuple(({"message_type": kind}, histogram) for kind, histogram in sizes.items())
    yield Family("realtime_payload_size", "histogram", "Bytes of payloads, each counted once.", values)


def _checks(hub: Hub) -> Iterator[Family]:
    for name, help, histogram in (
        ("read_authorization_check", "Milliseconds to ask what a role may read.", hub.counts.read_check_ms),
        ("write_authorization_check", "Milliseconds to ask what a role may write.", hub.counts.write_check_ms),
        ("replay", "Milliseconds to fetch past broadcasts.", hub.counts.replay_ms),
    ):
        yield Family(f"realtime_tenants_{name}", "histogram", help, (({}, histogram),))


def _changes(hub: Hub) -> Iterator[Family]:
    counts, prefix = hub.changes.counts, "realtime_replication_poller"
    yield Family.of(
        "gauge", "realtime_subscriptions_manager_subscribers", "Channels with changes.", hub.changes.subscribers
    )
    yield Family(f"{prefix}_query_duration", "histogram", "Milliseconds of a poll.", (({}, counts.query_ms),))
    help = "Changes that were sent to somebody."
    yield Family.of("counter", f"{prefix}_changes_dispatch", help, counts.dispatched)
    help = "Changes that were dropped, by reason."
    skipped = {"rate_limited": 0, **counts.skipped}
    yield Family.by("reason", f"{prefix}_changes_skip", help, skipped)
    yield Family.by("reason", f"{prefix}_query_exception_total", "Polls that failed, by error.", counts.failures)


def _own(hub: Hub) -> Iterator[Family]:
    """What the genuine server does not tell."""
    counts = hub.counts
    channels = sum(len(socket.channels) for socket in hub.sockets)
    yield Family.of("gauge", "lab_tasks", "Tasks of the event loop.", len(asyncio.all_tasks()))
    yield Family.of("gauge", "lab_memory_blocks", "Python's blocks of memory, of any size.", sys.getallocatedblocks())
    yield Family.of("gauge", "lab_channels", "Joined channels.", channels)
    yield Family.of("gauge", "lab_topics", "Topics that somebody has joined.", len(hub.topics))
    yield Family.by("status", "lab_handshakes_refused_total", "Sockets that were refused.", counts.refused)
    yield Family.by("message", "lab_channels_shut_total", "Channels the server closed, by cause.", counts.shut)
    yield Family.of("counter", "lab_malformed_messages_total", "Messages that were passed over.", counts.malformed)
    changes = hub.changes.counts
    help = "Batches of changes lost for all as a filter or policy failed."
    yield Family.of("counter", "lab_changes_batches_dropped_total", help, changes.batches_dropped)
    help = "Times that subscribers waited for the start of the changes."
    yield Family.of("counter", "lab_changes_cold_starts_total", help, changes.cold_starts)
    help = "Times that the publication's tables had changed."
    yield Family.of("counter", "lab_changes_publication_changes_total", help, changes.publication_changes)
    help = "Tables that subscriptions got unasked, as _ and % in names are wildcards."
    yield Family.of("counter", "lab_changes_misnamed_tables_total", help, changes.misnamed_tables)
    yield Family.of("counter", "lab_slow_readers_total", "Sockets ended as they did not read.", counts.slow_readers)
