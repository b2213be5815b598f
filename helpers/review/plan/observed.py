"""The use of an application's tables as its database has counted it, read in a transaction that can write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from helpers.database_url import libpq_url, without_password
from helpers.errors import FailureError, SettingsError, TargetError
from helpers.review.plan.usage import TableUsage, Usage
from helpers.target import Target

__all__ = ["read_usage", "usage_of"]

CONNECT_LIMIT_S, LIMIT_S, STATEMENT_LIMIT_MS = 10, 30.0, 10_000

#: Rows, as ANALYZE estimated them if it ever ran, and changes of tables; and since when these are counted, if anybody
#: has ever begun anew.
_TABLES = """
select t.relname as name, case when c.reltuples >= 0 then c.reltuples::bigint else t.n_live_tup end as rows,
       t.n_tup_ins as inserts, t.n_tup_upd as updates, t.n_tup_del as deletes,
       extract(epoch from now() - d.stats_reset)::float8 as seconds
  from pg_stat_user_tables t
  join pg_class c on c.oid = t.relid
  join pg_stat_database d on d.datname = current_database()
 where t.schemaname = %(schema)s and t.relname = any(%(tables)s)
"""

#: What ANALYZE has seen of columns. Fewer than 0 distinct values are a share of the rows.
_COLUMNS = """
select tablename as name, attname as column, avg_width as width, n_distinct as different
  from pg_stats where schemaname = %(schema)s and tablename = any(%(tables)s)
"""


async def read_usage(
    target: Target,
    tables: Sequence[str],
    *,
    groups: dict[str, str] | None = None,
    seconds: float = 0.0,
    usage: Usage | None = None,
) -> Usage:
    """What the statistics say of these tables, laid over what was stated.

    Args:
        target: whose `database_url` is read.
        tables: in its schema.
        groups: the column of each table by which screens pick their rows: its distinct values tell the share.
        seconds: count for so long, up to a minute; 0 takes what was counted since the statistics were last reset.
        usage: what was stated, for users and everything that the database does not know.

    Raises:
        TargetError: there is no database URL. SettingsError: more than a minute.
        FailureError: the database cannot be read, or nobody knows since when it has counted.
    """
    tried = "reading the use of tables from the database's statistics"
    if not target.database_url:
        raise TargetError(tried, "there is no DATABASE_URL", "Set it, or state the usage yourself")
    if not 0 <= seconds <= 60:
        raise SettingsError(tried, f"{seconds:g} seconds were asked for", "Choose at most 60")
    try:
        async with asyncio.timeout(LIMIT_S + seconds):
            return await _read(target, tables, groups or {}, seconds, usage or Usage())
    except TimeoutError:
        raise FailureError(tried, f"it took longer than {LIMIT_S:g} s", "Try again, or state the usage") from None
    except psycopg.Error as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = without_password(lines[-1].rstrip("."), target.database_url)
        raise FailureError(tried, reason, "Check DATABASE_URL") from None


async def _read(target: Target, tables: Sequence[str], groups: dict[str, str], seconds: float, usage: Usage) -> Usage:
    connection = await psycopg.AsyncConnection.connect(
        libpq_url(target.database_url or ""),
        connect_timeout=CONNECT_LIMIT_S,
        prepare_threshold=None,
        row_factory=dict_row,
    )
    async with connection:
        await connection.set_read_only(True)
        asked = {"schema": target.schema, "tables": list(tables)}
        before = await _rows(connection, _TABLES, asked)
        if seconds:
            await asyncio.sleep(seconds)
        after = await _rows(connection, _TABLES, asked) if seconds else before
        columns = await _rows(connection, _COLUMNS, asked)
    earlier = {row["name"]: row for row in before} if seconds else {}
    found = {row["name"]: usage_of(row, earlier.get(row["name"]), columns, groups, seconds, usage) for row in after}
    span = f"in {seconds:g} s" if seconds else "since its statistics were last reset"
    source = f"counted by the database {span}; users: {usage.source}"
    return msgspec.structs.replace(usage, tables={**usage.tables, **found}, source=source)


async def _rows(connection: psycopg.AsyncConnection[DictRow], query: str, asked: dict[str, Any]) -> list[DictRow]:
    """In a transaction of its own, as one sees its statistics as they were when it began."""
    async with connection.transaction():
        await connection.execute(sql.SQL("set local statement_timeout = {}").format(STATEMENT_LIMIT_MS))
        return await (await connection.execute(query.encode(), asked)).fetchall()


def usage_of(
    row: DictRow,
    earlier: DictRow | None,
    columns: Sequence[DictRow],
    groups: dict[str, str],
    seconds: float,
    usage: Usage,
) -> TableUsage:
    """What one table's counters say.

    Args:
        row, earlier: of `pg_stat_user_tables` now and `seconds` ago; None for what counts since the last reset.

    Raises:
        FailureError: nobody knows since when it counts.
    """
    name, span = row["name"], seconds or row["seconds"]
    if not span:
        raise FailureError(
            f"reading how often {name} changes",
            "the database does not say since when it counts",
            "Count for some seconds",
        )

    def rate(kind: str) -> float:
        return float((row[kind] - (earlier[kind] if earlier else 0)) / span)

    own = [one for one in columns if one["name"] == name]
    group = next((one for one in own if one["column"] == groups.get(name)), None)
    rows = max(0, row["rows"])
    return msgspec.structs.replace(
        usage.table(name),
        rows=rows,
        inserts_per_s=rate("inserts"),
        updates_per_s=rate("updates"),
        deletes_per_s=rate("deletes"),
        column_bytes={one["column"]: one["width"] for one in own},
        match_share=_share(group, rows) or usage.table(name).match_share,
    )


def _share(group: DictRow | None, rows: int) -> float | None:
    """Of changes that concern one value of a column, if all values are equally busy."""
    if group is None or not group["different"]:
        return None
    different: float = group["different"] if group["different"] > 0 else -group["different"] * rows
    return 1 / max(1.0, different)
