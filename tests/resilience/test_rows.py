"""Rows that are found again by their version, by both ways of reading, against the lab."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from helpers.errors import InputError
from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, PERFECT, network
from helpers.resilience import Origin, ResilientClient, RestRowReader, Rows, SqlRowReader, State
from helpers.resilience.rows import RowReader
from helpers.target import Target
from tests.resilience.quick import QUICK
from tests.resilience.test_subscription import collected


class Notes:
    """A table that everybody may read, with a version that a trigger keeps."""

    def __init__(self, connection: psycopg.AsyncConnection, target: Target, table: str) -> None:
        self.connection, self.target, self.table = connection, target, table

    async def run(self, statement: str, *values: object) -> None:
        await self.connection.execute(sql.SQL(statement).format(sql.Identifier(self.table)), values)


@pytest_asyncio.fixture(loop_scope="session")
async def notes(lab: Lab) -> AsyncIterator[Notes]:
    assert lab.target.database_url is not None
    table = f"notes_{secrets.token_hex(4)}"
    made = """
        create table {0} (
            id bigint primary key, body text, amount numeric, updated_at timestamptz default clock_timestamp()
        );
        grant select on {0} to anon;
        alter publication supabase_realtime add table {0};
        notify pgrst, 'reload schema';
    """
    async with await psycopg.AsyncConnection.connect(lab.target.database_url, autocommit=True) as connection:
        await connection.execute(sql.SQL(made).format(sql.Identifier(table)))
        yield Notes(connection, lab.target, table)
        await connection.execute(sql.SQL("drop table {}").format(sql.Identifier(table)))


def by_sql(notes: Notes) -> RowReader:
    assert notes.target.database_url is not None
    return SqlRowReader(notes.target.database_url, notes.table, "updated_at")


def by_rest(notes: Notes) -> RowReader:
    return RestRowReader(notes.target, notes.table, "updated_at")


@pytest.mark.parametrize("reader", [by_sql, by_rest])
async def test_what_changed_meanwhile_is_found_by_its_version(
    notes: Notes, reader: Callable[[Notes], RowReader]
) -> None:
    """New rows, changed rows in their present state, and rows that are gone; each once."""
    await notes.run("insert into {} select g, 'old', g / 3.0 from generate_series(1, 1500) g")
    async with (
        network(notes.target) as via,
        ResilientClient(via.target, settings=replace(QUICK, poll_after_s=30)) as client,
    ):
        subscription = client.subscribe(Rows(reader(notes), notes.table, "updated_at"))
        await subscription.wait_for(State.LIVE)
        via.set(BLACK_HOLE)
        via.cut()
        await notes.run("insert into {} values (2001, 'new', 0.5)")
        await notes.run("update {} set body = 'once', updated_at = clock_timestamp() where id = 7")
        await notes.run("update {} set body = 'twice', updated_at = clock_timestamp() where id = 7")
        await notes.run("delete from {} where id = 9")
        via.set(PERFECT)
        found = {item.key: item for item in await collected(subscription, 3)}
        await subscription.wait_for(State.LIVE)
        await notes.run("delete from {} where id = 2001")
        [last] = await collected(subscription, 1)
        await asyncio.sleep(1.5)  # an audit finds nothing more
        assert subscription.queue.take() == []
    assert (found[(2001,)].record["body"], found[(7,)].record["body"]) == ("new", "twice")
    assert (found[(9,)].type, last.type, last.key) == ("DELETE", "DELETE", (2001,))
    assert last.origin is Origin.STREAM


async def test_all_rows_come_first_if_they_are_asked_for(notes: Notes) -> None:
    """Then what follows, live."""
    await notes.run("insert into {} select g, 'old', g / 3.0 from generate_series(1, 1200) g")
    async with ResilientClient(notes.target, settings=QUICK) as client:
        subscription = client.subscribe(Rows(by_sql(notes), notes.table, "updated_at", initial=True))
        first = await collected(subscription, 1200)
        await subscription.wait_for(State.LIVE)
        await notes.run("insert into {} values (1201, 'new', 0.5)")
        [last] = await collected(subscription, 1)
    assert {item.key for item in first} == {(number,) for number in range(1, 1201)}
    assert (last.type, last.key) == ("INSERT", (1201,))


async def test_an_overlap_that_does_not_fit_the_version_is_told(notes: Notes) -> None:
    """A time cannot be taken from a number: the default overlap is refused with what to give instead."""
    await notes.run("insert into {} (id) values (1)")
    reader = SqlRowReader(notes.target.database_url or "", notes.table, "id")
    source = Rows(reader, notes.table, "id")
    assert [page async for page in source.read(Origin.CATCH_UP)] == []
    with pytest.raises(InputError, match="cannot be lessened by the overlap") as refused:
        await anext(source.read(Origin.CATCH_UP))
    assert "`overlap`" in refused.value.advice
    fitting = Rows(reader, notes.table, "id", overlap=10)
    assert [page async for page in fitting.read(Origin.CATCH_UP)] == []
    assert [item.key async for page in fitting.read(Origin.CATCH_UP) for item in page] == [(1,)]
    await reader.close()
