"""Putting tables under a change log, and mistakes in it."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from helpers.errors import FailureError, InputError
from helpers.resilience import drop_change_log, install_change_log
from helpers.target import Target
from tests.resilience.conftest import Logged


async def test_a_table_that_there_is_not(logged: Logged) -> None:
    """It is told, and nothing was changed."""
    with pytest.raises(InputError, match="no such table"):
        await install_change_log(logged.connection, ["nowhere"])


async def test_a_table_without_a_primary_key(logged: Logged) -> None:
    """There is nothing to know its rows by."""
    await logged.connection.execute("create table keyless (body text)")
    with pytest.raises(InputError, match="primary key"):
        await install_change_log(logged.connection, ["keyless"])
    await logged.connection.execute("drop table keyless")


async def test_somebody_who_may_not(logged: Logged) -> None:
    """The database's own words, and what to do."""
    await logged.connection.execute("set role anon")
    try:
        with pytest.raises(FailureError, match="What to do: Connect as the owner"):
            await install_change_log(logged.connection, [logged.table])
    finally:
        await logged.connection.execute("reset role")


async def test_installing_twice_changes_nothing(logged: Logged) -> None:
    """Each change is logged once."""
    await install_change_log(logged.connection, [logged.table])
    await logged.run("insert into {} values (1, 'once', 0)")
    found = await logged.connection.execute(
        "select count(*) from change_log where source = %s", [f"public.{logged.table}"]
    )
    assert await found.fetchone() == (1,)


async def test_it_can_be_taken_away(target: Target) -> None:
    """With its triggers, so that the tables can be written to as before; in a schema of its own."""
    assert target.database_url is not None
    async with await psycopg.AsyncConnection.connect(target.database_url, autocommit=True) as connection:
        await connection.execute("create schema apart; create table apart.things (id int primary key)")
        try:
            await install_change_log(connection, ["things"], schema="apart")
            await connection.execute("insert into apart.things values (1)")
            await drop_change_log(connection, schema="apart")
            await connection.execute("insert into apart.things values (2)")
            left = await connection.execute("select relname from pg_class where relnamespace = 'apart'::regnamespace")
            assert sorted(row[0] for row in await left.fetchall()) == ["things", "things_pkey"]
        finally:
            await connection.execute("drop schema apart cascade")


def test_the_service_role_needs_its_key(target: Target) -> None:
    """Without it a mirror cannot read all rows, and it says what to set."""
    with pytest.raises(InputError, match="SUPABASE_SECRET_KEY"):
        replace(target, secret_key=None).as_service()
