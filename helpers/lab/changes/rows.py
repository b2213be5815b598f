"""From the log's messages to changes: relations remembered, values turned into JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from psycopg import AsyncConnection, sql

from helpers.lab.changes.change import Change
from helpers.lab.changes.pgoutput import (
    Begin,
    Delete,
    Insert,
    Message,
    Relation,
    Row,
    Unchanged,
    Update,
)
from helpers.lab.changes.types import PgType, TypeCatalog
from helpers.lab.changes.values import Encoder, encoder_for

__all__ = ["RawChange", "RowReader"]

_YIELD_AFTER = 500  # rows in one go, before other tasks of the event loop get their turn
_EVENTS = {Insert: "INSERT", Update: "UPDATE", Delete: "DELETE"}


@dataclass(frozen=True, slots=True)
class RawChange:
    """A change whose values are still the log's text."""

    event: str
    relation: Relation
    commit_time: datetime
    xid: int
    new: Row | None
    old: Row | None


class RowReader:
    """Turns messages into changes; knows the relations met so far."""

    def __init__(self, types: TypeCatalog) -> None:
        self._types = types
        self._relations: dict[int, Relation] = {}
        self._begin: Begin | None = None

    def take(self, messages: Iterable[Message]) -> list[RawChange]:
        """The changes among the messages, in the order of commit. TRUNCATE is none."""
        changes = []
        for message in messages:
            if isinstance(message, Insert | Update | Delete):
                changes.append(self._raw(message))
            elif isinstance(message, Begin):
                self._begin = message
            elif isinstance(message, Relation):
                self._relations[message.oid] = message
        return changes

    async def encode(self, connection: AsyncConnection, changes: Sequence[RawChange]) -> list[Change]:
        """Turn values into JSON.

        Raises:
            psycopg.Error: when the database has to convert a value and cannot.
        """
        relations = {id(change.relation): change.relation for change in changes}
        encoders = {key: await self._encoders(connection, relation, changes) for key, relation in relations.items()}
        encoded = []
        for number, change in enumerate(changes):
            if number % _YIELD_AFTER == _YIELD_AFTER - 1:
                await asyncio.sleep(0)
            encoded.append(_encode(change, encoders[id(change.relation)]))
        return encoded

    def _raw(self, message: Insert | Update | Delete) -> RawChange:
        if self._begin is None:
            raise ValueError("a change outside a transaction")
        new = None if isinstance(message, Delete) else message.new
        old = None if isinstance(message, Insert) else message.old
        relation, begin = self._relations[message.oid], self._begin
        return RawChange(_EVENTS[type(message)], relation, begin.commit_time, begin.xid, new, old)

    async def _encoders(
        self, connection: AsyncConnection, relation: Relation, changes: Sequence[RawChange]
    ) -> tuple[Encoder, ...]:
        types = await self._types.describe(connection, [column.type_oid for column in relation.columns])
        encoders = []
        for position, column in enumerate(relation.columns):
            pg_type = types[column.type_oid]
            encoder = encoder_for(pg_type, types)
            if encoder is None:
                texts = _texts(relation, position, changes)
                encoder = (await _convert(connection, pg_type, texts)).__getitem__
            encoders.append(encoder)
        return tuple(encoders)


def _texts(relation: Relation, position: int, changes: Sequence[RawChange]) -> set[str]:
    rows = chain.from_iterable((change.new, change.old) for change in changes if change.relation is relation)
    values = (row[position] for row in rows if row is not None)
    return {value for value in values if isinstance(value, str)}


async def _convert(connection: AsyncConnection, pg_type: PgType, texts: set[str]) -> dict[str, bytes]:
    """JSON of values whose conversion only the database knows."""
    query = sql.SQL("select value, to_jsonb(value::{type})::text from unnest(%s::text[]) value").format(
        type=sql.SQL(pg_type.sql_name.replace("%", "%%"))
    )
    cursor = await connection.execute(query, (sorted(texts),))
    return {value: text.encode() for value, text in await cursor.fetchall()}


def _encode(change: RawChange, encoders: Sequence[Callable[[str], bytes]]) -> Change:
    new = _cells(change.new, change.relation, encoders) if change.new is not None else {}
    old = {}
    if change.event != "INSERT":
        identity = [column.name for column in change.relation.columns if column.identity]
        before = _cells(change.old, change.relation, encoders) if change.old is not None else new
        old = {name: before[name] for name in identity if name in before}
    return Change(change.event, change.relation, change.commit_time, new, old)


def _cells(row: Row, relation: Relation, encoders: Sequence[Encoder]) -> dict[str, bytes]:
    return {
        column.name: b"null" if value is None else encode(value)
        for column, encode, value in zip(relation.columns, encoders, row, strict=True)
        if not isinstance(value, Unchanged)
    }
