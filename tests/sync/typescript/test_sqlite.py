"""A mirror's SQLite file is read by Prisma: of a schema whose provider is `sqlite`, without any binary."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from helpers.lab import Lab
from helpers.resilience import ResilientClient, install_change_log
from helpers.sync.mirroring import SqliteStore, TableMirror
from tests.resilience.quick import QUICK
from tests.sync.typescript.project import HERE, Project, running

MADE = """
    create table copied (
        id bigint primary key, body text, amount numeric(30, 10), open boolean, at timestamptz, meta jsonb
    )
"""
ROW = """
    insert into copied values (9007199254740993, 'ö', 12345678901234567890.0000000001, true,
    '2026-11-22T10:00:00.123456+02:00', '{"n": [1]}')
"""
TOLD = {
    "id": "9007199254740993",
    "body": "ö",
    "amount": "12345678901234567890.0000000001",
    "open": True,
    "at": "2026-11-22T08:00:00.123456+00:00",
    "meta": '{"n": [1]}',
}


@pytest.fixture(scope="session")
def sqlite_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A client for SQLite."""
    schema = (HERE / "copied.prisma").read_text()
    project = Project(tmp_path_factory.mktemp("typescript"), schema, ("sqlite",), patterns=False)
    assert project.compile() == ""
    return project


async def test_prisma_reads_the_file_of_a_mirror(lab: Lab, sqlite_project: Project, tmp_path: Path) -> None:
    """While the mirror writes it; integers, decimals, times and JSON with all that they have."""
    file = tmp_path / "copy.db"
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
        await connection.execute(MADE)
        try:
            await install_change_log(connection, ["copied"])
            async with (
                SqliteStore(file, "copied") as store,
                ResilientClient(lab.target.as_service(), settings=QUICK) as realtime,
            ):
                mirror = TableMirror(realtime, "copied", store)
                running_mirror = asyncio.create_task(mirror.run())
                await mirror.caught_up()
                async with running(sqlite_project, "sqlite", lab, file=str(file)) as program:
                    program.say("rows")
                    assert await program.hear("rows") == []
                    await connection.execute(ROW)
                    await mirror.caught_up()
                    program.say("rows")
                    assert await program.hear("rows") == [TOLD]
                running_mirror.cancel()
                await asyncio.gather(running_mirror, return_exceptions=True)
        finally:
            await connection.execute("drop table copied")
