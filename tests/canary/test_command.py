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
from helpers.monitoring.canary import CanarySettings, watching
from helpers.monitoring.exporter import Exporter
from helpers.target import Target
from helpers.watch.command import saving
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
    process = await start(tmp_path, "--every", "0.2", "--for", "4", target=replace(lab.target, writes_allowed=False))
    async with asyncio.timeout(LIMIT_S):
        out, err = await process.communicate()
    text = out.decode()
    assert (process.returncode, err.decode()) == (0, "")
    assert re.search(r"metrics at http://127\.0\.0\.1:\d+/metrics", text)
    assert re.search(r"workbook-canary-broadcast: live, \d+ received, 0 lost", text)
    assert "changes" not in text
    assert (tmp_path / "results" / "monitoring.json").exists()


async def test_it_watches_changes_where_it_may_write_and_leaves_no_schema(lab: Lab, tmp_path: Path) -> None:
    """A project of which nothing was prepared: the canary makes its own schema, and takes it away with its table."""
    process = await start(tmp_path, "--every", "0.2", "--for", "15", target=lab.target, WORKBOOK_ALLOW_WRITES="yes")
    async with asyncio.timeout(LIMIT_S):
        out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    assert re.search(r"workbook-canary-changes: live, [1-9]\d* received, 0 lost", out.decode())
    assert not await _schemas(lab.target)


async def test_a_canary_that_was_killed_is_cleared_up_after(lab: Lab, tmp_path: Path) -> None:
    """What it left is dropped once nobody has written there for a day; another canary's table stays, and its schema."""
    process = await start(tmp_path, "--every", "0.2", target=lab.target, WORKBOOK_ALLOW_WRITES="yes")
    assert process.stdout is not None and lab.target.database_url is not None
    async with asyncio.timeout(LIMIT_S):
        assert b"metrics at" in await process.stdout.readline()
        process.kill()
        await process.wait()
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


async def test_what_was_seen_is_saved_meanwhile(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is killed after days has lost the last minutes."""
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(tmp_path))
    monkeypatch.setattr("helpers.watch.command.SAVE_S", 0.3)
    settings = CanarySettings(every_s=0.1)
    async with watching(lab.target, Exporter(port=None), settings) as canary, saving(canary, lab.target):
        await canary.wait_serving(messages=20)
        assert (tmp_path / "monitoring.json").exists()


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGHUP])
async def test_interrupting_it_leaves_nothing(tmp_path: Path, signal_: signal.Signals) -> None:
    """Ctrl-C, or a terminal that is closed, beside a lab of its own: exit code 130, and no process is left."""
    process = await start(tmp_path, "--target", "lab")
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        assert b"metrics at" in await process.stdout.readline()
        children = descendants_of(str(tmp_path))
        process.send_signal(signal_)
        await process.communicate()
    assert children
    assert process.returncode == 130
    assert descendants_of(str(tmp_path)) == []


async def test_a_port_that_is_taken_is_told(lab: Lab, tmp_path: Path) -> None:
    """A mistake is a sentence with advice, without a stack trace."""
    process = await start(tmp_path, "--port", str(lab.target.port), target=lab.target)
    async with asyncio.timeout(LIMIT_S):
        _, err = await process.communicate()
    assert process.returncode == 1
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
