"""Tables of an experiment's own: made in the target's schema for the time of a block, and gone after it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from helpers.database_url import libpq_url, without_password
from helpers.errors import FailureError, TargetError
from helpers.target import Target

__all__ = [
    "LOAD_COLUMNS",
    "PREFIX",
    "OwnTable",
    "ReplicaIdentity",
    "drop_policy",
    "drop_table",
    "own_function",
    "own_table",
    "owner_connection",
]

#: Every name of ours begins with this, so that nobody takes our tables for theirs.
PREFIX = "workbook_"

#: What each table has besides its key, so that a load can be written to it; all but `seq` have a default.
LOAD_COLUMNS: Mapping[str, str] = {
    "seq": "bigint not null",
    "room_id": "bigint not null default 0",
    "body": "text not null default ''",
    "meta": "jsonb not null default '{}'",
    "sent_at": "timestamptz not null default now()",
}

#: Realtime reads the tables of this publication.
PUBLICATION = "supabase_realtime"

READERS = ("anon", "authenticated")
CONNECT_LIMIT_S = 10
STATEMENT_LIMIT_MS = 60_000

ReplicaIdentity = Literal["default", "full", "nothing"]


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table that exists while its block runs.

    Attributes:
        schema, name: as they stand in a binding. columns: by name, with type and constraints.
        connection: of the owner, past all policies, in autocommit; rows are dictionaries.
    """

    schema: str
    name: str
    columns: Mapping[str, str]
    connection: psycopg.AsyncConnection[DictRow] = field(repr=False, compare=False)

    @property
    def quoted(self) -> str:
        """The name as it stands in SQL."""
        return sql.Identifier(self.schema, self.name).as_string()

    async def run(self, statement: str, parameters: Sequence[Any] | None = None) -> list[DictRow]:
        """Execute a statement as the owner; its rows, if it has any.

        Raises:
            FailureError: the database refuses it.
        """
        return await _run(self.connection, f"working with the table {self}", statement, parameters)

    async def empty(self) -> None:
        """Take all rows out. Realtime tells nobody of a TRUNCATE."""
        await self.run(f"truncate {self.quoted}")

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@asynccontextmanager
async def own_table(
    target: Target,
    *,
    columns: Mapping[str, str] | None = None,
    loadable: bool = True,
    indexes: Sequence[str] = (),
    policies: Sequence[str] = (),
    row_security: bool | None = None,
    replica_identity: ReplicaIdentity = "default",
    published: bool = True,
    readers: Sequence[str] = READERS,
) -> AsyncIterator[OwnTable]:
    """Make a table for the block, and drop it whatever happens in there.

    It has `id bigint` as its primary key, the columns that a load needs, and those asked for.

    Args:
        columns: more of them, by name: type and constraints. They need a default if a load is written to the table.
        loadable: whether it has `LOAD_COLUMNS`.
        indexes: each the columns of one, ``"room_id, id"``, besides that of the key.
        policies: for SELECT, each the expression after USING, for all `readers`. One of them is enough to see a row.
        row_security: whether policies are in force; by default when there are any.
        replica_identity: how much of the old row an UPDATE or DELETE writes to the log.
        published: whether Realtime tells of its changes.
        readers: roles that may select.

    Raises:
        TargetError: nothing may be written to this target.
        FailureError: the database refuses.
    """
    whole = {
        "id": "bigint generated always as identity primary key",
        **(LOAD_COLUMNS if loadable else {}),
        **(columns or {}),
    }
    async with owner_connection(target) as connection:
        table = OwnTable(target.schema, f"{PREFIX}{secrets.token_hex(5)}", whole, connection)
        secured = bool(policies) if row_security is None else row_security
        try:
            await table.run(_create(table))
            for statement in (
                *_access(table, secured, policies, readers),
                *(f"create index on {table.quoted} ({index})" for index in indexes),
                f"alter table {table.quoted} replica identity {replica_identity}",
                *([f"alter publication {PUBLICATION} add table {table.quoted}"] if published else []),
            ):
                await table.run(statement)
            yield table
        finally:
            await drop_table(table, target)


@asynccontextmanager
async def own_function(target: Target, signature: str, definition: str) -> AsyncIterator[str]:
    """Make a function for the block, which `authenticated` may call, and drop it with whatever depends on it.

    Args:
        signature: its arguments, ``"room bigint"``.
        definition: what follows them, from RETURNS on.

    Yields its quoted name, without arguments.
    """
    name = sql.Identifier(target.schema, f"{PREFIX}{secrets.token_hex(5)}").as_string()
    async with owner_connection(target) as connection:
        try:
            for statement in (
                f"create function {name}({signature}) {definition}",
                f"revoke execute on function {name} from public",
                f"grant execute on function {name} to {', '.join(READERS)}",
            ):
                await _run(connection, "making a function for an experiment", statement)
            yield name
        finally:
            await _drop(target, f"function if exists {name}")


@asynccontextmanager
async def owner_connection(target: Target) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
    """A connection of the owner of the workbook's tables, in autocommit; rows are dictionaries.

    Raises:
        TargetError: nothing may be written to this target.
        FailureError: the database cannot be reached.
    """
    tried = "making a table for an experiment"
    if not (target.writes_allowed and target.database_url):
        advice = "Set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes, or take the lab"
        raise TargetError(tried, f"nothing may be written to the {target}", advice)
    try:
        connection = await psycopg.AsyncConnection.connect(
            libpq_url(target.database_url),
            autocommit=True,
            connect_timeout=CONNECT_LIMIT_S,
            prepare_threshold=None,  # a pooler may stand between
            row_factory=dict_row,
        )
    except psycopg.Error as error:
        reason = without_password(str(error).strip().splitlines()[-1].rstrip("."), target.database_url)
        raise FailureError(tried, reason, "Check DATABASE_URL") from None
    async with connection:
        await _run(connection, tried, f"set statement_timeout = {STATEMENT_LIMIT_MS}")
        yield connection


async def drop_policy(target: Target, policy: str, on: str) -> None:
    """Take a policy away, whatever has become of the connection that made it.

    Args:
        policy, on: its name and its table's, as they stand in SQL.

    Raises:
        FailureError: the database refuses.
    """
    await _drop(target, f"policy if exists {policy} on {on}")


async def drop_table(table: OwnTable, target: Target) -> None:
    """Take a table away with whatever depends on it, whatever has become of the connection that made it.

    Raises:
        FailureError: the database refuses.
    """
    await _drop(target, f"table if exists {table.quoted}")


async def _drop(target: Target, what: str) -> None:
    """On a connection of its own: the block's may be what broke."""
    async with owner_connection(target) as connection:
        await _run(connection, "clearing up after an experiment", f"drop {what} cascade")


async def _run(
    connection: psycopg.AsyncConnection[DictRow], tried: str, statement: str, parameters: Sequence[Any] | None = None
) -> list[DictRow]:
    try:
        cursor = await connection.execute(statement.encode(), parameters)
        return await cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        happened = (error.diag.message_primary or type(error).__name__).rstrip(".")
        raise FailureError(tried, happened, "Check DATABASE_URL and the rights of its role") from None


def _create(table: OwnTable) -> str:
    columns = (f"{sql.Identifier(name).as_string()} {kind}" for name, kind in table.columns.items())
    return f"create table {table.quoted} ({', '.join(columns)})"


def _access(table: OwnTable, secured: bool, policies: Sequence[str], readers: Sequence[str]) -> Iterator[str]:
    """Privileges and policies."""
    if readers:
        yield f"grant select on {table.quoted} to {', '.join(readers)}"
    yield f"grant all on {table.quoted} to service_role"
    if secured:
        yield f"alter table {table.quoted} enable row level security"
    for number, using in enumerate(policies):
        yield f"create policy p{number} on {table.quoted} for select to {', '.join(readers)} using ({using})"
