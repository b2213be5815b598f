"""The script of the README, as a person would run it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from helpers.lab import Lab
from helpers.places import repository_root

#: For the script to start, connect and apply.
LIMIT_S = 30.0


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Taken from the README as it stands there."""
    text = (repository_root() / "README.md").read_text()
    [found] = re.findall(r"```python\n(# mirror\.py.*?)```", text, re.DOTALL)
    assert len([line for line in found.splitlines() if line.strip() and not line.startswith("#")]) <= 15
    path = tmp_path / "mirror.py"
    path.write_text(found.replace('"messages"', '"read_me"'))
    return path


@contextlib.asynccontextmanager
async def running(script: Path, lab: Lab) -> AsyncIterator[asyncio.subprocess.Process]:
    target = lab.target
    named = {
        "SUPABASE_URL": target.api_url,
        "SUPABASE_PUBLISHABLE_KEY": target.publishable_key,
        "SUPABASE_SECRET_KEY": target.secret_key or "",
        "DATABASE_URL": target.database_url or "",
        "WORKBOOK_ENV_FILE": str(script.parent / "none"),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, script, cwd=script.parent, env=os.environ | named)
    try:
        yield process
        assert process.returncode is None, "the script ended by itself"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def until_copied(file: Path, expected: list[tuple[int, str]]) -> None:
    found: object = None
    async with asyncio.timeout(LIMIT_S):
        while found != expected:
            await asyncio.sleep(0.05)
            with contextlib.suppress(sqlite3.Error), sqlite3.connect(f"file:{file}?mode=ro", uri=True) as copy:
                found = copy.execute("select id, body from read_me order by id").fetchall()


async def test_it_copies_a_table_and_goes_on_after_it_was_killed(lab: Lab, script: Path) -> None:
    """What was written before, while it ran, while it was dead, and afterwards."""
    assert lab.target.database_url is not None
    copy = script.parent / "copy.db"
    async with await psycopg.AsyncConnection.connect(lab.target.database_url, autocommit=True) as connection:
        await connection.execute("create table read_me (id int primary key, body text)")
        await connection.execute("insert into read_me values (1, 'before')")
        async with running(script, lab):
            await until_copied(copy, [(1, "before")])
            await connection.execute("insert into read_me values (2, 'while it ran')")
            await until_copied(copy, [(1, "before"), (2, "while it ran")])
        await connection.execute("delete from read_me where id = 1")
        await connection.execute("insert into read_me values (3, 'while it was dead')")
        async with running(script, lab):
            await until_copied(copy, [(2, "while it ran"), (3, "while it was dead")])
        await connection.execute("drop table read_me")
