"""Reads the catalogs in one read-only transaction with a limit for each statement. Nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from helpers.database_url import fault_of, libpq_url, reason_of
from helpers.diagnosis.evidence import (
    KEY_ROLES,
    Database,
    Held,
    Messages,
    Missing,
    OpenDefaults,
    Publication,
    Slot,
    TableName,
    Usage,
)
from helpers.diagnosis.probes import queries
from helpers.diagnosis.probes.policies import read_policies
from helpers.diagnosis.probes.reader import Reader
from helpers.diagnosis.probes.tables import read_tables
from helpers.diagnosis.probes.trials import claims_of, try_policies
from helpers.diagnosis.probes.writer import own_table
from helpers.target import Target

__all__ = ["probe_database"]

CONNECT_LIMIT_S = 4
STATEMENT_LIMIT_MS = 2000
LIMIT_S = 8.0
#: Of a publication with more tables, the first in the order of names are looked at.
MOST_TABLES = 5000
#: Of transactions that are open, the oldest are looked at.
MOST_HELD = 20


async def probe_database(target: Target, tables: Sequence[TableName] | None) -> Database | Missing:
    """What the catalogs say about these tables; about all published ones when `tables` is None."""
    if not target.database_url:
        return Missing("DATABASE_URL is not set")
    if fault := fault_of(target.database_url):
        return Missing(f"DATABASE_URL cannot be used: {fault}", tried=True)
    started = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _read(target, tables, started)
    except TimeoutError:
        return Missing(
            f"the database did not answer within {LIMIT_S:g} s: check DATABASE_URL and the network", tried=True
        )
    except psycopg.Error as error:
        return Missing(
            f"the database of DATABASE_URL cannot be read: {reason_of(error, target.database_url)}", tried=True
        )


async def _read(target: Target, tables: Sequence[TableName] | None, started: float) -> Database:
    assert target.database_url is not None
    connection = await psycopg.AsyncConnection.connect(
        libpq_url(target.database_url), connect_timeout=CONNECT_LIMIT_S, prepare_threshold=None, row_factory=dict_row
    )
    async with connection:
        await connection.set_read_only(True)
        # Without a path PostgreSQL qualifies every name that it prints, so that fixes run under any path.
        limits = sql.SQL("set local statement_timeout = {}; set local search_path = ''").format(STATEMENT_LIMIT_MS)
        await connection.execute(limits)
        database = await _database(Reader(connection), target, tables, started)
        await connection.rollback()
    return database


async def _database(reader: Reader, target: Target, tables: Sequence[TableName] | None, started: float) -> Database:
    server = await reader.row("server", queries.SERVER)
    published, roots = await _published(reader)
    names = list(tables) if tables is not None else published[:MOST_TABLES]
    read = await read_tables(reader, names, {*published, *roots})
    tried, untried = await try_policies(reader, read, claims_of(target))
    own = own_table(target)
    return Database(
        version=server.get("version", ""),
        role=server.get("role", ""),
        bypasses_rls=bool(server.get("bypasses_rls")),
        wal_level=server.get("wal_level", ""),
        keep_bytes=server.get("keep_bytes", -1),
        publication=_publication(await reader.row("publication", queries.PUBLICATION), published),
        tables=tuple(tried),
        untried=untried,
        own_table=own if (await reader.row("own table", queries.EXISTS, asdict(own))).get("exists") else None,
        slots=tuple(Slot(**row) for row in await reader.rows("slots", queries.SLOTS)),
        replication_slots=_usage(await reader.row("slot limit", queries.REPLICATION_SLOTS)),
        wal_senders=_usage(await reader.row("WAL senders", queries.WAL_SENDERS)),
        connections=_usage(await reader.row("connections", queries.CONNECTIONS)),
        limited_roles=await _limited_roles(reader),
        held=await _held(reader),
        messages=await _messages(reader),
        defaults=await _defaults(reader),
        errors=tuple(reader.errors),
        took_ms=(time.monotonic() - started) * 1000,
    )


async def _published(reader: Reader) -> tuple[list[TableName], Collection[TableName]]:
    """The tables of the publication, and those of which a partition is published."""
    rows = await reader.rows("published tables", queries.PUBLISHED)
    roots = {TableName(row["root_schema"], row["root_table"]) for row in rows if row["root_table"] is not None}
    return [TableName(row["schema"], row["table"]) for row in rows], roots


def _publication(row: DictRow, names: Sequence[TableName]) -> Publication:
    if not row:
        return Publication(exists=False)
    return Publication(
        exists=True,
        all_tables=row["all_tables"],
        operations=tuple(name for name in ("insert", "update", "delete") if row[name]),
        tables=len(names),
        via_root=row["via_root"],
        owner=row["owner"],
        ours=row["ours"],
        names=tuple(names),
    )


async def _limited_roles(reader: Reader) -> tuple[tuple[str, Usage], ...]:
    rows = await reader.rows("limits of roles", queries.LIMITED_ROLES)
    return tuple((row["role"], Usage(row["used"], row["limit"])) for row in rows)


async def _held(reader: Reader) -> tuple[Held, ...]:
    most = {"most": MOST_HELD}
    rows = await reader.rows("transactions", queries.HELD, most)
    rows += await reader.rows("prepared transactions", queries.PREPARED, most)
    return tuple(Held(**row) for row in rows)


async def _messages(reader: Reader) -> Messages | None:
    row = await reader.row("realtime.messages", queries.MESSAGES, {"roles": list(KEY_ROLES)})
    if not row:
        return None
    policies = await read_policies(reader, [row["oid"]])
    missing = row["missing"] if row["partitioned"] else []
    return Messages(
        rls=row["rls"],
        policies=policies.get(row["oid"], ()),
        partitioned=row["partitioned"],
        today=row["today"] if row["today"] in missing else "",
        tomorrow=next((name for name in missing if name != row["today"]), ""),
        day=row["day"],
        select_roles=tuple(row["select_roles"]),
        insert_roles=tuple(row["insert_roles"]),
    )


async def _defaults(reader: Reader) -> tuple[OpenDefaults, ...]:
    rows = await reader.rows("default privileges", queries.DEFAULTS, {"roles": list(KEY_ROLES)})
    return tuple(OpenDefaults(row["owner"], row["schema"], tuple(row["roles"])) for row in rows)


def _usage(row: DictRow) -> Usage | None:
    return Usage(**row) if row else None
