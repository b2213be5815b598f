"""Reading through Prisma: for applications that have no other way to the database.

    Rows(PrismaRowReader(client, "messages", "updated_at"), "messages", "updated_at")
    ChangeLog(PrismaLogReader(client), "messages")

Rows are read by raw queries, not by `find_many`: a model has other names and fewer digits than what Realtime brings
(of times the milliseconds), so that a row that was read and a change of it would not be known for the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from helpers.errors import ConnectionFailed
from helpers.prisma import Prisma
from helpers.resilience.change_log import LogNow, LogPage
from helpers.resilience.readers.wording import PLAINLY
from helpers.resilience.rows import Key
from helpers.sync.failures import reason_of

__all__ = ["PrismaLogReader", "PrismaRowReader"]


class PrismaLogReader:
    """Reads a change log; the client's role must be one of its readers.

    Args:
        client: connected. schema: of the log; the client's own if nothing is said.
    """

    def __init__(self, client: Prisma, *, schema: str | None = None) -> None:
        self._client, self._schema = client, _prefix(schema)

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        """See `LogReader`. Raises ConnectionFailed."""
        query = (
            f"select {self._schema}change_log_page($1, $2::text::bigint, "
            "array(select jsonb_array_elements_text($3::text::jsonb)::bigint), "
            "$4::text::bigint, $5::text::integer)::text as found"
        )
        values = [source, str(horizon), json.dumps(list(seen)), str(after), str(most)]
        [row] = await _ask(self._client, "reading the change log through Prisma", query, *values)
        return msgspec.json.decode(row["found"], type=LogPage)

    async def now(self, source: str) -> LogNow:
        """See `LogReader`. Raises ConnectionFailed."""
        query = f"select {self._schema}change_log_now($1)::text as found"
        [row] = await _ask(self._client, "reading the change log through Prisma", query, source)
        return msgspec.json.decode(row["found"], type=LogNow)


class PrismaRowReader:
    """Reads a table, with the rights of the client's role. Names are the database's, as those of `Rows` are.

    Args:
        client: connected. version, key: columns, as `Rows` has them.
        where: an SQL condition that says the same as the subscription's filter; trusted, it is not escaped.
        schema: of the table; the client's own if nothing is said.
    """

    def __init__(
        self,
        client: Prisma,
        table: str,
        version: str,
        key: Sequence[str] = ("id",),
        *,
        where: str = "true",
        schema: str | None = None,
    ) -> None:
        self._client, self._where = client, where
        self._table = _prefix(schema) + _quoted(table)
        self._version, self._key = version, tuple(key)
        self._tried = f"reading {table} through Prisma"

    async def since(self, version: Any, after: Key | None, most: int) -> Sequence[Mapping[str, Any]]:
        """See `RowReader`. Raises ConnectionFailed."""
        place = {} if version is None else {self._version: version}
        if version is None:
            condition = "true"
        elif after is None:
            condition = f"t.{_quoted(self._version)} >= p.{_quoted(self._version)}"
        else:
            place |= dict(zip(self._key, after, strict=True))
            columns = (self._version, *self._key)
            condition = f"({_listed('t', columns)}) > ({_listed('p', columns)})"
        return await self._rows(condition, [place], most)

    async def keys(self) -> Iterable[Key]:
        """See `RowReader`. Raises ConnectionFailed."""
        key = _listed("t", self._key)
        query = (
            f"{PLAINLY}select jsonb_build_array({key})::text as found from plain, {self._table} t where ({self._where})"
        )
        return [tuple(_parsed(row["found"])) for row in await _ask(self._client, self._tried, query)]

    async def by_keys(self, keys: Sequence[Key]) -> Sequence[Mapping[str, Any]]:
        """See `RowReader`. Raises ConnectionFailed."""
        places = [dict(zip(self._key, key, strict=True)) for key in keys]
        return await self._rows(f"({_listed('t', self._key)}) = ({_listed('p', self._key)})", places, len(keys))

    async def _rows(
        self, condition: str, places: Sequence[Mapping[str, Any]], most: int
    ) -> Sequence[Mapping[str, Any]]:
        """`places` are rows of the table with some columns only: PostgreSQL itself gives the values their types."""
        order = _listed("t", (self._version, *self._key))
        query = (
            f"{PLAINLY}select to_jsonb(t)::text as found from plain, {self._table} t, "
            f"jsonb_populate_recordset(null::{self._table}, $1::text::jsonb) p "
            f"where ({self._where}) and {condition} order by {order} limit $2::text::integer"
        )
        told = json.dumps(places, default=str)
        return [_parsed(row["found"]) for row in await _ask(self._client, self._tried, query, told, str(most))]


async def _ask(client: Prisma, tried: str, query: str, *values: str) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = await client.query_raw(query, *values)
    except Exception as error:
        advice = "Check that the database is up, and what the role of Prisma's DATABASE_URL may read"
        raise ConnectionFailed(tried, reason_of(error), advice) from error
    return rows


def _prefix(schema: str | None) -> str:
    return "" if schema is None else f"{_quoted(schema)}."


def _listed(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{_quoted(column)}" for column in columns)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)
