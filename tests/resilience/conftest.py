"""A table under a change log, and somebody who goes on writing to it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import psycopg
import pytest_asyncio
from psycopg import sql

from helpers.lab import Lab
from helpers.resilience import ChangeLog, SqlLogReader, install_change_log
from helpers.target import Target


@dataclass
class Logged:
    """A table of its own, with its log."""

    connection: psycopg.AsyncConnection
    target: Target
    table: str
    reader: SqlLogReader
    lab: Lab

    def token(self, lives_s: float) -> str:
        """Of somebody who may read the log."""
        return self.lab.token("service_role", lifetime_s=lives_s)

    def source(self) -> ChangeLog:
        return ChangeLog(self.reader, self.table)

    async def run(self, statement: str, *values: object) -> None:
        """Run SQL in which `{}` is the table."""
        await self.connection.execute(sql.SQL(statement).format(sql.Identifier(self.table)), values)


@pytest_asyncio.fixture(loop_scope="session")
async def logged(lab: Lab) -> AsyncIterator[Logged]:
    """Read by the service role: the log holds every row."""
    target = replace(lab.target, publishable_key=lab.target.secret_key)
    assert target.database_url is not None
    table = f"logged_{secrets.token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(target.database_url, autocommit=True) as connection:
        name = sql.Identifier(table)
        await connection.execute(
            sql.SQL("create table {} (id bigint primary key, body text, amount numeric)").format(name)
        )
        await install_change_log(connection, [table])
        reader = SqlLogReader(target.database_url)
        yield Logged(connection, target, table, reader, lab)
        await reader.close()
        await connection.execute(sql.SQL("drop table {}").format(name))
