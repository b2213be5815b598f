"""`workbook doctor` as a process, against the lab or whatever stands in front of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from helpers import workspace
from helpers.lab import Lab, LabSettings
from helpers.target import Target

#: Far above what any diagnosis takes, so that a command that hangs is a failure of the test and no endless wait.
LIMIT_S = 90


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def first(self) -> str:
        return self.out.splitlines()[0]


Command = Callable[..., "asyncio.Future[Told]"]


def environment(target: Target | None, folder: Path, **more: str) -> dict[str, str]:
    """The variables of a shell in which nothing but this target is set."""
    dropped = ("SUPABASE_", "WORKBOOK_", "DATABASE_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    kept |= {name: value for name, value in os.environ.items() if name == "WORKBOOK_CACHE_DIR"}
    kept |= {"WORKBOOK_ENV_FILE": str(folder / "none.env"), "WORKBOOK_TEST_MARKER": str(folder)}
    if target is not None:
        kept |= {"SUPABASE_URL": target.api_url, "SUPABASE_PUBLISHABLE_KEY": target.publishable_key}
        kept |= {"DATABASE_URL": target.database_url} if target.database_url else {}
    return kept | more


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs `workbook …` against a target, and waits for its end while the lab's own proxies go on."""

    async def run(*arguments: str, target: Target | None = None, **more: str) -> Told:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "helpers", *arguments),
            env=environment(target, tmp_path, **more),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
        assert process.returncode is not None
        return Told(process.returncode, out.decode(), err.decode())

    return run  # type: ignore[return-value]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def practice() -> AsyncIterator[Lab]:
    """A lab with the workbook's tables, whose tables the tests may break if they mend them."""
    async with Lab(LabSettings()) as lab:
        await workspace.fill(lab.target)
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def owner(practice: Lab) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection of the tables' owner, and a schema `shop` with one healthy table, gone afterwards."""
    async with await psycopg.AsyncConnection.connect(practice.info["database_url"], autocommit=True) as connection:
        await connection.execute(HEALTHY)
        try:
            yield connection
        finally:
            await connection.execute("drop schema shop cascade")


HEALTHY = """
create schema shop;
grant usage on schema shop to authenticated;
create table shop.orders (id uuid primary key default gen_random_uuid(), user_id uuid, body text);
create index on shop.orders (user_id);
alter table shop.orders replica identity full;
grant select on shop.orders to authenticated;
alter table shop.orders enable row level security;
create policy own on shop.orders for select to authenticated using (user_id = (select auth.uid()));
alter publication supabase_realtime add table shop.orders;
"""
