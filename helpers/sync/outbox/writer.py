"""Does a write through Prisma, once: what it changes and its idempotency key are committed together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from helpers.errors import WorkbookError
from helpers.prisma import Prisma
from helpers.sync.convert import Converter
from helpers.sync.outbox.failures import Rejected, failure_of
from helpers.sync.outbox.policies import Conflict, ConflictPolicy, Merged, merge
from helpers.sync.writes import Answer, Write, WriteType, is_temporary

__all__ = ["PrismaWriter"]

#: For a transaction that waits for locks; then it is tried again.
LIMIT = timedelta(seconds=10)

_ENTER = "insert into done_writes (id) values ($1) on conflict (id) do nothing returning xid::text"
_ANSWER = "update done_writes set answer = $2 where id = $1"
_FIND = "select xid::text, answer from done_writes where id = $1"

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class _Kept(msgspec.Struct):
    """An answer, as the table of done writes has it. echo: whether a row was changed."""

    key: list[Any]
    echo: bool = True
    yielded: tuple[str, ...] = ()


class PrismaWriter:
    """Writes to one table, in whose schema `install_done_writes` has been called.

    Args:
        client: connected, of a role that may write to the table and to `done_writes`.
        converter: from the database's names and values to Prisma's.
        policy: for writes with a base.
        on_mark: is called with a write and its mark before it is committed, so before any echo can come.
    """

    def __init__(
        self,
        client: Prisma,
        converter: Converter,
        *,
        policy: ConflictPolicy = ConflictPolicy.LAST_WRITER,
        on_mark: Callable[[Write, int], None] = lambda write, mark: None,
    ) -> None:
        self._client, self._converter, self._policy, self._on_mark = client, converter, policy, on_mark
        model = converter.model
        names = {field.name: field.column for field in model.columns.values()}
        self._columns = tuple(names[name] for name in model.key)
        self._lock = _locking(model.table, self._columns)

    async def send(self, write: Write) -> Answer:
        """Do it; if it was done before, only tell the answer it got then.

        Raises:
            Rejected: it will not be done. Conflict: somebody has to decide. ConnectionFailed: perhaps it was done.
        """
        try:
            async with self._client.tx(timeout=LIMIT, max_wait=LIMIT) as transaction:
                return await self._once(transaction, write)
        except (WorkbookError, Conflict):
            raise
        except Exception as error:
            raise failure_of(error) from error

    async def _once(self, transaction: Prisma, write: Write) -> Answer:
        entered = await transaction.query_raw(_ENTER, write.id)
        if not entered:  # somebody else's attempt at it has committed: the statement waits for that
            [found] = await transaction.query_raw(_FIND, write.id)
            return _answer(msgspec.json.decode(found["answer"], type=_Kept), int(found["xid"]))
        mark = int(entered[0]["xid"])
        kept = await self._do(transaction, write)
        await transaction.execute_raw(_ANSWER, write.id, msgspec.json.encode(kept).decode())
        self._on_mark(write, mark)
        return _answer(kept, mark)

    async def _do(self, transaction: Prisma, write: Write) -> _Kept:
        table = getattr(transaction, self._converter.model.accessor)
        if write.type is WriteType.INSERT:
            row = await table.create(data=self._data(write.values))
            return _Kept(self._key_of(write, row))
        merged = await self._merged(transaction, write)
        if merged.values is None:
            return _Kept([*write.key], False, merged.yielded)
        where = self._where(write)
        if write.type is WriteType.DELETE:
            return _Kept([*write.key], await table.delete(where=where) is not None)
        if await table.update(where=where, data=self._data(merged.values)) is None:
            raise _gone(write)
        return _Kept([*write.key], True, merged.yielded)

    async def _merged(self, transaction: Prisma, write: Write) -> Merged:
        """Compare with the row as it is now, which nobody else changes until the end of the transaction."""
        if write.base is None or self._policy is ConflictPolicy.LAST_WRITER:
            return Merged(write.values)
        key = dict(zip(self._columns, write.key, strict=True))
        found = await transaction.query_raw(self._lock, msgspec.json.encode(key).decode())
        if found:
            return merge(self._policy, write, _DECODER.decode(found[0]["row"]))
        if self._policy is ConflictPolicy.SERVER_WINS or write.type is WriteType.DELETE:
            return Merged(None, tuple(write.values))
        raise _gone(write)

    def _data(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return self._converter.data({column: value for column, value in values.items() if not is_temporary(value)})

    def _where(self, write: Write) -> dict[str, Any]:
        names = self._converter.model.key
        values = dict(zip(names, self._converter.key(dict(zip(self._columns, write.key, strict=True))), strict=True))
        return values if len(names) == 1 else {"_".join(names): values}

    def _key_of(self, write: Write, row: Any) -> list[Any]:
        names = self._converter.model.key
        return [
            getattr(row, name) if is_temporary(value) else value for name, value in zip(names, write.key, strict=True)
        ]


def _answer(kept: _Kept, mark: int) -> Answer:
    return Answer(tuple(kept.key), mark if kept.echo else None, kept.yielded)


def _gone(write: Write) -> Rejected:
    return Rejected(f"writing to the row {write.key}", "it is gone", "Give the write up, or insert the row anew")


def _locking(table: str, columns: tuple[str, ...]) -> str:
    """The row of a key that is given as JSON: PostgreSQL knows the columns' types."""
    name, one = _quoted(table), [_quoted(column) for column in columns]
    mine, given = ", ".join(f"t.{column}" for column in one), ", ".join(f"k.{column}" for column in one)
    return (
        f"select to_jsonb(t)::text as row from {name} t where ({mine}) = "
        f"(select {given} from jsonb_populate_record(null::{name}, $1::jsonb) k) for update of t"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
