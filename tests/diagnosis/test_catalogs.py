"""Reading the catalogs of other versions, of many tables, and of names that need care."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from helpers.diagnosis.evidence import Database, TableName
from helpers.diagnosis.probes import probe_database
from helpers.diagnosis.probes.function_text import sending, tables_read, truncated, without_truncate
from helpers.lab.cluster import SQL_FILES, sql_text
from helpers.lab.installation import find_installation
from helpers.target import Target
from tests.diagnosis.scenarios.ward import HEALTHY, TABLE
from tests.thorough import so_many

#: Where Debian has the programs of older versions.
OLDER = [Path(f"/usr/lib/postgresql/{major}/bin") for major in (14, 15, 16, 17)]
#: What the lab asks of its own publication, and PostgreSQL 18 only can do.
NEWER = " with (publish_generated_columns = stored)"
MANY = so_many(400, 2_000)
#: What the trial of one table's policies asks.
TRIAL_QUERIES = 5


@pytest.fixture(params=OLDER, ids=lambda folder: folder.parent.name)
def older(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server of another version, with Supabase's roles and schemas in it."""
    programs: Path = request.param
    if not (programs / "postgres").exists():
        pytest.skip(f"PostgreSQL {programs.parent.name} is not installed ({programs})")
    installation = replace(find_installation(), bin=programs)
    folder = Path(tempfile.mkdtemp(prefix="workbook-older-"))
    installation.give(folder)
    data = folder / "data"
    settings = f"-c unix_socket_directories={folder} -c listen_addresses= -c wal_level=logical -c fsync=off"
    try:
        run(installation.run(programs / "initdb", "-D", data, "-U", "supabase_admin", "--auth=trust", "--no-sync"))
        control = (programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-s")
        run(installation.run(*control, "-o", settings, "start"))
        try:
            with psycopg.connect(f"host={folder} user=supabase_admin dbname=postgres", autocommit=True) as connection:
                for name in SQL_FILES:
                    connection.execute(sql_text(name).replace(NEWER, "").encode())
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run(installation.run(*control, "-m", "immediate", "stop"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr


async def test_an_older_server_is_read_whole(patient: Target, older: str) -> None:
    """No query fails on a server without the newest columns of the catalogs, and what it has is seen."""
    async with await psycopg.AsyncConnection.connect(older, autocommit=True) as connection:
        await connection.execute(HEALTHY.encode())
    database = await probe_database(replace(patient, database_url=older), [TABLE])
    assert isinstance(database, Database)
    assert database.errors == ()
    (table,) = database.tables
    assert table.published
    assert [trial.error for trial in table.trials] == [""]
    assert database.messages is not None


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(surgeon: psycopg.AsyncConnection) -> AsyncIterator[None]:
    """Thousands of published tables with policies."""
    await surgeon.execute(
        f"""
do $$ begin
  for number in 1..{MANY} loop
    execute format('create table clinic."Täble %s" (id uuid primary key, user_id uuid, body text)', number);
    execute format('alter table clinic."Täble %s" enable row level security', number);
    execute format('create policy own on clinic."Täble %s" for select using (user_id = (select auth.uid()))', number);
    execute format('alter publication supabase_realtime add table clinic."Täble %s"', number);
  end loop;
end $$;
grant select on all tables in schema clinic to authenticated;
""".encode()
    )
    yield


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the database."""
    asked: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def noted(cursor: Any, query: Any, *given: Any, **more: Any) -> Any:
        asked.append(str(query))
        return await execute(cursor, query, *given, **more)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", noted)
    return asked


async def test_many_tables_take_as_many_queries_as_one(patient: Target, crowd: None, asked: list[str]) -> None:
    """All of them are read, and of their policies as many are tried as there is time for."""
    assert isinstance(await probe_database(patient, [TableName("clinic", "Täble 1")]), Database)
    of_one = len(asked)
    database = await probe_database(patient, None)
    assert isinstance(database, Database), database
    assert database.errors == ()
    assert sum(table.name.schema == "clinic" and table.published for table in database.tables) == MANY
    tried = sum(len(table.trials) for table in database.tables)
    assert tried > 0
    assert len(asked) - of_one < of_one + TRIAL_QUERIES * tried + MANY / 2


CHAT, OTHER = TableName("clinic", "Chat"), TableName("public", "notes")


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ('select 1 from clinic."Chat" c', (CHAT,)),
        ("SELECT 1 FROM Public . Notes", (OTHER,)),
        ("select 1 from x join only notes on true", (OTHER,)),
        ("select 1 from clinic.chat", ()),
        ("select 'notes'", ()),
    ],
)
def test_tables_that_a_body_reads(body: str, read: tuple[TableName, ...]) -> None:
    """Names are folded and unquoted as PostgreSQL does it."""
    assert tables_read(body, [CHAT, OTHER]) == read


def test_a_truncate_becomes_a_delete() -> None:
    """Of any form of it, and the rest of the function stays."""
    body = 'begin truncate table only clinic."Chat" restart identity cascade; truncate notes; end'
    assert truncated(body, [CHAT, OTHER]) == (CHAT, OTHER)
    assert without_truncate(body) == 'begin delete from clinic."Chat"; delete from notes; end;'


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        ("realtime.broadcast_changes('room:' || new.id, 'a', tg_op)", (True, "room:", True)),
        ("realtime.send(jsonb_build_object('a', f(1, 2)), 'e,(', 'it''s', false)", (False, "it's", False)),
        ("realtime.send(payload, 'event', topic)", (False, "", True)),
        ("nothing()", (False, "", True)),
    ],
)
def test_what_a_trigger_sends(call: str, seen: tuple[bool, str, bool]) -> None:
    """The function, the beginning of the topic and whether it is private."""
    found = sending(f"begin perform {call}; return null; end")
    assert (found.whole_rows, found.topic, found.private) == seen
