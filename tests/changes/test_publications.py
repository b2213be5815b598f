"""The publications of a project, and the twins from which the lab reads the log."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from tests.changes.conftest import Stage

_LISTED = """
select pubname from pg_publication where pubname in (%s, 'realtime_log_' || md5(%s)) order by pubname
"""
_OF_TWIN = """
select tablename from pg_publication_tables where pubname = 'realtime_log_' || md5(%s) order by tablename
"""


@pytest_asyncio.fixture
async def other(stage: Stage) -> AsyncIterator[str]:
    """The name of a publication besides the stage's own."""
    name = f"{stage.name}_other"
    yield name
    await stage.sql(f"drop publication if exists {name}")


async def twin_tables(stage: Stage, publication: str) -> list[str]:
    return [name for (name,) in await stage.sql(_OF_TWIN, publication)]


@pytest.mark.parametrize("suffix", ["_log", "_twin"])
async def test_publications_of_similar_names(stage: Stage, suffix: str) -> None:
    """A project's own publication is left alone, whatever its name adds to that of another one."""
    await stage.table("notes", "id int primary key")
    await stage.table("audit", "id int primary key", publish=False)
    similar = stage.name + suffix
    await stage.sql(f"create publication {similar} for table audit with (publish = 'delete')")
    try:
        await stage.sql(f"alter publication {stage.name} set (publish = 'insert')")
        rows = await stage.sql("select tablename from pg_publication_tables where pubname = %s", similar)
        assert rows == [("audit",)]
        operations = "select pubinsert, pubupdate, pubdelete from pg_publication where pubname = %s"
        assert await stage.sql(operations, similar) == [(False, False, True)]
    finally:
        await stage.sql(f"drop publication {similar}")


async def test_the_longest_names(stage: Stage) -> None:
    """A name may have the 63 bytes that PostgreSQL allows."""
    await stage.table("notes", "id int primary key")
    name = f"{stage.name}_".ljust(63, "x")
    await stage.sql(f"create publication {name}")
    await stage.sql(f"alter publication {name} add table notes")
    assert await twin_tables(stage, name) == ["notes"]
    await stage.sql(f"drop publication {name}")
    assert await stage.sql(_LISTED, name, name) == []


async def test_tables_that_inherit(stage: Stage, other: str) -> None:
    """A table is published with those that inherit from it, or alone."""
    await stage.sql("create table parent (id int primary key)")
    await stage.sql("create table child () inherits (parent)")
    await stage.sql(f"create publication {other} for table parent")
    assert await twin_tables(stage, other) == ["child", "parent"]
    await stage.sql(f"alter publication {other} drop table only child")
    assert await twin_tables(stage, other) == ["parent"]


async def test_partitions(stage: Stage, other: str) -> None:
    """A partitioned table brings its partitions."""
    await stage.sql("create table days (id int primary key) partition by range (id)")
    await stage.sql("create table day_1 partition of days for values from (0) to (10)")
    await stage.sql(f"create publication {other} for table days")
    assert await twin_tables(stage, other) == ["day_1"]


async def test_a_twin_goes_with_its_publication(stage: Stage, other: str) -> None:
    """With its old name when it is renamed, and altogether when it is dropped."""
    renamed = f"{other}_renamed"
    await stage.sql(f"create publication {other}")
    await stage.sql(f"alter publication {other} rename to {renamed}")
    assert await stage.sql(_LISTED, other, other) == []
    assert len(await stage.sql(_LISTED, renamed, renamed)) == 2
    await stage.sql(f"drop publication {renamed}")
    assert await stage.sql(_LISTED, renamed, renamed) == []


async def test_a_twin_goes_with_the_owner_of_its_publication(stage: Stage, other: str) -> None:
    """Whatever role drops all that it owns, a publication among it."""
    await stage.sql(f"create role {other}")
    await stage.sql(f"grant {other} to postgres")
    try:
        await stage.sql(f"grant create on database postgres to {other}")
        await stage.sql(f"set role {other}")
        await stage.sql(f"create publication {other}")
        assert len(await stage.sql(_LISTED, other, other)) == 2
        await stage.sql("reset role")
        await stage.sql(f"drop owned by {other}")
        assert await stage.sql(_LISTED, other, other) == []
    finally:
        await stage.sql("reset role")
        await stage.sql(f"drop owned by {other}")
        await stage.sql(f"drop role {other}")


async def test_a_twin_explains_itself(stage: Stage) -> None:
    """Whoever lists publications reads what it is for."""
    query = (
        "select obj_description(oid, 'pg_publication') from pg_publication where pubname = 'realtime_log_' || md5(%s)"
    )
    ((said,),) = await stage.sql(query, stage.name)
    assert said == f"What the lab reads of the publication {stage.name}, which it follows"


async def test_publishing_at_the_same_time(stage: Stage, other: str) -> None:
    """Two transactions that change different publications do not hinder one another."""
    await stage.sql(f"create publication {other}")
    await stage.table("notes", "id int primary key")
    owner_dsn = stage.dsn.replace("user=supabase_admin", "user=postgres")
    async with await psycopg.AsyncConnection.connect(owner_dsn, options="-c statement_timeout=5s") as busy:
        await busy.execute(f"alter publication {other} set (publish = 'insert')".encode())
        await stage.sql("set statement_timeout = '2s'")
        await stage.sql(f"alter publication {stage.name} drop table notes")
        await busy.commit()
    assert await twin_tables(stage, stage.name) == []
