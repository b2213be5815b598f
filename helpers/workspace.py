"""The workbook's own tables on a target: made before the experiments, gone after them, never in anybody's way."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
from psycopg import sql

from helpers.database_url import libpq_url, without_password
from helpers.errors import TargetError
from helpers.experiments.tables import PREFIX
from helpers.prisma import deploy_migrations, seed
from helpers.target import Target

__all__ = ["Workspace", "fill", "prepare"]

#: Comment on a schema that the workbook made. Only a schema with it is ever dropped.
OURS = "Made by supabase-realtime-workbook; it may be dropped at any time."

#: Schemas that belong to Supabase or to the application, whatever their comment says.
NEVER = frozenset({"public", "auth", "storage", "realtime", "extensions", "graphql_public", "vault", "pg_catalog"})

#: Those who ask Realtime and REST; Supabase gives them nothing in new schemas by itself.
API_ROLES = sql.SQL("anon, authenticated, service_role")

CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Workspace:
    """A schema of the workbook's own in somebody's database."""

    database_url: str = field(repr=False)
    schema: str

    def claim(self) -> None:
        """Create the schema, or take over one that an earlier session left.

        Raises:
            TargetError: the schema is somebody else's, or the database cannot be used.
        """
        if self.schema in NEVER:
            raise self._taken("the workbook never writes there")
        with self._connect() as connection:
            comment = self._comment(connection)
            if comment not in (None, OURS):
                raise self._taken("it exists and the workbook did not make it")
            if comment is None:
                name = sql.Identifier(self.schema)
                connection.execute(sql.SQL("create schema if not exists {}").format(name))
                connection.execute(sql.SQL("comment on schema {} is {}").format(name, OURS))
                connection.execute(sql.SQL("grant usage on schema {} to {}").format(name, API_ROLES))

    def clear(self) -> None:
        """Drop the schema and everything in it, if the workbook made it."""
        with self._connect() as connection:
            if self._comment(connection) == OURS:
                connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(self.schema)))

    def leave(self) -> None:
        """Drop the schema if the workbook made it and nothing is in it: others may be at work there."""
        with self._connect() as connection, contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
            if self._comment(connection) == OURS:
                connection.execute(sql.SQL("drop schema {}").format(sql.Identifier(self.schema)))

    def sweep(self, unwritten_for: timedelta) -> None:
        """Drop those tables of experiments in the schema whose latest row is older: who made them was killed."""
        with self._connect() as connection:
            connection.autocommit = True
            connection.execute("set lock_timeout = '2s'")
            named = "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r'"
            for (name,) in connection.execute(named, [sql.Identifier(self.schema).as_string()]).fetchall():
                if name.startswith(PREFIX):
                    # Its maker, or another who sweeps, may drop it at this moment, or hold it.
                    with contextlib.suppress(psycopg.errors.UndefinedTable, psycopg.errors.LockNotAvailable):
                        self._drop_unwritten(connection, sql.Identifier(self.schema, name), unwritten_for)

    @staticmethod
    def _drop_unwritten(connection: psycopg.Connection, table: sql.Identifier, unwritten_for: timedelta) -> None:
        old = sql.SQL("select max(sent_at) < now() - %s from {}").format(table)
        row = connection.execute(old, [unwritten_for]).fetchone()
        if row is not None and row[0]:
            connection.execute(sql.SQL("drop table {}").format(table))

    def _connect(self) -> psycopg.Connection:
        tried = f"preparing the schema {self.schema!r} in the project's database"
        try:
            return psycopg.connect(libpq_url(self.database_url), connect_timeout=CONNECT_TIMEOUT_S)
        except psycopg.Error as error:
            reason = without_password(str(error).strip().splitlines()[0].rstrip("."), self.database_url)
            raise TargetError(tried, reason, "Check DATABASE_URL, or remove WORKBOOK_ALLOW_WRITES") from None

    def _comment(self, connection: psycopg.Connection) -> str | None:
        """The comment on the schema: None if there is no such schema, empty if there is no comment."""
        row = connection.execute(
            "select coalesce(obj_description(oid, 'pg_namespace'), '') from pg_namespace where nspname = %s",
            [self.schema],
        ).fetchone()
        return None if row is None else str(row[0])

    def _taken(self, reason: str) -> TargetError:
        return TargetError(
            f"preparing the schema {self.schema!r} in the project's database",
            f"{self.schema!r} cannot be used: {reason}",
            "Set WORKBOOK_SCHEMA to a name that is not taken",
        )


async def prepare(target: Target) -> Workspace | None:
    """Make the workbook's tables in a schema of their own on a project; None where writing is not allowed.

    Raises:
        TargetError: the schema is somebody else's, or the database cannot be used.
        PrismaError: the migrations failed; the schema is dropped again.
    """
    if not target.writes_allowed or not target.database_url:
        return None
    workspace = Workspace(target.database_url, target.schema)
    await asyncio.to_thread(workspace.claim)
    try:
        await fill(target)
    except BaseException:
        await asyncio.to_thread(workspace.clear)
        raise
    return workspace


async def fill(target: Target) -> None:
    """Migrate and seed the workbook's tables in `target.schema`.

    Raises:
        PrismaError: the migrations failed.
    """
    assert target.database_url is not None, "whoever allows writes has checked that there is a database"
    await asyncio.to_thread(deploy_migrations, target.database_url, target.schema)
    await seed(target)
