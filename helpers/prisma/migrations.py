"""Prisma's migrations without Prisma's native schema engine: the same files, the same ledger, the same lock.

`prisma migrate status` and `deploy` agree with what is done here. Unlike Prisma, all pending migrations are one
transaction: either every one of them is there afterwards, or none.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from helpers.database_url import libpq_url, without_password
from helpers.errors import PrismaError
from helpers.places import repository_root

__all__ = ["MIGRATIONS", "deploy_migrations", "drop_schema"]

MIGRATIONS = repository_root() / "data" / "prisma" / "migrations"

#: The advisory lock that Prisma takes (schema-engine, `sql_schema_connector::flavour::postgres`), and its patience.
LOCK = 72707369
LOCK_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_S = 10

#: As Prisma creates it.
LEDGER = """
create table if not exists _prisma_migrations (
    id                  varchar(36) primary key not null,
    checksum            varchar(64) not null,
    finished_at         timestamptz,
    migration_name      varchar(255) not null,
    logs                text,
    rolled_back_at      timestamptz,
    started_at          timestamptz not null default now(),
    applied_steps_count integer not null default 0
)"""

HAS_SCHEMA = "select exists (select from pg_namespace where nspname = %s)"
HAS_LEDGER = "select exists (select from pg_tables where schemaname = %s and tablename = '_prisma_migrations')"

_Connection = psycopg.Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class _Migration:
    name: str
    text: bytes

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


def deploy_migrations(database_url: str, schema: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply the migrations that a schema does not have yet.

    Args:
        database_url: of a role that may create tables, and the schema if it is missing.
        schema: where the tables go; every name in the migrations is unqualified.
        folder: holds one folder per migration with a ``migration.sql``, in the order of their names.

    Returns:
        The names of the migrations applied; empty when there was nothing to do.

    Raises:
        PrismaError: no database, SQL that fails, a migration that was changed after it was applied, or a schema that
            holds another application's migrations. Nothing is left half-applied.
    """
    tried = f"deploying Prisma's migrations to the schema {schema!r}"
    migrations = [_Migration(file.parent.name, file.read_bytes()) for file in sorted(folder.glob("*/migration.sql"))]
    with _transaction(database_url, tried) as connection:
        if not _holds(connection, HAS_SCHEMA, schema):
            connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        _enter(connection, schema)
        connection.execute(LEDGER)
        pending = _pending(migrations, _applied(connection, tried), tried)
        for migration in pending:
            _apply(connection, migration, tried)
    return [migration.name for migration in pending]


def drop_schema(database_url: str, schema: str, folder: Path = MIGRATIONS) -> bool:
    """Drop a schema of the workbook's own, with all that is in it.

    Returns:
        Whether there was such a schema.

    Raises:
        PrismaError: it is `public`, or its ledger is missing or not ours: then nothing is touched.
    """
    tried = f"dropping the schema {schema!r}"
    advice = "Drop it by hand if you are sure that nobody needs it"
    if schema == "public":
        raise PrismaError(tried, "public holds other people's tables", "Set WORKBOOK_SCHEMA to a schema of its own")
    ours = {file.parent.name for file in folder.glob("*/migration.sql")}
    with _transaction(database_url, tried) as connection:
        if not _holds(connection, HAS_SCHEMA, schema):
            return False
        _enter(connection, schema)
        if not _holds(connection, HAS_LEDGER, schema):
            raise PrismaError(tried, "it does not hold the ledger of our migrations", advice)
        applied = set(_applied(connection, tried))
        if not applied or applied - ours:
            raise PrismaError(tried, "its ledger names migrations that are not ours, or none", advice)
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    return True


@contextlib.contextmanager
def _transaction(database_url: str, tried: str) -> Iterator[_Connection]:
    """One transaction that holds Prisma's lock; it survives a pooler in transaction mode, as a session's would not."""
    try:
        with psycopg.connect(libpq_url(database_url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute(f"set local lock_timeout = {LOCK_TIMEOUT_MS}")
            connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            yield connection
    except psycopg.errors.LockNotAvailable:
        raise PrismaError(
            tried, f"another migration has held the lock for {LOCK_TIMEOUT_MS // 1000} s", "Let it end, then try again"
        ) from None
    except psycopg.Error as error:
        reason = without_password(str(error).strip().splitlines()[0], database_url).rstrip(".")
        raise PrismaError(tried, reason, "Check DATABASE_URL and the rights of its role") from error


def _enter(connection: _Connection, schema: str) -> None:
    connection.execute(sql.SQL("set local search_path to {}").format(sql.Identifier(schema)))


def _holds(connection: _Connection, question: LiteralString, schema: str) -> bool:
    row = connection.execute(question, [schema]).fetchone()
    return bool(row and row[0])


def _applied(connection: _Connection, tried: str) -> dict[str, str]:
    """The ledger: name -> checksum of what has been applied."""
    rows = connection.execute(
        "select migration_name, checksum, finished_at is null from _prisma_migrations where rolled_back_at is null"
    ).fetchall()
    for name, _, unfinished in rows:
        if unfinished:
            advice = f"Mend the schema, then run: prisma migrate resolve --applied {name}"
            raise PrismaError(tried, f"the migration {name} once failed half-way", advice)
    return {name: checksum for name, checksum, _ in rows}


def _pending(migrations: list[_Migration], applied: Mapping[str, str], tried: str) -> list[_Migration]:
    strangers = sorted(applied.keys() - {migration.name for migration in migrations})
    if strangers:
        raise PrismaError(
            tried,
            f"it holds a migration of another application ({strangers[0]})",
            "Set WORKBOOK_SCHEMA to a schema of the workbook's own",
        )
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise PrismaError(
                tried,
                f"{migration.name}/migration.sql was changed after it was applied",
                "Undo the change and write a new migration, or drop the schema to begin anew",
            )
    return [migration for migration in migrations if migration.name not in applied]


def _apply(connection: _Connection, migration: _Migration, tried: str) -> None:
    try:
        connection.execute(migration.text)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise PrismaError(
            tried, f"{migration.name} failed: {reason}", "Nothing was changed; mend what it names"
        ) from error
    connection.execute(
        "insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)"
        " values (%s, %s, %s, clock_timestamp(), 1)",
        [str(uuid.uuid4()), migration.checksum, migration.name],
    )
