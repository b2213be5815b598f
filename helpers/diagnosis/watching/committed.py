"""What the database says was committed between two moments. It only reads.

A row's own version says which transaction wrote it (`xmin`), and a snapshot taken before says which transactions had
ended by then: the rows of which the present version is younger were inserted or updated in between. That takes a scan
of the table, so large tables are compared by their counting key alone (rows that were inserted), and those without one
by PostgreSQL's statistics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from helpers.database_url import libpq_url
from helpers.diagnosis.evidence import Missing, Table
from helpers.diagnosis.evidence.watch import Tally
from helpers.diagnosis.watching.tables import KEPT_KEYS
from helpers.target import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg.rows import DictRow

__all__ = ["After", "Before", "Rows", "look_after", "look_before"]

CONNECT_LIMIT_S = 4
STATEMENT_LIMIT_MS = 2000
#: What is read from the disk in a fraction of a second.
SCANNED_BYTES = 64 << 20
#: Types whose values look alike in SQL's text and in a change.
COMPARABLE = frozenset({"int2", "int4", "int8", "uuid", "text", "varchar"})
COUNTING = frozenset({"int2", "int4", "int8"})

FACTS = """
select n.nspname || '.' || c.relname as name, c.relkind = 'r' and c.relpersistence = 'p' as plain,
       pg_relation_size(c.oid) as size, coalesce(s.n_tup_ins, 0) as inserts, coalesce(s.n_tup_upd, 0) as updates,
       coalesce(s.n_tup_del, 0) as deletes
from unnest(%(schemas)s::text[], %(tables)s::text[]) as asked (schema, name)
join pg_namespace n on n.nspname = asked.schema
join pg_class c on c.relnamespace = n.oid and c.relname = asked.name
left join pg_stat_user_tables s on s.relid = c.oid
"""
#: `xmin` has 32 bits; the rest of the number is that of the present transaction, or one less before it wrapped.
YOUNGER = """
not pg_visible_in_snapshot(greatest(3, (clock.now >> 32 << 32) + xmin::text::bigint
    - case when xmin::text::bigint > clock.now & 4294967295 then 4294967296 else 0 end)::text::xid8,
    {snapshot}::pg_snapshot)
"""
ROWS = """
with clock as materialized (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as now)
select concat_ws(chr(31), {keys}) as key from {table}, clock where {younger} limit {most}
"""
MESSAGES = """
with clock as materialized (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as now)
select m.topic, m.id::text as id from realtime.messages m, clock
where m.topic = any({topics}) and m.extension = 'broadcast' and m.private = {private}
  and m.inserted_at >= {since} and {younger} limit {most}
"""


@dataclass(frozen=True, slots=True)
class _Fact:
    """One table before: how it can be compared, and the key from which on its rows are new."""

    table: Table
    statistics: Tally
    way: str = ""
    unsure: str = ""
    from_key: int | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """The database at the begin."""

    snapshot: str
    at: Any
    facts: tuple[_Fact, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Keys of the rows of one table that were written in between; `visible` None: it is not known who sees which."""

    table: Table
    statistics: Tally | None = None
    changed: frozenset[str] | None = None
    visible: frozenset[str] | None = None
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class After:
    """The database at the end. `messages`: ids by topic."""

    rows: tuple[Rows, ...] = ()
    messages: Mapping[str, frozenset[str]] = field(default_factory=dict)


async def look_before(target: Target, tables: Sequence[Table]) -> Before | Missing:
    """Remember the moment, and how far each table has come."""
    try:
        async with _reading(target) as connection:
            row = await _row(
                connection, "select pg_current_snapshot()::text as snapshot, now() at time zone 'utc' as at"
            )
            facts = [await _fact(connection, table, found) for table, found in await _found(connection, tables)]
            return Before(row["snapshot"], row["at"], tuple(facts))
    except (psycopg.Error, OSError) as error:
        return Missing(f"the database cannot be read ({_reason(error)})", tried=True)


async def look_after(
    target: Target, before: Before, role: str, claims: Mapping[str, Any], topics: Sequence[str], private: bool
) -> After | Missing:
    """What was written since, and which of it that role with those claims may see."""
    try:
        async with _reading(target) as connection:
            tables = [fact.table for fact in before.facts]
            tallies = {found["name"]: _tally(found) for _, found in await _found(connection, tables)}
            rows = [await _rows(connection, fact, before, tallies, role, claims) for fact in before.facts]
            return After(tuple(rows), await _messages(connection, before, topics, private) if topics else {})
    except (psycopg.Error, OSError) as error:
        return Missing(f"the database cannot be read ({_reason(error)})", tried=True)


@asynccontextmanager
async def _reading(target: Target) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
    assert target.database_url is not None, "asked only where there is a database"
    connection = await psycopg.AsyncConnection.connect(
        libpq_url(target.database_url), connect_timeout=CONNECT_LIMIT_S, prepare_threshold=None, row_factory=dict_row
    )
    async with connection:
        await connection.set_read_only(True)
        await connection.execute(sql.SQL("set local statement_timeout = {}").format(STATEMENT_LIMIT_MS))
        yield connection
        await connection.rollback()


async def _found(connection: psycopg.AsyncConnection[DictRow], tables: Sequence[Table]) -> list[tuple[Table, DictRow]]:
    schemas = [table.name.schema for table in tables]
    names = [table.name.table for table in tables]
    cursor = await connection.execute(FACTS, {"schemas": schemas, "tables": names})
    found = {row["name"]: row for row in await cursor.fetchall()}
    return [(table, found[str(table.name)]) for table in tables if str(table.name) in found]


async def _fact(connection: psycopg.AsyncConnection[DictRow], table: Table, found: DictRow) -> _Fact:
    types = {column.name: column for column in table.columns}
    key = [types.get(name) for name in table.primary_key]
    if not found["plain"]:
        return _Fact(table, _tally(found), unsure="it is not an ordinary table")
    if not key or any(column is None or column.type not in COMPARABLE for column in key):
        return _Fact(table, _tally(found), unsure="it has no primary key whose values can be compared")
    if found["size"] <= SCANNED_BYTES:
        return _Fact(table, _tally(found), "versions")
    if len(key) == 1 and key[0] is not None and key[0].type in COUNTING and key[0].counted:
        query = sql.SQL("select max({}) as top from {}").format(sql.Identifier(key[0].name), _identifier(table))
        top = (await _row(connection, query))["top"]
        return _Fact(table, _tally(found), "keys", "it is large, so only inserted rows were compared", top or 0)
    return _Fact(table, _tally(found), unsure="it is too large to be compared row by row")


async def _rows(
    connection: psycopg.AsyncConnection[DictRow],
    fact: _Fact,
    before: Before,
    tallies: Mapping[str, Tally],
    role: str,
    claims: Mapping[str, Any],
) -> Rows:
    now = tallies.get(str(fact.table.name))
    statistics = _minus(now, fact.statistics) if now is not None else None
    if not fact.way:
        return Rows(fact.table, statistics, unsure=fact.unsure)
    query = _query(fact, before)
    try:
        changed = await _keys(connection, query)
    except psycopg.Error as error:
        if connection.closed:
            raise
        return Rows(fact.table, statistics, unsure=f"its rows cannot be read ({_reason(error)})")
    if len(changed) > KEPT_KEYS:
        return Rows(fact.table, statistics, unsure=f"more than {KEPT_KEYS:,} rows were written")
    try:
        visible = await _keys(connection, query, role, claims)
    except psycopg.Error as error:
        if connection.closed:
            raise
        unsure = f"it is not known which rows {role} may see ({_reason(error)})"
        return Rows(fact.table, statistics, changed, None, unsure)
    return Rows(fact.table, statistics, changed, visible & changed, fact.unsure)


def _query(fact: _Fact, before: Before) -> sql.Composed:
    keys = [sql.SQL("{}::text").format(sql.Identifier(column)) for column in fact.table.primary_key]
    younger: sql.Composable = _younger(before)
    if fact.way == "keys":
        younger = sql.SQL("{} > {}").format(sql.Identifier(fact.table.primary_key[0]), fact.from_key)
    return sql.SQL(ROWS).format(
        keys=sql.SQL(", ").join(keys), table=_identifier(fact.table), younger=younger, most=KEPT_KEYS + 1
    )


async def _keys(
    connection: psycopg.AsyncConnection[DictRow],
    query: sql.Composed,
    role: str | None = None,
    claims: Mapping[str, Any] | None = None,
) -> frozenset[str]:
    """Run the query, as that role if one is given, and leave nothing behind."""
    async with connection.transaction(force_rollback=True):
        if role is not None:
            await connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            await connection.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps(claims)])
        cursor = await connection.execute(query)
        return frozenset([row["key"] for row in await cursor.fetchall()])


async def _messages(
    connection: psycopg.AsyncConnection[DictRow], before: Before, topics: Sequence[str], private: bool
) -> Mapping[str, frozenset[str]]:
    """Messages that the database sent; none where they cannot be read."""
    query = sql.SQL(MESSAGES).format(
        topics=list(topics), private=private, since=before.at, younger=_younger(before), most=KEPT_KEYS
    )
    found: dict[str, set[str]] = {topic: set() for topic in topics}
    try:
        async with connection.transaction(force_rollback=True):
            for row in await (await connection.execute(query)).fetchall():
                found[row["topic"]].add(row["id"])
    except psycopg.Error:
        if connection.closed:
            raise
        return {}
    return {topic: frozenset(ids) for topic, ids in found.items()}


def _younger(before: Before) -> sql.Composed:
    return sql.SQL(YOUNGER).format(snapshot=before.snapshot)


def _identifier(table: Table) -> sql.Identifier:
    return sql.Identifier(table.name.schema, table.name.table)


async def _row(connection: psycopg.AsyncConnection[DictRow], query: Any) -> DictRow:
    found = await (await connection.execute(query)).fetchone()
    assert found is not None, "these queries have one row"
    return found


def _tally(row: DictRow) -> Tally:
    return Tally(row["inserts"], row["updates"], row["deletes"])


def _minus(after: Tally, before: Tally) -> Tally:
    """Never less than nothing: statistics can be reset."""
    pairs = zip(
        (after.inserts, after.updates, after.deletes), (before.inserts, before.updates, before.deletes), strict=True
    )
    return Tally(*(max(0, now - then) for now, then in pairs))


def _reason(error: Exception) -> str:
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    text = (primary or str(error)).strip()
    return text.splitlines()[-1].rstrip(".") if text else type(error).__name__
