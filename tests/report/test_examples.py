"""The code in the report is for this very project, and it runs."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from supabase import acreate_client

from helpers.lab import Lab
from helpers.node import node_executable
from helpers.places import repository_root
from helpers.prisma import SEED_USERS, prisma_client
from helpers.report import Inputs
from helpers.report.examples import examples, model_of
from helpers.workspace import fill


@pytest.mark.parametrize(("table", "model"), [("messages", "Message"), ("events", "Event"), ("rooms", "Room")])
def test_model_of_a_table(table: str, model: str) -> None:
    """The names come out of the project's schema.prisma."""
    assert model_of(table) == model


def test_examples_use_the_measured_filter(inputs: Inputs) -> None:
    """Both languages subscribe to the project's table with the filter that was measured, and no word is left open."""
    typescript, python = examples(inputs)
    assert (typescript.language, python.language) == ("typescript", "python")
    for example in (typescript, python):
        assert "room_id=eq.123" in example.code
        assert "__" not in example.code
        assert "messages" in example.code


def test_typescript_is_typescript(inputs: Inputs, tmp_path: Path) -> None:
    """Node takes the types away and finds a program."""
    (tmp_path / "mirror.ts").write_text(examples(inputs)[0].code)
    script = """
    const source = require('node:fs').readFileSync('mirror.ts', 'utf8')
    const code = require('node:module').stripTypeScriptTypes(source)
    new Function(code.replace(/^import.*$/gm, '').replace('export ', ''))
    """
    done = subprocess.run(
        [node_executable(), "-e", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def test_python_example_runs(inputs: Inputs, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python example, unchanged, keeps a copy of the table through inserts, updates and deletes."""
    await fill(lab.target)
    prisma = await prisma_client(lab.target)
    monkeypatch.setitem(sys.modules, "prisma", sys.modules[type(prisma).__module__.rpartition(".")[0]])
    namespace: dict[str, Any] = {}
    exec(compile(examples(inputs)[1].code, "example", "exec"), namespace)
    supabase = await acreate_client(lab.target.api_url, lab.target.publishable_key)
    await supabase.realtime.set_auth(lab.token(sub=SEED_USERS["ada"]))
    following = asyncio.create_task(namespace["follow"](supabase, prisma))
    try:
        await _change_and_compare(lab)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await supabase.remove_all_channels()
        await prisma.disconnect()


async def _change_and_compare(lab: Lab) -> None:
    """Write until the first row is mirrored (the subscription has begun), then change and delete it."""
    author = SEED_USERS["ada"]
    insert = "insert into messages (room_id, author, body, price) values (123, %s, 'one', 1.50) returning id"
    connection = await psycopg.AsyncConnection.connect(lab.target.database_url or "", autocommit=True)
    async with connection, asyncio.timeout(60):
        row = None
        while row is None:
            cursor = await connection.execute(insert, [author])
            (number,) = await cursor.fetchone() or (0,)
            row = await _mirrored(connection, number, lambda found: found is not None, 3.0)
        await connection.execute("update messages set body = 'two' where id = %s", [number])
        assert await _mirrored(connection, number, lambda found: bool(found and found[0] == "two"), 20.0)
        await connection.execute("delete from messages where author = %s and body in ('one', 'two')", [author])
        gone = "gone"
        assert await _mirrored(connection, number, lambda found: found is None, 20.0, gone) == gone


async def _mirrored(connection: Any, number: int, wanted: Any, limit_s: float, otherwise: Any = None) -> Any:
    """The copy of a row as soon as it is as wanted; None if that does not happen in time."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while asyncio.get_running_loop().time() < deadline:
        cursor = await connection.execute("select body, price from mirrored_messages where id = %s", [number])
        found = await cursor.fetchone()
        if wanted(found):
            return found if found is not None else otherwise
        await asyncio.sleep(0.05)
    return None


def test_templates_are_packaged() -> None:
    """The templates lie in the package, so that an installed workbook has them as well."""
    folder = repository_root() / "helpers" / "report" / "templates"
    assert {path.name for path in folder.iterdir()} == {"mirror.ts", "mirror.py.txt", "report.css"}
