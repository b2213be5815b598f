"""Migrations: once, whole, and only on what is ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from helpers.errors import PrismaError
from helpers.prisma import deploy_migrations, drop_schema
from helpers.prisma.datamodel import FieldKind, read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.prisma.migrations import MIGRATIONS
from helpers.target import Target

NAMES = sorted(path.name for path in MIGRATIONS.iterdir() if path.is_dir())
SCHEMA_NAME = "prisma migrations"  # a name that has to be quoted


@pytest.fixture
def url(target: Target) -> Iterator[str]:
    """The lab's database; whatever a test leaves in the schema is dropped."""
    assert target.database_url
    yield target.database_url
    with psycopg.connect(target.database_url) as connection:
        connection.execute(f'drop schema if exists "{SCHEMA_NAME}" cascade')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may spoil."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        connection.execute(f'set search_path to "{SCHEMA_NAME}"')
        return connection.execute(query.encode()).fetchall()


def test_deploying_twice_applies_each_migration_once(url: str) -> None:
    """The second time there is nothing to do."""
    assert deploy_migrations(url, SCHEMA_NAME) == NAMES
    assert deploy_migrations(url, SCHEMA_NAME) == []
    ledger = ask(url, "select migration_name, length(checksum), applied_steps_count from _prisma_migrations order by 1")
    assert ledger == [(name, 64, 1) for name in NAMES]


def test_four_at_once_apply_each_migration_once(url: str) -> None:
    """Prisma's lock lets one do it; the others find it done."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: deploy_migrations(url, SCHEMA_NAME), range(4)))
    assert sorted(map(len, done)) == [0, 0, 0, len(NAMES)]


def test_the_tables_are_those_of_the_schema(url: str) -> None:
    """Every column that schema.prisma names is there, none is missing, and each may be null where it says so."""
    deploy_migrations(url, SCHEMA_NAME)
    found = ask(
        url,
        "select table_name::text, column_name::text, is_nullable = 'YES' from information_schema.columns"
        " where table_schema = current_schema() and table_name not like '\\_prisma%'",
    )
    models = read_datamodel(SCHEMA).models.values()
    told = {(model.table, name, field.is_optional) for model in models for name, field in model.columns.items()}
    assert set(found) == told
    assert all(field.kind is not FieldKind.RELATION for model in models for field in model.columns.values())


def test_what_prisma_cannot_say_is_there(url: str) -> None:
    """Publication, full replica identity, row level security and its policies."""
    deploy_migrations(url, SCHEMA_NAME)
    published = """select tablename::text from pg_publication_tables
                    where pubname = 'supabase_realtime' and schemaname = current_schema() order by 1"""
    assert ask(url, published) == [("events",), ("members",), ("messages",), ("rooms",)]
    identity = "select relreplident::text from pg_class where oid = 'messages'::regclass"
    assert ask(url, identity) == [("f",)]
    secured = (
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = current_schema() and c.relrowsecurity order by 1"
    )
    assert ask(url, secured) == [("members",), ("messages",), ("mirrored_messages",), ("rooms",)]


def test_policies_ask_who_it_is_once_per_statement(url: str) -> None:
    """Every auth.uid() in a policy is inside of a subselect, which the planner evaluates once."""
    deploy_migrations(url, SCHEMA_NAME)
    query = "select coalesce(qual, '') || coalesce(with_check, '') from pg_policies where schemaname = current_schema()"
    texts = ask(url, query)
    policies = [str(text) for (text,) in texts]
    assert sum("auth.uid()" in text for text in policies) >= 5
    assert [text for text in policies if text.count("auth.uid()") != text.count("SELECT auth.uid() AS uid")] == []


def test_a_changed_migration_is_refused(url: str, folder: Path) -> None:
    """A file that was edited after it was applied no longer tells what the database holds."""
    deploy_migrations(url, SCHEMA_NAME, folder)
    with (folder / NAMES[0] / "migration.sql").open("a") as file:
        file.write("-- edited\n")
    with pytest.raises(PrismaError, match="was changed after it was applied") as caught:
        deploy_migrations(url, SCHEMA_NAME, folder)
    assert "write a new migration" in caught.value.advice


def test_a_migration_that_fails_leaves_nothing(url: str, folder: Path) -> None:
    """All pending migrations are one transaction, the schema itself included."""
    (folder / "99999999999999_broken").mkdir()
    (folder / "99999999999999_broken" / "migration.sql").write_text("create table half (id int); select nothing;")
    with pytest.raises(PrismaError, match=r"99999999999999_broken failed: column .nothing. does not exist"):
        deploy_migrations(url, SCHEMA_NAME, folder)
    assert ask(url, f"select 1 from pg_namespace where nspname = '{SCHEMA_NAME}'") == []


def test_a_schema_with_other_migrations_is_left_alone(url: str, folder: Path) -> None:
    """Somebody else's application lives there: nothing is deployed and nothing dropped."""
    (folder / "00000000000000_theirs").mkdir()
    (folder / "00000000000000_theirs" / "migration.sql").write_text("create table theirs (id int)")
    deploy_migrations(url, SCHEMA_NAME, folder)
    with pytest.raises(PrismaError, match="another application"):
        deploy_migrations(url, SCHEMA_NAME)
    with pytest.raises(PrismaError, match="not ours"):
        drop_schema(url, SCHEMA_NAME)
    assert ask(url, "select count(*) from theirs") == [(0,)]


def test_dropping_refuses_public_and_schemas_without_our_ledger(url: str) -> None:
    """Nothing that the workbook did not make is dropped."""
    with pytest.raises(PrismaError, match="public"):
        drop_schema(url, "public")
    with pytest.raises(PrismaError, match="ledger"):
        drop_schema(url, "auth")


def test_dropping_takes_everything_along(url: str) -> None:
    """Also the tables' places in the publication; a schema that is gone is no error."""
    deploy_migrations(url, SCHEMA_NAME)
    assert drop_schema(url, SCHEMA_NAME) is True
    assert drop_schema(url, SCHEMA_NAME) is False
    assert ask(url, f"select 1 from pg_publication_tables where schemaname = '{SCHEMA_NAME}'") == []


def test_no_database_is_one_sentence_without_the_password() -> None:
    """The error names the reason, not the credentials."""
    with pytest.raises(PrismaError) as caught:
        deploy_migrations("postgresql://someone:s3cretword@127.0.0.1:1/nowhere?connection_limit=2", "workbook")
    assert "refused" in str(caught.value)
    assert "s3cretword" not in str(caught.value)
