"""Reading by SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import sql

from helpers.resilience.change_log import LogNow, LogPage
from helpers.resilience.readers.sql_client import SqlClient
from helpers.resilience.readers.wording import PLAINLY
from helpers.resilience.rows import Key

__all__ = ["SqlLogReader", "SqlRowReader"]


class SqlLogReader:
    """Reads a change log; the role must be one of its readers, and see all of its rows.

    Args:
        database_url: of PostgreSQL. schema: of the log. timeout_s: for connecting, and for each question.
    """

    def __init__(self, database_url: str, *, schema: str = "public", timeout_s: float = 10.0) -> None:
        self._names = {"schema": sql.Identifier(schema)}
        advice = "Check that the database is up, and the role's rights on the change log"
        self._client = SqlClient(database_url, timeout_s=timeout_s, tried="reading the change log", advice=advice)

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        """See `LogReader`. Raises ConnectionFailed."""
        query = sql.SQL("select {schema}.change_log_page(%s, %s, %s, %s, %s)").format(**self._names)
        [(found,)] = await self._client.ask(query, [source, horizon, list(seen), after, most])
        return msgspec.convert(found, LogPage)

    async def now(self, source: str) -> LogNow:
        """See `LogReader`. Raises ConnectionFailed."""
        query = sql.SQL("select {schema}.change_log_now(%s)").format(**self._names)
        [(found,)] = await self._client.ask(query, [source])
        return msgspec.convert(found, LogNow)

    async def close(self) -> None:
        """End the connection; it is made anew if it is needed again."""
        await self._client.close()


class SqlRowReader:
    """Reads a table, with the rights of the URL's role.

    Args:
        version, key: columns, as `Rows` has them.
        where: an SQL condition that says the same as the subscription's filter; trusted, it is not escaped.
    """

    def __init__(
        self,
        database_url: str,
        table: str,
        version: str,
        key: Sequence[str] = ("id",),
        *,
        where: str = "true",
        schema: str = "public",
        timeout_s: float = 10.0,
    ) -> None:
        tried, advice = f"reading {schema}.{table}", "Check that the database is up, and what the role may read"
        self._client = SqlClient(database_url, timeout_s=timeout_s, tried=tried, advice=advice)
        columns = [sql.Identifier(column) for column in key]
        self._names = {
            "table": sql.Identifier(schema, table),
            "version": sql.Identifier(version),
            "key": sql.SQL(", ").join(columns),
            "where": sql.SQL(where),
            "values": sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        }
        self._keys = len(columns)

    async def since(self, version: Any, after: Key | None, most: int) -> Sequence[Mapping[str, Any]]:
        """See `RowReader`. Raises ConnectionFailed."""
        if version is None:
            return await self._rows("true", [], most)
        if after is None:
            return await self._rows("{version} >= %s", [version], most)
        return await self._rows("({version}, {key}) > (%s, {values})", [version, *after], most)

    async def keys(self) -> Iterable[Key]:
        """See `RowReader`. Raises ConnectionFailed."""
        text = PLAINLY + "select jsonb_build_array({key})::text from plain, {table} t where ({where})"
        query = sql.SQL(text).format(**self._names)
        return [tuple(_parsed(text)) for (text,) in await self._client.ask(query)]

    async def by_keys(self, keys: Sequence[Key]) -> Sequence[Mapping[str, Any]]:
        """See `RowReader`. Raises ConnectionFailed."""
        one = "(" + ", ".join(["%s"] * self._keys) + ")"
        listed = ", ".join([one] * len(keys))
        return await self._rows("({key}) in (" + listed + ")", [value for key in keys for value in key], len(keys))

    async def close(self) -> None:
        """End the connection; it is made anew if it is needed again."""
        await self._client.close()

    async def _rows(self, condition: str, values: Sequence[Any], most: int) -> Sequence[Mapping[str, Any]]:
        text = (
            PLAINLY
            + "select to_jsonb(t)::text from plain, {table} t where ({where}) and "
            + condition
            + " order by {version}, {key} limit %s"
        )
        query = sql.SQL(text).format(**self._names)
        return [_parsed(row) for (row,) in await self._client.ask(query, [*values, most])]


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)
