"""`workbook watch` and `workbook alerts` as programs are used."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from helpers.cli import main
from helpers.database_url import libpq_url
from helpers.lab import Lab
from helpers.target import Target
from helpers.watch.lodging import lodging
from tests.doctor.conftest import LIMIT_S, environment
from tests.run.conftest import descendants_of


async def start(
    folder: Path, *arguments: str, target: Target | None = None, **variables: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "helpers", "watch", "--port", "0", *arguments),
        env=environment(target, folder, WORKBOOK_RESULTS_DIR=str(folder / "results"), **variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def test_it_watches_a_project_for_a_while(lab: Lab, tmp_path: Path) -> None:
    """A project that may not be written to: broadcasts only, a line of how they did, exit code 0."""
    watching = await start(tmp_path, "--every", "0.2", "--for", "4", target=replace(lab.target, writes_allowed=False))
    async with asyncio.timeout(LIMIT_S):
        out, err = await watching.communicate()
    text = out.decode()
    assert (watching.returncode, err.decode()) == (0, "")
    assert re.search(r"metrics at http://127\.0\.0\.1:\d+/metrics", text)
    assert re.search(r"workbook-canary-broadcast: live, \d+ received, 0 lost", text)
    assert "changes" not in text
    assert (tmp_path / "results" / "monitoring.json").exists()


async def test_it_watches_changes_where_it_may_write_and_leaves_no_schema(lab: Lab, tmp_path: Path) -> None:
    """A project of which nothing was prepared: the canary makes its own schema, and takes it away with its table."""
    watching = await start(tmp_path, "--every", "0.2", "--for", "15", target=lab.target, WORKBOOK_ALLOW_WRITES="yes")
    async with asyncio.timeout(LIMIT_S):
        out, err = await watching.communicate()
    assert (watching.returncode, err.decode()) == (0, "")
    assert re.search(r"workbook-canary-changes: live, [1-9]\d* received, 0 lost", out.decode())
    assert not await _schemas(lab.target)


async def test_a_canary_that_was_killed_is_cleared_up_after(lab: Lab, tmp_path: Path) -> None:
    """What it left is dropped once nobody has written there for a day; another canary's table stays, and its schema."""
    watching = await start(tmp_path, "--every", "0.2", target=lab.target, WORKBOOK_ALLOW_WRITES="yes")
    assert watching.stdout is not None and lab.target.database_url is not None
    async with asyncio.timeout(LIMIT_S):
        assert b"metrics at" in await watching.stdout.readline()
        watching.kill()
        await watching.wait()
    (schema,) = await _schemas(lab.target)
    project = replace(lab.target, schema="workbook")
    async with lodging(project) as target:
        assert target.schema == schema == "workbook_canary"
    assert await _schemas(lab.target) == [schema]  # who wrote a moment ago may be alive
    async with await psycopg.AsyncConnection.connect(libpq_url(lab.target.database_url), autocommit=True) as database:
        (table,) = await _column(database, "select tablename from pg_tables where schemaname = %s", schema)
        await database.execute(f"update {schema}.{table} set sent_at = now() - interval '25 hours'".encode())
    async with lodging(project):
        pass
    assert not await _schemas(lab.target)


async def _schemas(target: Target) -> list[str]:
    assert target.database_url is not None
    async with await psycopg.AsyncConnection.connect(libpq_url(target.database_url)) as database:
        return await _column(database, "select nspname from pg_namespace where nspname like %s", "%canary")


async def _column(database: psycopg.AsyncConnection[Any], query: LiteralString, parameter: str) -> list[str]:
    return [row[0] for row in await (await database.execute(query, [parameter])).fetchall()]


async def test_interrupting_it_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C beside a lab of its own: exit code 130, and no process is left."""
    watching = await start(tmp_path, "--target", "lab")
    assert watching.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        assert b"metrics at" in await watching.stdout.readline()
        children = descendants_of(str(tmp_path))
        watching.send_signal(signal.SIGINT)
        await watching.communicate()
    assert children
    assert watching.returncode == 130
    assert descendants_of(str(tmp_path)) == []


async def test_a_port_that_is_taken_is_told(lab: Lab, tmp_path: Path) -> None:
    """A mistake is a sentence with advice, without a stack trace."""
    watching = await start(tmp_path, "--port", str(lab.target.port), target=lab.target)
    async with asyncio.timeout(LIMIT_S):
        _, err = await watching.communicate()
    assert watching.returncode == 1
    assert "Choose another port with --port" in err.decode()
    assert "Traceback" not in err.decode()


def test_files_are_written_and_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four files; what somebody has changed since is kept, unless forced."""
    assert main(["alerts", "--out", str(tmp_path)]) == 0
    names = ["alertmanager.yml", "dashboard.json", "prometheus.yml", "realtime.rules.yml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    (tmp_path / "prometheus.yml").write_text("mine")
    assert main(["alerts", "--out", str(tmp_path)]) == 2
    assert "prometheus.yml would be changed" in capsys.readouterr().err
    assert (tmp_path / "prometheus.yml").read_text() == "mine"
    assert main(["alerts", "--out", str(tmp_path), "--force"]) == 0
