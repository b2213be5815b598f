"""Reading through PostgREST: for applications that have no connection to the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from helpers.resilience.change_log import LogNow, LogPage
from helpers.resilience.readers.rest_client import RestClient
from helpers.resilience.rows import Key
from helpers.target import Target

__all__ = ["RestLogReader", "RestRowReader"]

#: Keys that are read together; a project's `max_rows` is 1,000 by default.
_PAGE = 1_000

_ADVICE = (
    "Check that the project is up, that its Data API exposes the schema, and what the key's or token's role may read"
)


class RestLogReader:
    """Reads a change log by `/rest/v1/rpc`.

    Args:
        target: with a secret key: the log holds all rows of its tables.
        token: instead of the secret key, of a user whose role is one of the log's readers.
        schema: of the log; one that the Data API exposes.
    """

    def __init__(
        self, target: Target, *, token: str | None = None, schema: str = "public", timeout_s: float = 10.0
    ) -> None:
        key = target.secret_key or target.publishable_key
        tried = "reading the change log through the Data API"
        self._client = RestClient(
            target, key, token=token, schema=schema, timeout_s=timeout_s, tried=tried, advice=_ADVICE
        )

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        """See `LogReader`. Raises ConnectionFailed."""
        body = {"source": source, "horizon": horizon, "seen": list(seen), "after": after, "most": most}
        return msgspec.convert(await self._client.post("rpc/change_log_page", body), LogPage)

    async def now(self, source: str) -> LogNow:
        """See `LogReader`. Raises ConnectionFailed."""
        return msgspec.convert(await self._client.post("rpc/change_log_now", {"source": source}), LogNow)


class RestRowReader:
    """Reads a table by `/rest/v1/<table>`, with the rights of the key or the token.

    Args:
        version, key: columns, as `Rows` has them.
        filter: as of the subscription, for example ``room_id=eq.123``.
    """

    def __init__(
        self,
        target: Target,
        table: str,
        version: str,
        key: Sequence[str] = ("id",),
        *,
        token: str | None = None,
        filter: str | None = None,
        schema: str = "public",
        timeout_s: float = 10.0,
    ) -> None:
        tried = f"reading {schema}.{table} through the Data API"
        self._client = RestClient(
            target, target.publishable_key, token=token, schema=schema, timeout_s=timeout_s, tried=tried, advice=_ADVICE
        )
        self._table, self._version, self._key = table, version, tuple(key)
        self._filter = dict([filter.split("=", 1)]) if filter else {}

    async def since(self, version: Any, after: Key | None, most: int) -> Sequence[Mapping[str, Any]]:
        """See `RowReader`. Raises ConnectionFailed."""
        query = {"order": ",".join((self._version, *self._key)), "limit": str(most)}
        if version is not None and after is None:
            query["and"] = f"({self._version}.gte.{_literal(version)})"
        elif version is not None:
            query["or"] = self._behind((self._version, *self._key), (version, *(after or ())))
        return await self._rows(query)

    async def keys(self) -> Iterable[Key]:
        """See `RowReader`. Raises ConnectionFailed."""
        found: list[Key] = []
        query = {"select": ",".join(self._key), "order": ",".join(self._key), "limit": str(_PAGE)}
        while True:
            rows = await self._rows(query)
            found += [tuple(row[column] for column in self._key) for row in rows]
            if len(rows) < _PAGE:
                return found
            query["or"] = self._behind(self._key, found[-1])

    async def by_keys(self, keys: Sequence[Key]) -> Sequence[Mapping[str, Any]]:
        """See `RowReader`. Raises ConnectionFailed."""
        found: list[Mapping[str, Any]] = []
        for first in range(0, len(keys), 100):  # an address has a limited length
            some = ",".join(self._equal(key) for key in keys[first : first + 100])
            found += await self._rows({"or": f"({some})"})
        return found

    async def _rows(self, query: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = await self._client.get(self._table, self._filter | dict(query))
        return rows

    def _equal(self, key: Key) -> str:
        parts = [f"{column}.eq.{_literal(value)}" for column, value in zip(self._key, key, strict=True)]
        return f"and({','.join(parts)})"

    def _behind(self, columns: Sequence[str], values: Sequence[Any]) -> str:
        """Rows behind these values in the order of the columns: (a, b) > (x, y), which PostgREST cannot say."""
        equal = [f"{column}.eq.{_literal(value)}" for column, value in zip(columns, values, strict=True)]
        greater = [f"{column}.gt.{_literal(value)}" for column, value in zip(columns, values, strict=True)]
        steps = [f"and({','.join((*equal[:place], greater[place]))})" for place in range(len(columns))]
        return f"({','.join(steps)})"


def _literal(value: Any) -> str:
    """A value in a logical expression, where commas, dots and brackets have a meaning."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
