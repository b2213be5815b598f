"""The code in the report is for this very project, and it runs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from supabase import acreate_client

from helpers.lab import Lab
from helpers.places import repository_root
from helpers.prisma import SEED_USERS, prisma_client
from helpers.prisma.datamodel import parse_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.report import Inputs
from helpers.report.examples import examples, model_of
from helpers.review.reviewed import Followed
from helpers.workspace import fill
from tests.report.conftest import reviewed, saved
from tests.sync.typescript.project import HERE, Project


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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The workbook's own schema, with Prisma's client, for the strictest compiler."""
    return Project(tmp_path_factory.mktemp("examples"), SCHEMA.read_text(), (), patterns=False)


def complaints(project: Project, sources: dict[str, str]) -> str:
    """What the compiler says of examples, unchanged, in a project that has `@prisma/client`."""
    settings = project.folder / "tsconfig.json"
    options = json.loads(settings.read_text())
    options["compilerOptions"]["paths"] = {"@prisma/client": ["./src/generated/client.ts"]}
    settings.write_text(json.dumps(options))
    for name, code in sources.items():
        (project.folder / "src" / f"{name}.ts").write_text(code)
    return project.compile()


def test_typescript_compiles(inputs: Inputs, project: Project) -> None:
    """The strictest compiler takes each example as it stands (those for a reviewed application with a key of two
    fields, and with filters that the code computes), and complains of nothing but a field that is not there."""
    member = parse_datamodel(SCHEMA.read_text()).models["Member"]
    filters = {"computed": "room_id=eq.{room.id}", "fixed": "room_id=eq.5", "unknown": "room_id=eq.{?}", "none": ""}
    sources = {
        name: of_followed(inputs, Followed("public", "members", text, member))[0] for name, text in filters.items()
    }
    sources["mirror"] = examples(inputs)[0].code
    sources["broken"] = sources["mirror"].replace("where: { id }", "where: { ident: id }")
    lines = [line for line in complaints(project, sources).splitlines() if line.startswith("src/")]
    assert len(lines) >= 2
    assert all(line.startswith("src/broken.ts") for line in lines), lines


def test_typescript_for_a_nasty_model_compiles(inputs: Inputs, tmp_path: Path) -> None:
    """A model called Map with fields called class and default, and columns with quotes and accents in their names."""
    schema = (HERE / "odd.prisma").read_text()
    model = parse_datamodel(schema).models["Map"]
    followed = Followed("odd", "odd map's", "défaut=eq.`${x}\\'\"{the.class}", model)
    project = Project(tmp_path, schema, (), patterns=False)
    code, python = of_followed(inputs, followed)
    assert complaints(project, {"example": code}) == ""
    assert python.startswith("# No example, because Prisma Client Python refuses names that are Python's own: class")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [("name String @unique", "has no @id"), ("id Bytes @id", "(id Bytes)"), ("id Decimal @id", "(id Decimal)")],
)
def test_no_example_says_why(inputs: Inputs, fields: str, reason: str) -> None:
    """A model whose rows cannot be found again by what a change tells gets no code that would fail."""
    model = parse_datamodel(f"model Thing {{\n  {fields}\n}}").models["Thing"]
    for code in of_followed(inputs, Followed("public", "Thing", "", model)):
        assert code.lstrip("/# ").startswith("No example, because")
        assert reason in code


def of_followed(inputs: Inputs, followed: Followed) -> tuple[str, ...]:
    """The examples for a table of a reviewed application, in TypeScript and in Python."""
    result = saved("review", replace(reviewed(), followed=followed))
    return tuple(example.code for example in examples(replace(inputs, review=result)))  # type: ignore[arg-type]


async def test_python_for_a_users_model_runs(inputs: Inputs, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example for a reviewed application, unchanged, tells rows as Prisma reads them, and keys that are gone."""
    model = parse_datamodel(SCHEMA.read_text()).models["Message"]
    code = of_followed(inputs, Followed(lab.target.schema, "messages", "room_id=eq.{room.id}", model))[1]
    bodies: set[str] = set()
    told, missed = asyncio.Event(), asyncio.Event()

    def apply(rows: list[Any], gone: set[tuple[int]]) -> None:
        bodies.update(row.body for row in rows)
        (missed if gone else told).set()

    author = SEED_USERS["ada"]
    insert = "insert into messages (room_id, author, body) values (123, %s, 'followed') returning id"
    async with _following(lab, monkeypatch, code, 123, apply):
        connection = await psycopg.AsyncConnection.connect(lab.target.database_url or "", autocommit=True)
        async with connection, asyncio.timeout(60):
            while not told.is_set():  # until the subscription has begun
                await connection.execute(insert, [author])
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), 1)
            assert bodies == {"followed"}
            await connection.execute("delete from messages where body = 'followed'")
            await missed.wait()


async def test_python_example_runs(inputs: Inputs, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python example, unchanged, keeps a copy of the table through inserts, updates and deletes."""
    async with _following(lab, monkeypatch, examples(inputs)[1].code):
        await _change_and_compare(lab)


@contextlib.asynccontextmanager
async def _following(lab: Lab, monkeypatch: pytest.MonkeyPatch, code: str, *arguments: Any) -> AsyncIterator[None]:
    """Run an example's `follow` with the vendor's client and the lab's Prisma, and end it."""
    await fill(lab.target)
    prisma = await prisma_client(lab.target)
    package = type(prisma).__module__.rpartition(".")[0]
    monkeypatch.setitem(sys.modules, "prisma", sys.modules[package])
    monkeypatch.setitem(sys.modules, "prisma.models", importlib.import_module(f"{package}.models"))
    namespace: dict[str, Any] = {}
    exec(compile(code, "example", "exec"), namespace)
    supabase = await acreate_client(lab.target.api_url, lab.target.publishable_key)
    await supabase.realtime.set_auth(lab.token(sub=SEED_USERS["ada"]))
    following = asyncio.create_task(namespace["follow"](supabase, prisma, *arguments))
    try:
        yield
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
    assert {path.name for path in folder.iterdir()} == {
        *("follow.ts", "follow.py.txt", "mirror.ts", "mirror.py.txt", "report.css")
    }
