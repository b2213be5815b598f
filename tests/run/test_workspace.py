"""The workbook's own schema in somebody's database."""

from __future__ import annotations

import os
from dataclasses import replace

import psycopg
import pytest

from helpers.errors import TargetError
from helpers.lab import Lab
from helpers.target import Target, TargetKind
from helpers.workspace import NEVER, Workspace, prepare


def as_project(lab: Lab, schema: str) -> Target:
    return replace(lab.target, kind=TargetKind.HOSTED, schema=schema)


def schemas(lab: Lab) -> set[str]:
    with psycopg.connect(lab.target.database_url or "") as connection:
        return {name for (name,) in connection.execute("select nspname from pg_namespace").fetchall()}


async def test_tables_come_and_go(lab: Lab) -> None:
    """Preparing makes the tables and the seed rows in the schema; clearing drops all of it, twice without harm."""
    workspace = await prepare(as_project(lab, "workbook_comes"))
    assert workspace is not None
    with psycopg.connect(lab.target.database_url or "") as connection:
        assert connection.execute("select count(*) from workbook_comes.rooms").fetchone() == (5,)
    workspace.clear()
    workspace.clear()
    assert "workbook_comes" not in schemas(lab)


async def test_schema_of_a_killed_session_is_taken_over(lab: Lab) -> None:
    """What a session left that was killed is used again, and dropped by the next one."""
    await prepare(as_project(lab, "workbook_left"))
    workspace = await prepare(as_project(lab, "workbook_left"))
    assert workspace is not None
    workspace.clear()
    assert "workbook_left" not in schemas(lab)


async def test_schema_of_somebody_else_is_never_dropped(lab: Lab) -> None:
    """A schema without the workbook's mark is refused, and clearing does not touch it."""
    url = lab.target.database_url or ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create schema not_ours")
        connection.execute("create table not_ours.precious (id int)")
        with pytest.raises(TargetError, match="WORKBOOK_SCHEMA"):
            await prepare(as_project(lab, "not_ours"))
        Workspace(url, "not_ours").clear()
        assert connection.execute("select count(*) from not_ours.precious").fetchone() == (0,)
        connection.execute("drop schema not_ours cascade")


@pytest.mark.parametrize("schema", sorted(NEVER))
async def test_schemas_of_supabase_are_refused(lab: Lab, schema: str) -> None:
    """The schemas of Supabase and of the application are refused by name."""
    with pytest.raises(TargetError, match="never writes there"):
        await prepare(as_project(lab, schema))


async def test_nothing_is_prepared_without_permission(lab: Lab) -> None:
    """Where writing is not allowed, or there is no database, nothing is made."""
    assert await prepare(replace(as_project(lab, "workbook_no"), writes_allowed=False)) is None
    assert await prepare(replace(as_project(lab, "workbook_no"), database_url=None)) is None
    assert "workbook_no" not in schemas(lab)


def test_password_is_not_shown() -> None:
    """A database that refuses, and the object itself, never show the password."""
    workspace = Workspace("postgresql://me:my-hidden-word@127.0.0.1:1/x", "workbook")
    assert "my-hidden-word" not in repr(workspace)
    with pytest.raises(TargetError) as caught:
        workspace.claim()
    assert "my-hidden-word" not in str(caught.value)
    assert os.linesep not in caught.value.happened
