"""A project with hundreds of tables: the one that is broken is found, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio

from helpers.diagnosis import diagnose
from helpers.lab import Lab, LabSettings
from helpers.target import Target
from tests.benchmarks.bench_diagnosis import crowd
from tests.diagnosis.test_diagnose_lab import snapshot
from tests.thorough import so_many

#: More than a diagnosis looks at one by one.
TABLES = so_many(400, 2_000)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowded() -> AsyncIterator[Target]:
    """A lab with as many published tables, in which nothing may be written."""
    async with Lab(LabSettings()) as lab:
        await crowd(lab.info["database_url"], TABLES)
        yield replace(lab.target, writes_allowed=False)


async def test_the_last_of_many_tables_is_looked_at(crowded: Target) -> None:
    """Health is not told of tables that were not looked at."""
    last = max(f"crowd.table_{number}" for number in range(TABLES))  # in the order of names
    async with await psycopg.AsyncConnection.connect(str(crowded.database_url), autocommit=True) as connection:
        await connection.execute(f"revoke select on {last} from authenticated".encode())
        diagnosis = await diagnose(crowded, repeats=1)
        await connection.execute(f"grant select on {last} to authenticated".encode())
    assert [check.id for check in diagnosis.failures] == ["select_granted"]
    assert last in diagnosis.headline


async def test_nothing_is_written(crowded: Target) -> None:
    """Rows, sequences, definitions and the counters of written rows are the same afterwards."""
    async with await psycopg.AsyncConnection.connect(str(crowded.database_url), autocommit=True) as connection:
        before = await snapshot(connection)
        diagnosis = await diagnose(crowded)
        assert await snapshot(connection) == before
    assert diagnosis.findings == ()
