"""A lab with short delays, its tables and policies, and clients of both kinds."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from helpers.lab import Lab, LabSettings
from helpers.lab.changes import ChangeSettings
from helpers.lab.realtime.settings import RealtimeSettings
from tests.official.clients import Client
from tests.official.javascript_client import JavaScriptClient, NodeProcess
from tests.official.python_client import PythonClient

#: The genuine delays, shortened; everything else is as the lab's users have it.
SETTINGS = LabSettings(
    realtime=RealtimeSettings(join_error_delay_s=0.1, handshake_error_delay_s=0.05, resubscribe_delay_s=(0.05, 0.1)),
    changes=ChangeSettings(poll_idle_s=0.05, poll_busy_s=0.02, poll_jitter_s=(0.0, 0.01), cold_start_s=(0, 0)),
)

#: items: everybody reads, old rows are whole. plain: the same with old rows of the key only. notes: one's own rows.
TABLES = """
create table items (
  id bigint generated always as identity primary key,
  room bigint not null, number integer, body text, flag boolean, price numeric(10, 2),
  tags text[], meta jsonb, at timestamptz, day date, key uuid, ratio double precision
);
alter table items replica identity full;
create table plain (like items including all);
create schema annex;
create table annex.items (like public.items including all);
create table notes (
  id bigint generated always as identity primary key,
  owner uuid not null default auth.uid(), room bigint not null, body text
);
alter table notes replica identity full;
alter table notes enable row level security;
create policy own on notes to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
grant usage on schema annex to anon, authenticated, service_role;
grant select, insert on items, plain to anon, authenticated, service_role;
grant select on annex.items to anon, authenticated, service_role;
grant all on notes to anon, authenticated, service_role;
create table unpublished (id bigint primary key);
grant select on unpublished to anon;
alter publication supabase_realtime add table items, plain, notes, annex.items;
"""

#: A row of `items` tells its topic, and members of a club read and write in it.
BROADCASTS = """
create function tell_topic() returns trigger language plpgsql security definer as $$
begin
  perform realtime.broadcast_changes(
    'chat:' || coalesce(new.room, old.room), tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
  return null;
end $$;
create trigger tell after insert or update or delete on plain for each row execute function tell_topic();
create policy hear on realtime.messages for select to authenticated using (
  realtime.topic() like 'chat:%' or realtime.topic() like 'news:%'
  or realtime.topic() like 'wire:%' and extension = 'broadcast'
  or realtime.topic() like 'club:%' and auth.jwt() ->> 'member' = 'yes'
);
create policy speak on realtime.messages for insert to authenticated with check (
  realtime.topic() like 'chat:%' or realtime.topic() like 'wire:%'
  or realtime.topic() like 'club:%' and auth.jwt() ->> 'speaker' = 'yes'
);
"""

_rooms = itertools.count(1)

Connect = Callable[..., Awaitable[Client]]
ConnectPython = Callable[..., Awaitable[PythonClient]]
ConnectJavaScript = Callable[..., Awaitable[JavaScriptClient]]


@pytest_asyncio.fixture(scope="session")
async def lab() -> AsyncIterator[Lab]:
    """A lab of these tests' own, as they disconnect everybody in it, with the tables and policies made."""
    async with Lab(SETTINGS) as lab:
        async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
            await connection.execute(TABLES)
            await connection.execute(BROADCASTS)
        yield lab


@pytest_asyncio.fixture(scope="session")
async def owner(lab: Lab) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection of the database's owner."""
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session")
async def node() -> AsyncIterator[NodeProcess]:
    """The Node process of all JavaScript clients."""
    node = await NodeProcess.start()
    yield node
    await node.stop()


@pytest_asyncio.fixture
async def python(lab: Lab) -> AsyncIterator[ConnectPython]:
    """Makes Python clients: `await python(key="anon_key", token=…, hb_interval=15)`."""
    async with AsyncExitStack() as stack:

        async def connect(*, key: str = "publishable_key", token: str | None = None, **options: Any) -> PythonClient:
            client = await PythonClient.start(lab.info["api_url"], lab.info.get(key, key), **options)
            stack.push_async_callback(client.stop)
            if token is not None:
                await client.set_auth(token)
            return client

        yield connect


@pytest_asyncio.fixture
async def javascript(lab: Lab, node: NodeProcess) -> AsyncIterator[ConnectJavaScript]:
    """Makes JavaScript clients: `await javascript(key="anon_key", token=…, vsn="1.0.0")`."""
    async with AsyncExitStack() as stack:

        async def connect(*, key: str = "publishable_key", **options: Any) -> JavaScriptClient:
            client = await JavaScriptClient.start(node, lab.info["api_url"], lab.info.get(key, key), **options)
            stack.push_async_callback(client.stop)
            return client

        yield connect


@pytest.fixture(params=["python", "javascript"])
def connect(request: pytest.FixtureRequest, python: ConnectPython, javascript: ConnectJavaScript) -> Connect:
    """Makes clients, in one run of the test of one kind and in the other of the other."""
    return {"python": python, "javascript": javascript}[request.param]


@pytest.fixture
def room() -> int:
    """A number that no other test uses."""
    return next(_rooms)


@pytest.fixture
def topic(room: int) -> str:
    """A topic that no other test uses."""
    return f"room {room}"


@pytest.fixture
def email() -> str:
    """An address that nobody has yet."""
    return f"{uuid.uuid4().hex[:12]}@example.com"
