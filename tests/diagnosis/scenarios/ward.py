"""A healthy project in the lab, kept so that one thing at a time can be broken in it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from helpers.diagnosis.evidence import Evidence, Heard, Missing, TableName
from helpers.diagnosis.probes import (
    RowWriter,
    open_writer,
    probe_addresses,
    probe_database,
    probe_database_home,
    probe_key,
    probe_project,
    probe_run,
    probe_services,
    probe_subscriptions,
    probe_token,
)
from helpers.lab import Lab
from helpers.target import Target
from tests.diagnosis.scenarios.lone_server import LoneServer

__all__ = ["TABLE", "Ward", "healthy_ward"]

NO_WRITER = Missing("the scenario does not look at it")
#: Capitals, a space, a quote and a dot: whatever SQL needs quotes for.
TABLE = TableName("clinic", 'Chat "room".1')
#: All that a table needs whose changes reach the users to whom its rows belong, and nobody else.
HEALTHY = f"""
create schema clinic;
grant usage on schema clinic to authenticated;
create table {TABLE.quoted} (id uuid primary key default gen_random_uuid(), user_id uuid, body text);
create index on {TABLE.quoted} (user_id);
alter table {TABLE.quoted} replica identity full;
grant select on {TABLE.quoted} to authenticated;
alter table {TABLE.quoted} enable row level security;
create policy own on {TABLE.quoted} for select to authenticated using (user_id = (select auth.uid()));
alter publication supabase_realtime add table {TABLE.quoted};
"""


@dataclass
class Ward:
    """The patient and what a scenario may use on it.

    Attributes:
        lab: the running lab; a scenario that breaks the whole of it starts one of its own in `cleanup`.
        target: what is looked at; a scenario may put another in its place (through a proxy, say).
        healthy: the evidence of a full look at the healthy project, taken once.
        folder: an empty folder for files of the scenario.
        careless: whether the application does what it should not; a scenario's client heeds it.
        tools: what a scenario has put up and takes up again to mend it.
        server: a PostgreSQL of the scenario's own, where the lab's must not be touched.
        cleanup: closed after the test, in reverse order; what a scenario opens it enters here.
    """

    lab: Lab
    target: Target
    healthy: Evidence
    connection: psycopg.AsyncConnection
    folder: Path
    cleanup: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    table: TableName = TABLE
    careless: bool = False
    tools: dict[str, Any] = field(default_factory=dict)
    server: LoneServer | None = None

    async def sql(self, statements: str) -> None:
        """Run statements as the owner of the tables."""
        await self.connection.execute(statements.encode())

    async def superuser(self, statements: str) -> None:
        """Run statements that only the server's owner may run."""
        port = urlsplit(self.lab.info["database_url"]).port
        dsn = f"host={self.lab.info['db_socket_dir']} port={port} user=supabase_admin dbname=postgres"
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute(statements.encode())

    async def look(
        self,
        *,
        database: bool = False,
        subscriptions: bool = False,
        project: bool = False,
        way_in: bool = False,
        change: bool = False,
        clock: bool = False,
        token: bool = False,
        heard: Sequence[Heard] = (),
    ) -> Evidence:
        """Gather these pieces of evidence anew; the others stay as they were in health.

        `way_in` is the whole way to a broadcast, `change` goes on to a change, `heard` is what a client was told.
        """
        seen = replace(self.healthy, heard=tuple(heard), key=probe_key(self.target))
        seen = replace(seen, database_home=probe_database_home(self.target))
        if database:
            seen = replace(seen, database=await probe_database(self.target, [self.table]))
        if subscriptions:
            seen = replace(seen, subscriptions=await probe_subscriptions(self.target, [self.table]))
        if project:
            seen = replace(seen, project=await probe_project(self.target, self.folder, self.table.schema))
        if way_in or change:
            seen = await self._on_the_way(seen, change)
        if clock:
            seen = replace(seen, clock=(await probe_services(self.target))[1])
        if token:
            seen = replace(seen, token=await probe_token(self.target, seen.clock))
        return seen

    async def _on_the_way(self, seen: Evidence, change: bool) -> Evidence:
        """What hangs on the connection: of one that is not opened, there is nothing live."""
        writer = await open_writer(self.target, seen.database) if change else NO_WRITER
        try:
            run = await probe_run(self.target, writer.table if isinstance(writer, RowWriter) else self.table, writer, 0)
        finally:
            if isinstance(writer, RowWriter):
                await writer.close()
        seen = replace(seen, connection=run.connection, live=run.live, addresses=await probe_addresses(self.target))
        if run.connection.open:
            return seen
        services = (await probe_services(self.target))[0] if run.connection.reached else NO_WRITER
        return replace(seen, live=NO_WRITER, subscriptions=NO_WRITER, services=services)


@contextlib.asynccontextmanager
async def healthy_ward(lab: Lab, healthy: Evidence, folder: Path) -> AsyncIterator[Ward]:
    """The ward with its table; afterwards the schema `clinic` is gone with all that is in it."""
    url = lab.info["database_url"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(HEALTHY.encode())
        ward = Ward(lab, lab.target, healthy, connection, folder)
        try:
            async with ward.cleanup:
                yield ward
        finally:
            await connection.execute("drop schema clinic cascade")
