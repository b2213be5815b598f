"""A Realtime server of its own for each test, in the test's event loop, on the database of the session's lab."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio

from helpers.lab import Lab
from helpers.lab.changes import ChangeFeed, ChangeSettings
from helpers.lab.realtime.server import RealtimeServer
from helpers.lab.realtime.settings import Limits, RealtimeSettings, Secrets
from tests.realtime.talker import Place

#: The genuine delays, shortened.
QUICK = RealtimeSettings(
    handshake_error_delay_s=0.05,
    join_error_delay_s=0.05,
    resubscribe_delay_s=(0.05, 0.1),
    rate_tick_s=0.1,
    shutdown_linger_s=0.2,
)

#: With periods that short, a test's few messages would be many a second.
AMPLE = Limits(events_per_s=1e9, joins_per_s=1e9, presence_events_per_s=1e9)

Serve = Callable[..., Awaitable[Place]]

#: Private channels: "chat:…" may be read and written, "news:…" only read, "box:…" only written, by authenticated.
POLICIES = """
drop policy if exists realtime_tests_read on realtime.messages;
drop policy if exists realtime_tests_write on realtime.messages;
create policy realtime_tests_read on realtime.messages for select to authenticated
    using (realtime.topic() like 'chat:%' or realtime.topic() like 'news:%');
create policy realtime_tests_write on realtime.messages for insert to authenticated
    with check (realtime.topic() like 'chat:%' or realtime.topic() like 'box:%');
"""


@pytest.fixture(scope="session")
def superuser(lab: Lab) -> str:
    """Connection string of the lab's superuser."""
    port = urlsplit(lab.info["database_url"]).port
    return f"host={lab.info['db_socket_dir']} port={port} user=supabase_admin dbname=postgres"


@pytest.fixture(scope="session")
def policies(lab: Lab) -> None:
    """Policies on realtime.messages, as a project's owner writes them."""
    with psycopg.connect(lab.info["database_url"], autocommit=True) as connection:
        connection.execute(POLICIES)


@pytest_asyncio.fixture
async def serve(lab: Lab, superuser: str) -> AsyncIterator[Serve]:
    """Starts servers: `await serve(limits=Limits(users=1), join_error_delay_s=0.2)`; they end with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            *, limits: Limits | None = None, cold_start_s: float = 0.0, refresh_s: float = 60.0, **settings: Any
        ) -> Place:
            slot = f"realtime_tests_{uuid.uuid4().hex}"
            reading = ChangeSettings(
                poll_idle_s=0.02,
                slot_name=f"{slot}_changes",
                cold_start_s=(cold_start_s, cold_start_s),
                publication_refresh_s=refresh_s,
            )
            changes = ChangeFeed(superuser, reading)
            await changes.start()
            stack.push_async_callback(changes.stop)
            secrets = Secrets(lab.info["jwt_secret"], lab.info["publishable_key"], lab.info["secret_key"])
            chosen = replace(QUICK, limits=limits or AMPLE, broadcast_slot=f"{slot}_broadcasts", **settings)
            server = RealtimeServer(chosen, secrets, superuser, changes)
            await server.start()
            stack.push_async_callback(server.stop)
            return Place(server, await server.listen(), lab, stack)

        yield start


@pytest_asyncio.fixture
async def place(serve: Serve) -> Place:
    """A server with short delays and the usual limits."""
    return await serve()
