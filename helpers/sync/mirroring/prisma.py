"""A mirror in a table that Prisma writes: rows and position change in one transaction of Prisma's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any, Self, TypeVar

from helpers.errors import RunError
from helpers.prisma import Prisma
from helpers.resilience import CHECKPOINT, Backoff, Item, LogPosition, keys_of, place_of
from helpers.sync.convert import Converter
from helpers.sync.failures import Failure, failure_of, reason_of
from helpers.sync.folding import Key
from helpers.sync.mirroring.snapshot import Page, Snapshot
from helpers.sync.prisma_table import PrismaTable
from helpers.sync.writing import RETRY

__all__ = ["PrismaStore"]

A = TypeVar("A")

#: The position, beside the table: no model of the schema, so that an application need not know of it.
_TABLES = (
    "create table if not exists mirror_position (mirror text primary key, horizon bigint not null, "
    "history text not null, key jsonb not null)",
    "create table if not exists mirror_seen (mirror text, id bigint, xid bigint not null, keys jsonb not null, "
    "primary key (mirror, id))",
)
_POSITION = "select horizon::text, history, key::text from mirror_position where mirror = $1"
_SEEN = "select id::text, xid::text, keys::text from mirror_seen where mirror = $1 order by id"
_BEGIN = "insert into mirror_position values ($1, $2::text::bigint, $3, $4::text::jsonb)"
_ENTER = (
    "insert into mirror_seen select $1, (e->>0)::bigint, (e->>1)::bigint, e->2 "
    "from jsonb_array_elements($2::text::jsonb) e"
)
_ADVANCE = "update mirror_position set horizon = greatest(horizon, $2::text::bigint) where mirror = $1"
_FORGET = "delete from mirror_seen where mirror = $1 and xid < $2::text::bigint"
_CLEAR = ("delete from mirror_position where mirror = $1", "delete from mirror_seen where mirror = $1")

#: A snapshot is one transaction, however many rows there are; Prisma ends it after this time.
SNAPSHOT_LIMIT = timedelta(minutes=10)


class PrismaStore:
    """`async with PrismaStore(client, Converter.of(datamodel, "messages", json_type(client)), "copy") as store`.

    One process at a time: a second one that applies the same change fails, and its transaction with it. Columns that
    the schema does not know are not in the mirror, nor microseconds of a row that the log could not tell whole.

    Args:
        client: connected to the database of the mirror.
        source: converts rows of the source's table.
        table: accessor of the model to write to, which has the fields of the source and no writer but this one.
        origin: connected to the source's database, for values that a log cannot tell; `client` if it is None.
        patience_s: how long a database that is away is asked again.
    """

    def __init__(
        self, client: Prisma, source: Converter, table: str, *, origin: Prisma = None, patience_s: float = 60.0
    ) -> None:
        self._client, self._name, self._patience_s = client, table, patience_s
        self._table = PrismaTable(client, source, table, origin)
        self._key: tuple[str, ...] = ()
        self._position: LogPosition | None = None

    async def __aenter__(self) -> Self:
        for statement in _TABLES:
            await self._patiently(lambda statement=statement: self._client.execute_raw(statement))  # type: ignore[misc]
        await self._patiently(self._learn)
        return self

    async def __aexit__(self, *_: object) -> None:
        """The client is the caller's."""

    @property
    def key(self) -> tuple[str, ...]:
        """See `Store`."""
        return self._key

    async def position(self) -> LogPosition | None:
        """See `Store`."""
        await self._patiently(self._learn)
        return self._position.copy() if self._position else None

    async def replace(self, snapshot: Snapshot) -> None:
        """See `Store`.

        Raises:
            RunError: it cannot be written; what was there before is there still.
        """
        try:
            await self._replace(snapshot)
        except Exception as error:
            if failure_of(error) is Failure.LASTING:
                raise
            raise self._cannot(error) from error
        await self._patiently(self._learn)

    async def apply(self, items: Sequence[Item]) -> int:
        """See `Store`. What stands before a TRUNCATE is a transaction of its own.

        Raises:
            RunError: they cannot be written.
        """
        repeated = 0
        for part in _parts(items):
            repeated += await self._patiently(lambda part=part: self._apply(part))  # type: ignore[misc]
        return repeated

    async def _apply(self, items: Sequence[Item]) -> int:
        """As one transaction; the position in memory follows when it is committed."""
        position = self._position
        assert position is not None, "a mirror begins with a snapshot"
        marks = {place_of(item)[0]: item for item in items if item.type != CHECKPOINT}
        fresh = [item for identity, item in marks.items() if not position.has(identity, place_of(item)[1])]
        horizon = max((int(item.position) for item in items if item.type == CHECKPOINT), default=0)  # type: ignore[call-overload]
        folded = await self._table.folded(fresh)
        async with self._client.batch_() as batch:
            if fresh:
                self._table.write(batch, folded, self._kept(position, folded.emptied))
                batch.execute_raw(_ENTER, self._name, json.dumps([_entry(item) for item in fresh]))
            if horizon > position.horizon:
                batch.execute_raw(_ADVANCE, self._name, str(horizon))
                batch.execute_raw(_FORGET, self._name, str(horizon))
        for item in fresh:
            position.enter(item)
        position.advance(horizon)
        return sum(item.type != CHECKPOINT for item in items) - len(fresh)

    def _kept(self, position: LogPosition, emptied: int | None) -> list[Key]:
        """Rows that were written after they were all deleted, should that come late."""
        if emptied is None:
            return []
        keys = [json.loads(key) for key, (identity, _) in position.latest.items() if identity > emptied]
        return [self._table.source.key_data(key) for key in keys if isinstance(key, list)]

    async def _replace(self, snapshot: Snapshot) -> None:
        position, key = snapshot.position, json.dumps(snapshot.key)
        async with self._client.tx(timeout=SNAPSHOT_LIMIT) as tx:
            for statement in _CLEAR:
                await tx.execute_raw(statement, self._name)
            await getattr(tx, self._name).delete_many()
            async for page in snapshot.pages:
                await self._fill(tx, page, snapshot.key)
            await tx.execute_raw(_BEGIN, self._name, str(position.horizon), position.history, key)
            seen: list[tuple[int, int, list[str]]] = [(identity, xid, []) for identity, xid in position.seen.items()]
            await tx.execute_raw(_ENTER, self._name, json.dumps(seen))

    async def _fill(self, tx: Any, page: Page, key: Sequence[str]) -> None:
        items = [Item("INSERT", tuple(row[column] for column in key), row, None) for row in page]
        await self._table.fill(tx, await self._table.folded(items))

    async def _learn(self) -> None:
        """The position as it is in the database."""
        found = await self._client.query_raw(_POSITION, self._name)
        if not found:
            self._position, self._key = None, ()
            return
        self._key = tuple(json.loads(found[0]["key"]))
        self._position = LogPosition(int(found[0]["horizon"]), history=found[0]["history"])
        for row in await self._client.query_raw(_SEEN, self._name):
            place = int(row["id"]), int(row["xid"])
            self._position.seen[place[0]] = place[1]
            self._position.latest |= dict.fromkeys(json.loads(row["keys"]), place)  # by id: the last one counts

    async def _patiently(self, work: Callable[[], Awaitable[A]]) -> A:
        """Again while the database is away. Whether a commit came through before it went is read there."""
        backoff, since = Backoff(RETRY), monotonic()
        while True:
            try:
                return await work()
            except Exception as error:
                if failure_of(error) is not Failure.PASSING or monotonic() - since > self._patience_s:
                    raise self._cannot(error) from error
            await asyncio.sleep(backoff.delay_s())
            await self._relearn()

    async def _relearn(self) -> None:
        try:
            await self._learn()
        except Exception as error:
            if failure_of(error) is not Failure.PASSING:
                raise self._cannot(error) from error

    def _cannot(self, error: Exception) -> RunError:
        tried = f"mirroring into the model {self._name} through Prisma"
        advice = "Check that its database is up, that it has the fields of the source, and that nobody else writes it"
        return RunError(tried, reason_of(error), advice)


def _parts(items: Sequence[Item]) -> list[list[Item]]:
    """A TRUNCATE begins a part: what it leaves depends on what was applied before."""
    parts: list[list[Item]] = []
    for item in items:
        if not parts or item.type == "TRUNCATE":
            parts.append([])
        parts[-1].append(item)
    return parts


def _entry(item: Item) -> tuple[int, int, list[str]]:
    return *place_of(item), [key for key in keys_of(item) if key is not None]
