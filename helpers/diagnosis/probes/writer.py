"""Writes the one row whose change is awaited, into the workbook's own table and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from helpers.database_url import libpq_url
from helpers.diagnosis.evidence import Database, Missing, TableName
from helpers.target import Target

__all__ = ["RowWriter", "open_writer", "own_table", "writable_table"]


CONNECT_LIMIT_S = 4
STATEMENT_LIMIT_MS = 3000


def own_table(target: Target) -> TableName:
    """The workbook's table without row-level security, made by its migrations."""
    return TableName(target.schema, "events")


def writable_table(target: Target, database: Database | Missing) -> TableName | Missing:
    """The table to write to, or why nothing is written."""
    if not target.writes_allowed:
        return Missing("nothing may be written here: set WORKBOOK_ALLOW_WRITES=yes and DATABASE_URL to measure it")
    if not target.database_url:
        return Missing("there is no database to write to: set DATABASE_URL")
    if isinstance(database, Missing):
        return Missing(database.reason)
    return database.own_table or Missing(f"the table {own_table(target)} does not exist: `await connect()` makes it")


async def open_writer(target: Target, database: Database | Missing) -> RowWriter | Missing:
    """A writer that is connected, or why nothing is written."""
    table = writable_table(target, database)
    if isinstance(table, Missing):
        return table
    assert target.database_url is not None, "there is no writable table without a database"
    try:
        return await RowWriter.open(target.database_url, table)
    except psycopg.Error as error:
        return Missing(f"the database refused the writer ({error.diag.message_primary or type(error).__name__})")


@dataclass(slots=True)
class RowWriter:
    """Inserts marked rows, each in a transaction of its own, and deletes them at the end."""

    table: TableName
    connection: psycopg.AsyncConnection
    written: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, database_url: str, table: TableName) -> RowWriter:
        """Connect, so that the connection's time does not count as delivery.

        Raises:
            psycopg.Error: the database refuses.
        """
        connection = await psycopg.AsyncConnection.connect(
            libpq_url(database_url), autocommit=True, connect_timeout=CONNECT_LIMIT_S, prepare_threshold=None
        )
        await connection.execute(sql.SQL("set statement_timeout = {}").format(STATEMENT_LIMIT_MS))
        return cls(table, connection)

    async def write(self, marker: str) -> None:
        """Insert one row whose body is the marker, and commit."""
        await self.connection.execute(
            sql.SQL("insert into {} (room_id, sent_at, seq, body, meta) values (0, now(), 0, %s, '{{}}')").format(
                sql.Identifier(self.table.schema, self.table.table)
            ),
            [marker],
        )
        self.written.append(marker)

    async def close(self) -> None:
        """Delete what was written and disconnect."""
        try:
            if self.written:
                table = sql.Identifier(self.table.schema, self.table.table)
                await self.connection.execute(
                    sql.SQL("delete from {} where body = any(%s)").format(table), [self.written]
                )
        finally:
            await self.connection.close()
