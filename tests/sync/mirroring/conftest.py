"""A table under a change log, with a column of every kind, and somebody who writes to it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest_asyncio
from psycopg import sql

from helpers.lab import Lab
from helpers.resilience import ResilientClient, install_change_log
from helpers.sync.mirroring import Store, TableMirror
from helpers.target import Target


class Source:
    """A table under a change log."""

    def __init__(self, connection: psycopg.AsyncConnection, target: Target, table: str) -> None:
        assert target.database_url is not None
        self.connection, self.target, self.table, self.url = connection, target, table, target.database_url

    async def run(self, statement: str, *values: object) -> None:
        """Run SQL in which `{}` is the table."""
        await self.connection.execute(sql.SQL(statement).format(sql.Identifier(self.table)), values)

    async def rows(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """What the table holds now."""
        query = sql.SQL("select to_jsonb(t)::text from {} t").format(sql.Identifier(self.table))
        found = await (await self.connection.execute(query)).fetchall()
        rows = [json.loads(text, parse_float=Decimal) for (text,) in found]
        return {(row["id"],): row for row in rows}

    async def write(self, rounds: int) -> None:
        """Inserts, updates, deletes, and keys that change."""
        for number in range(rounds):
            first = 1_000 * (number + 1)
            await self.run(
                "insert into {} (id, body, amount, meta, tags, raw) select g, 'new', g / 7.0, "
                "jsonb_build_object('n', g), array['a', null], decode('00ff', 'hex') "
                "from generate_series(%s::bigint, %s) g on conflict do nothing",
                first,
                first + 19,
            )
            await self.run("update {} set body = 'changed', amount = amount * 3 where id %% 3 = %s", number % 3)
            await self.run(
                "update {} set id = -(extract(epoch from clock_timestamp()) * 1e6)::bigint where id = %s", first
            )
            await self.run("delete from {} where id %% 7 = %s", number % 7)
            await asyncio.sleep(0.01)

    def mirror(self, client: ResilientClient, store: Store) -> TableMirror:
        return TableMirror(client, self.table, store)


@pytest_asyncio.fixture(loop_scope="session")
async def source(lab: Lab) -> AsyncIterator[Source]:
    """Read by the service role: the log holds every row."""
    target = replace(lab.target, publishable_key=lab.target.secret_key)
    assert target.database_url is not None
    table = f"mirrored_{secrets.token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(target.database_url, autocommit=True) as connection:
        name = sql.Identifier(table)
        await connection.execute(
            sql.SQL(
                "create table {} (id bigint primary key, body text, amount numeric, meta jsonb, tags text[], "
                "raw bytea, at timestamptz default now())"
            ).format(name)
        )
        await install_change_log(connection, [table])
        yield Source(connection, target, table)
        await connection.execute(sql.SQL("drop table {}").format(name))
