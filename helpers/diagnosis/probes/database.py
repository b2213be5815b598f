"""Reads the catalogs in one read-only transaction with a limit for each statement. Nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from helpers.diagnosis.evidence import (
    KEY_ROLES,
    Column,
    Database,
    Missing,
    Policy,
    Publication,
    Slot,
    Table,
    TableName,
    Usage,
)
from helpers.diagnosis.probes import queries
from helpers.diagnosis.probes.writer import own_table
from helpers.target import Target

__all__ = ["probe_database"]

CONNECT_LIMIT_S = 4
STATEMENT_LIMIT_MS = 2000
LIMIT_S = 8.0
#: Of a publication with more tables, the first in the order of names are looked at.
MOST_TABLES = 200


async def probe_database(target: Target, tables: Sequence[TableName] | None) -> Database | Missing:
    """What the catalogs say about these tables; about all published ones when `tables` is None."""
    if not target.database_url:
        return Missing("DATABASE_URL is not set")
    started = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _read(target, tables, started)
    except TimeoutError:
        return Missing(
            f"the database did not answer within {LIMIT_S:g} s: check DATABASE_URL and the network", tried=True
        )
    except psycopg.Error as error:
        return Missing(f"the database of DATABASE_URL cannot be read: {_reason(error)}", tried=True)


async def _read(target: Target, tables: Sequence[TableName] | None, started: float) -> Database:
    assert target.database_url is not None
    connection = await psycopg.AsyncConnection.connect(
        target.database_url, connect_timeout=CONNECT_LIMIT_S, prepare_threshold=None, row_factory=dict_row
    )
    async with connection:
        await connection.set_read_only(True)
        await connection.execute(sql.SQL("set local statement_timeout = {}").format(STATEMENT_LIMIT_MS))
        reader = _Reader(connection)
        names = await _names(reader, tables)
        database = await _database(reader, names, own_table(target), started)
        await connection.rollback()
    return database


async def _names(reader: _Reader, tables: Sequence[TableName] | None) -> list[TableName]:
    if tables is not None:
        return list(tables)
    rows = await reader.rows("published tables", queries.PUBLISHED, {"most": MOST_TABLES})
    return [TableName(row["schema"], row["table"]) for row in rows]


async def _database(reader: _Reader, names: Sequence[TableName], own: TableName, started: float) -> Database:
    server = await reader.row("server", queries.SERVER)
    topic_policies = await reader.row("realtime.messages", queries.TOPIC_POLICIES)
    return Database(
        version=server.get("version", ""),
        role=server.get("role", ""),
        bypasses_rls=bool(server.get("bypasses_rls")),
        wal_level=server.get("wal_level", ""),
        keep_bytes=server.get("keep_bytes", -1),
        publication=_publication(await reader.row("publication", queries.PUBLICATION)),
        tables=tuple(map(_table, await reader.rows("tables", queries.TABLES, _names_as_arrays(names)))),
        own_table=own if (await reader.row("own table", queries.EXISTS, asdict(own))).get("exists") else None,
        slots=tuple(Slot(**row) for row in await reader.rows("slots", queries.SLOTS)),
        replication_slots=_usage(await reader.row("slot limit", queries.REPLICATION_SLOTS)),
        wal_senders=_usage(await reader.row("WAL senders", queries.WAL_SENDERS)),
        connections=_usage(await reader.row("connections", queries.CONNECTIONS)),
        topic_policies=_policies(topic_policies["policies"]) if topic_policies else None,
        errors=tuple(reader.errors),
        took_ms=(time.monotonic() - started) * 1000,
    )


@dataclass(slots=True)
class _Reader:
    """Runs queries in savepoints: one that fails is noted, and the others go on."""

    connection: psycopg.AsyncConnection[DictRow]
    errors: list[str] = field(default_factory=list)

    async def rows(self, name: str, query: str, parameters: dict[str, Any] | None = None) -> list[DictRow]:
        try:
            async with self.connection.transaction():
                cursor = await self.connection.execute(query, parameters)
                return await cursor.fetchall()
        except psycopg.OperationalError as error:
            if self.connection.closed:
                raise
            self.errors.append(f"{name}: {_reason(error)}")
        except psycopg.Error as error:
            self.errors.append(f"{name}: {_reason(error)}")
        return []

    async def row(self, name: str, query: str, parameters: dict[str, Any] | None = None) -> DictRow:
        rows = await self.rows(name, query, parameters)
        return rows[0] if rows else {}


def _names_as_arrays(names: Sequence[TableName]) -> dict[str, Any]:
    return {
        "schemas": [name.schema for name in names],
        "tables": [name.table for name in names],
        "roles": list(KEY_ROLES),
    }


def _publication(row: DictRow) -> Publication:
    if not row:
        return Publication(exists=False)
    operations = tuple(name for name in ("insert", "update", "delete") if row[name])
    return Publication(True, row["all_tables"], operations, row["tables"])


def _table(row: DictRow) -> Table:
    return Table(
        name=TableName(row["schema"], row["table"]),
        exists=row["exists"],
        published=row["published"],
        replica_identity=row["replica_identity"],
        primary_key=tuple(row["primary_key"]),
        columns=tuple(Column(**{**column, "labels": tuple(column["labels"])}) for column in row["columns"]),
        rls=row["rls"],
        policies=_policies(row["policies"]),
        select_roles=tuple(row["select_roles"]),
    )


def _policies(rows: list[dict[str, Any]]) -> tuple[Policy, ...]:
    return tuple(Policy(**{**row, "roles": tuple(row["roles"])}) for row in rows)


def _usage(row: DictRow) -> Usage | None:
    return Usage(**row) if row else None


def _reason(error: psycopg.Error) -> str:
    """The server's own sentence; connection errors list every address, of which the last line is enough."""
    text = error.diag.message_primary or str(error)
    return text.strip().splitlines()[-1].rstrip(".") if text.strip() else type(error).__name__
