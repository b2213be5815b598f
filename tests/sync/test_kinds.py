"""Every type there and back: written by SQL, told by Realtime or a log, converted, and written through Prisma."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from helpers.client import Channel, RealtimeClient
from helpers.prisma import Prisma, json_type, prisma_client
from helpers.prisma.datamodel import read_datamodel
from helpers.resilience import ChangeLog, Item, Origin, SqlLogReader, drop_change_log, install_change_log
from helpers.sync import Converter, PrismaTable, item_of
from helpers.target import Target
from helpers.wire.events import Change
from helpers.wire.join import ChangeBinding, JoinConfig

PLACE = "sync_kinds"
KINDS = Path(__file__).with_name("kinds.prisma")
COLUMNS = """
    id bigint primary key, a_small integer, ratio double precision, amount numeric(30, 10), is_open boolean, body text,
    code uuid, at_moment timestamptz(3), at_local timestamp(3), day date, clock time(3), raw bytea, mood mood,
    meta jsonb not null, tags text[], numbers bigint[], moods mood[]
"""
INSERT = f"insert into kinds values ({', '.join(['%s'] * 12)}, %s::mood, %s, %s, %s, %s::mood[])"
COMPARED = """
select (select count(*) from kinds), count(*), (array_agg(array[to_jsonb(s), to_jsonb(c)]))[1]
from kinds s full join kind_copies c on s.id = c.id where to_jsonb(s) is distinct from to_jsonb(c)
"""

#: What PostgreSQL's text can hold.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
MOODS = st.sampled_from(["good", 'not so, "today"'])
INTEGERS = st.integers(-(2**63), 2**63 - 1)
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
FIRST, LAST = datetime(1000, 1, 2), datetime(9999, 12, 30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def milliseconds(moment: Any) -> Any:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


ROWS = st.tuples(
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.floats(-1e100, 1e100).map(lambda number: float(f"{number:.15g}")),  # as many as Prisma keeps
    st.none() | st.decimals(-(10**19), 10**19, allow_nan=False, allow_infinity=False, places=10),
    st.none() | st.booleans(),
    st.none() | TEXT,
    st.none() | st.uuids(),
    st.none() | st.datetimes(FIRST, LAST, timezones=ZONES).map(milliseconds),
    st.none() | st.datetimes(FIRST, LAST).map(milliseconds),
    st.none() | st.dates(date(1000, 1, 1), date(9999, 12, 31)),
    st.none() | st.times(max_value=time(23, 59, 59)).map(milliseconds),
    st.none() | st.binary(max_size=80),
    st.none() | MOODS,
    JSON.map(Jsonb),
    st.lists(TEXT, max_size=3),
    st.lists(INTEGERS, max_size=3),
    st.lists(MOODS, max_size=3),
)
#: Each example is rows in a database: to make a failing one smaller would take minutes.
MANY = settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
_numbers = itertools.count(1)


@dataclass
class Bench:
    """Source and copy, empty."""

    connection: psycopg.AsyncConnection
    target: Target
    client: Prisma
    table: PrismaTable
    channel: Channel

    async def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Replace all rows of the source, each session's time zone another one."""
        await self.connection.execute("delete from kind_copies")
        await self.connection.execute("delete from kinds")
        async with self.connection.transaction():
            await self.connection.execute("set local timezone = 'Asia/Kolkata'")
            for row in rows:
                number = next(_numbers)
                await self.connection.execute(INSERT, [number if number % 2 else 2**63 - number, *row])

    async def assert_equal(self) -> None:
        """Row for row and column for column, by the database."""
        count, different, one = await (await self.connection.execute(COMPARED)).fetchone() or (0, 1, None)
        assert (different, one) == (0, None), one
        assert count > 0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bench(target: Target) -> AsyncIterator[Bench]:
    here = replace(target, schema=PLACE)
    url = here.database_url or ""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"create schema {PLACE}".encode())
        await connection.execute(f"set search_path to {PLACE}".encode())
        await connection.execute("create type mood as enum ('good', 'not so, \"today\"')")
        for name in ("kinds", "kind_copies"):
            await connection.execute(f"create table {name} ({COLUMNS})".encode())
        await connection.execute(f"grant usage on schema {PLACE} to service_role".encode())
        await connection.execute("grant select on kinds to service_role")
        await connection.execute("alter table kinds replica identity full")
        await connection.execute("alter publication supabase_realtime add table kinds")
        await install_change_log(connection, ["kinds"], schema=PLACE)
        client = await prisma_client(here, KINDS)
        try:
            table = PrismaTable(client, Converter.of(read_datamodel(KINDS), "kinds", json_type(client)), "kindcopy")
            async with RealtimeClient(replace(here, publishable_key=here.secret_key or "")) as realtime:
                channel = realtime.channel("kinds", JoinConfig(changes=(ChangeBinding("INSERT", PLACE, "kinds"),)))
                await channel.subscribe(timeout=20)
                yield Bench(connection, here, client, table, channel)
        finally:
            await client.disconnect()
            await drop_change_log(connection, schema=PLACE)
            await connection.execute(f"drop schema {PLACE} cascade".encode())


@MANY
@given(rows=st.lists(ROWS, min_size=1, max_size=25))
async def test_a_change_log_tells_every_value(bench: Bench, rows: list[tuple[Any, ...]]) -> None:
    """Without reading a single row again."""
    log = ChangeLog(SqlLogReader(bench.target.database_url or "", schema=PLACE), "kinds", schema=PLACE)
    async for _ in log.read(Origin.CATCH_UP):
        pass  # where to begin
    await bench.write(rows)
    items: list[Item] = [item async for page in log.read(Origin.CATCH_UP) for item in page]
    assert not bench.table.source.model.columns.keys() - items[-1].record.keys()
    for item in items:
        if item.record:
            bench.table.source.data(item.record)  # raises what it cannot tell
    await bench.table.apply(items)
    await bench.assert_equal()
    await log._reader.close()  # type: ignore[attr-defined]


@MANY
@given(rows=st.lists(ROWS, min_size=1, max_size=25))
async def test_realtime_tells_every_value_or_the_row_is_read_again(bench: Bench, rows: list[tuple[Any, ...]]) -> None:
    """What its payload does not tell as a list, arrays of enums, comes from the source."""
    await bench.write(rows)
    wanted = {row[0] for row in await (await bench.connection.execute("select id from kinds")).fetchall()}
    items: list[Item] = []
    async with asyncio.timeout(15):
        async for event in bench.channel.events():
            if isinstance(event, Change) and event.record["id"] in wanted:
                items.append(item_of(event, bench.table.source))
            if len(items) == len(wanted):
                break
    await bench.table.apply(items)
    await bench.assert_equal()
