"""The connection on which everything is asked: one transaction that only reads and is rolled back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection, sql

from helpers.database_url import libpq_url
from helpers.diagnosis.evidence import TableName

__all__ = ["STATEMENT_LIMIT_S", "apart", "as_server_says", "identifier", "reading", "sentence"]

CONNECT_LIMIT_S = 4
STATEMENT_LIMIT_S = 5.0

#: With these the database writes values as the server's own connection has them written.
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}


@asynccontextmanager
async def reading(database_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection inside a transaction that cannot write, in which no statement takes long.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    connection = await psycopg.AsyncConnection.connect(
        libpq_url(database_url),
        connect_timeout=CONNECT_LIMIT_S,
        prepare_threshold=None,
        application_name="workbook_arrival",
    )
    async with connection:
        await connection.set_read_only(True)
        limit = {"statement_timeout": str(round(STATEMENT_LIMIT_S * 1000))}
        changes = [sql.SQL("set local {} = {}").format(sql.Identifier(k), v) for k, v in (_SETTINGS | limit).items()]
        await connection.execute(sql.SQL("; ").join(changes))
        try:
            yield connection
        finally:
            if not connection.closed:
                await connection.rollback()


@asynccontextmanager
async def apart(connection: AsyncConnection) -> AsyncIterator[None]:
    """What is done inside is undone at its end, errors and a changed role included."""
    async with connection.transaction(force_rollback=True):
        yield


def identifier(name: TableName) -> sql.Identifier:
    return sql.Identifier(name.schema, name.table)


def sentence(error: psycopg.Error) -> str:
    """What the database said, one line."""
    text = error.diag.message_primary or str(error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__


def as_server_says(error: psycopg.Error) -> str:
    """An error of the database as the server's driver prints it to clients, without hint and detail."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
    return f"ERROR {error.sqlstate} ({name}) {sentence(error)}"
