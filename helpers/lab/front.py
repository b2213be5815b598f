"""What a lab shows the world, on top of its database: REST, Auth and Realtime behind the front door."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

import psycopg
import psycopg.sql

from helpers.errors import LabError
from helpers.lab.admin import Admin
from helpers.lab.changes.feed import ChangeFeed
from helpers.lab.cluster import sql_text
from helpers.lab.door import Door
from helpers.lab.foundation import PREPARING, Foundation
from helpers.lab.gateway import Gateway
from helpers.lab.listener import Listener
from helpers.lab.lite import SOCKET, Lite
from helpers.lab.realtime.server import RealtimeServer
from helpers.lab.realtime.settings import Secrets
from helpers.lab.server import SUPERUSER
from helpers.lab.settings import LabSettings
from helpers.lab.upstream import Upstream

__all__ = ["open_front"]

#: Messages from the database need a partition for their day. The genuine server keeps as many days ahead.
_PARTITIONS = "select realtime.create_message_partitions(current_date - 1, current_date + 3)"
_PARTITIONS_EVERY_S = 12 * 3600.0

_log = logging.getLogger("helpers.lab")


async def open_front(
    stack: contextlib.AsyncExitStack,
    foundation: Foundation,
    lite: Lite,
    listener: Listener,
    settings: dict[str, Any],
    hurried: Callable[[], bool],
) -> None:
    """Start the services and let clients in.

    Args:
        stack: is given what to do at the end.
        foundation: the running database.
        lite: the Node process, configured.
        listener: already has its port.
        settings: a `LabSettings` as plain data.
        hurried: asked at the end, whether it must not take its time.
    """
    home, conninfo = foundation.home, foundation.database.conninfo
    chosen = LabSettings.from_mapping(settings)
    await asyncio.to_thread(_prepare, foundation, chosen)
    partitions = asyncio.create_task(_keep_partitions(conninfo(SUPERUSER)))
    stack.callback(partitions.cancel)

    upstream = Upstream(home.folder / SOCKET)
    stack.push_async_callback(upstream.close)

    feed = ChangeFeed(conninfo(SUPERUSER), chosen.changes)
    secrets = Secrets(home.keys.jwt_secret, home.keys.publishable_key, home.keys.secret_key)
    realtime = RealtimeServer(chosen.realtime, secrets, conninfo(SUPERUSER), feed)
    await feed.start()
    stack.push_async_callback(feed.stop)
    await realtime.start()
    stack.push_async_callback(lambda: realtime.stop(hurried=hurried()))

    await upstream.wait_ready(lite)
    routes = [*Admin(conninfo("supabase_auth_admin"), upstream.hash_password).routes(), *realtime.routes()]
    door = Door(Gateway(home.keys), upstream, realtime.connection_factory(), routes)
    await door.open(listener)
    stack.push_async_callback(door.close)
    stack.push_async_callback(listener.close)  # first of all: nobody comes to a lab that ends


def _prepare(foundation: Foundation, settings: LabSettings) -> None:
    """What differs from lab to lab and from day to day. Blocking."""
    password = psycopg.sql.Literal(foundation.home.keys.database_password)
    try:
        with psycopg.connect(foundation.database.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("alter role postgres password {}").format(password))
            connection.execute(sql_text(f"grants_{settings.default_grants}.sql").encode())
            connection.execute(_PARTITIONS)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise LabError(PREPARING, reason, "Read the lab's log for the whole story") from error


async def _keep_partitions(conninfo: str) -> None:
    """For a lab that runs for days."""
    while True:
        await asyncio.sleep(_PARTITIONS_EVERY_S)
        try:
            async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
                await connection.execute(_PARTITIONS)
        except psycopg.Error as error:
            _log.warning("no partitions for the coming days yet: %s", error)
