"""A project's folder beside a real database: fixes that are deployed, and thousands of models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from helpers.diagnosis import gather
from helpers.diagnosis.evidence.project import Project, ProjectDatabase
from helpers.diagnosis.probes import probe_project
from helpers.diagnosis.rules import judge
from helpers.lab import Lab
from tests.diagnosis.scenarios.application import NOTES, SCHEMA, TABLES, Application, healthy_application, write_files
from tests.diagnosis.scenarios.ward import Ward, healthy_ward

pytestmark = pytest.mark.asyncio(loop_scope="session")
NEXT = "prisma/migrations/3_next/migration.sql"


@pytest_asyncio.fixture(loop_scope="session")
async def ward(clinic: Lab, tmp_path: Path) -> AsyncIterator[Ward]:
    health = await gather(clinic.target, repeats=1)
    async with healthy_ward(clinic, health, tmp_path) as ward:
        yield ward


async def findings(ward: Ward) -> dict[str, str]:
    return {check.id: check.fix for check in judge(await ward.look(project=True)) if check.is_finding}


async def test_a_healthy_application_gives_no_finding(ward: Ward) -> None:
    """Deployed as Prisma deploys it, nothing is wrong with it."""
    healthy_application(ward)
    assert await findings(ward) == {}


async def test_the_fix_of_a_migration_holds_when_it_is_deployed(ward: Ward) -> None:
    """With what is printed at its end, the migration that makes a table anew leaves all of it in force."""
    healthy_application(ward)
    application = Application(ward)
    application.write(NEXT, f'DROP TABLE "notes";\nDROP TYPE "kind";\n{TABLES}')
    application.append(NEXT, (await findings(ward))["migrations_keep_published"])
    application.deploy()
    assert await findings(ward) == {}
    state = await ward.connection.execute(
        "select relreplident, relrowsecurity, has_table_privilege('authenticated', oid, 'SELECT')"
        " from pg_class where oid = 'clinic.notes'::regclass"
    )
    assert await state.fetchone() == ("f", True, True)


async def test_without_that_fix_the_table_is_silent_and_named(ward: Ward) -> None:
    """Deployed as Prisma wrote it, the table is not published any more, which is a finding with its SQL."""
    healthy_application(ward)
    application = Application(ward)
    application.write(NEXT, f'DROP TABLE "notes";\nDROP TYPE "kind";\n{TABLES}')
    application.deploy()
    found = await findings(ward)
    assert list(found) == ["prisma_tables_published"]
    assert found["prisma_tables_published"] == 'alter publication supabase_realtime add table "clinic"."notes";'


async def test_a_role_that_may_not_read_the_ledger(ward: Ward) -> None:
    """Migrations are then not compared; the rest is judged."""
    healthy_application(ward)
    await ward.sql(f"revoke all on clinic._prisma_migrations from public; grant select on {NOTES} to anon")
    port = psycopg.conninfo.conninfo_to_dict(ward.lab.info["database_url"])["port"]
    ward.target = replace(ward.target, database_url=f"postgresql://reader:reader@127.0.0.1:{port}/postgres")
    await ward.superuser("create role reader login password 'reader'; grant usage on schema clinic to reader")
    ward.cleanup.push_async_callback(ward.superuser, "drop owned by reader; drop role reader")
    evidence = await ward.look(project=True)
    assert isinstance(evidence.project, Project)
    assert isinstance(evidence.project.database, ProjectDatabase), evidence.project.database
    assert evidence.project.database.ledger is None
    assert await findings(ward) == {}


async def test_two_thousand_models_are_compared_with_their_tables(ward: Ward, tmp_path: Path) -> None:
    """All of them published, within the probe's limits."""
    models = "".join(f"model t{n} {{\n  id Int @id\n}}\n" for n in range(2000))
    write_files(tmp_path, {"schema.prisma": SCHEMA.partition("enum")[0] + models, ".env": "DATABASE_URL=x"})
    for start in range(0, 2000, 500):
        names = range(start, start + 500)
        await ward.sql(";".join(f"create table clinic.t{n} (id int primary key)" for n in names))
        await ward.sql("alter publication supabase_realtime add table " + ",".join(f"clinic.t{n}" for n in names))
    project = await probe_project(ward.target, tmp_path, "clinic")
    assert isinstance(project, Project)
    assert isinstance(project.database, ProjectDatabase), project.database
    assert sum(table.published for table in project.database.tables) == 2000
