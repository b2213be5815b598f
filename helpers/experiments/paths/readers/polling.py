"""Subscribers that ask again and again for what came after the last row that they have."""

from __future__ import annotations

import asyncio
import random
import time
from abc import abstractmethod
from typing import Any, NamedTuple

import aiohttp
import msgspec
import psycopg
from psycopg import sql

from helpers.database_url import reason_of
from helpers.errors import FailureError
from helpers.experiments.paths.readers.reader import Plan, Reader, connect, socket_bytes

__all__ = ["MAX_ROWS", "RestReader", "SqlReader"]

#: PostgREST returns so many rows at most (Supabase's setting `max_rows`); SQL is asked for as many.
MAX_ROWS = 1_000

ANSWER_LIMIT_S = 10.0


class _Rows(NamedTuple):
    """An answer: the rows' numbers in their order, and its size in bytes."""

    seqs: list[int]
    size_bytes: int


class _Row(msgspec.Struct):
    seq: int


_read_rows = msgspec.json.Decoder(list[_Row]).decode


class PollingReader(Reader):
    """Each subscriber begins at a random moment and asks at fixed times; one that is past is left out."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._polling: list[asyncio.Task[None]] = []
        self._random = random.Random(plan.first_seq)

    @abstractmethod
    async def fetch(self, subscriber: int, after: int) -> _Rows:
        """Ask once.

        Raises:
            FailureError: it was refused.
        """

    async def add(self, subscriber: int) -> None:
        await self.fetch(subscriber, self.plan.first_seq)  # what is refused is told now, and connections are warm
        self._polling.append(asyncio.create_task(self._poll(subscriber), name=f"poll of {self.plan.path.name}"))

    async def close(self) -> None:
        for task in self._polling:
            task.cancel()
        await asyncio.gather(*self._polling, return_exceptions=True)

    async def _poll(self, subscriber: int) -> None:
        interval_s, cursor = self.plan.path.interval_s or 1.0, self.plan.first_seq - 1
        due = time.monotonic() + self._random.uniform(0, interval_s)
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            try:
                rows = await self.fetch(subscriber, cursor)
            except FailureError as error:
                self.broken[error.happened] += 1
                rows = _Rows([], 0)
            received_at = time.monotonic()
            for seq in rows.seqs:
                self.enter(subscriber, seq, received_at, rows.size_bytes // len(rows.seqs))
            cursor = max(cursor, rows.seqs[-1]) if rows.seqs else cursor
            if len(rows.seqs) < MAX_ROWS:  # else there is more, and who polls asks at once
                due += interval_s * max(1, -(-(received_at - due) // interval_s))


class RestReader(PollingReader):
    """PostgREST, on connections that stay open; a subscriber each."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._bytes = 0
        self._url = f"{plan.target.rest_url}/{plan.table}"
        key = plan.target.publishable_key
        self._headers = {"apikey": key, "Accept-Profile": plan.target.schema}
        if not key.startswith("sb_"):  # those are no tokens
            self._headers["Authorization"] = f"Bearer {key}"
        self._session: aiohttp.ClientSession | None = None

    @property
    def wire_bytes(self) -> int:
        return self._bytes

    async def fetch(self, subscriber: int, after: int) -> _Rows:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout, connector=connector)
        query: dict[str, Any] = {"select": "*", "seq": f"gt.{after}", "order": "seq", "limit": MAX_ROWS}
        self.queries += 1
        try:
            async with self._session.get(self._url, params=query) as response:
                body = await response.read()
                self._bytes += len(body) + _head_bytes(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._refused(str(error) or type(error).__name__) from None
        if not response.ok:
            raise self._refused(f"HTTP {response.status} {body[:200].decode(errors='replace')}")
        return _Rows([row.seq for row in _read_rows(body)], len(body))

    async def close(self) -> None:
        await super().close()
        if self._session is not None:
            await self._session.close()

    def _refused(self, happened: str) -> FailureError:
        return FailureError("polling PostgREST", happened, "Check that the schema is exposed, and its log")


def _head_bytes(response: aiohttp.ClientResponse) -> int:
    """Status line and headers, as they travel."""
    line = len(f"HTTP/1.1 {response.status} {response.reason}\r\n\r\n")
    return line + sum(len(name) + len(value) + 4 for name, value in response.raw_headers)


class SqlReader(PollingReader):
    """The database itself, a connection for each subscriber."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._connections: dict[int, psycopg.AsyncConnection] = {}
        table = sql.Identifier(plan.target.schema, plan.table)
        self._query = sql.SQL("select * from {} where seq > %s order by seq limit {}").format(table, MAX_ROWS)

    @property
    def wire_bytes(self) -> int | None:
        counts = [socket_bytes(connection.pgconn.socket) for connection in self._connections.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    async def add(self, subscriber: int) -> None:
        self._connections[subscriber] = await connect(self.plan)
        self.connections += 1
        await super().add(subscriber)

    async def fetch(self, subscriber: int, after: int) -> _Rows:
        self.queries += 1
        try:
            cursor = await self._connections[subscriber].execute(self._query, [after], prepare=True)
            rows = await cursor.fetchall()
        except psycopg.Error as error:
            happened = reason_of(error, self.plan.target.database_url or "")
            raise FailureError("polling the database", happened, "Check the database's log") from None
        size_bytes = sum(len(str(value)) for row in rows for value in row)
        return _Rows([row[_SEQ] for row in rows], size_bytes)

    async def close(self) -> None:
        await super().close()
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))


#: Where `seq` stands among the columns of a table of ours, after `id`.
_SEQ = 1
