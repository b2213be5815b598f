"""A table that is written through Prisma, in transactions of many changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.prisma import Prisma, datamodel_of, schema_of
from helpers.resilience import Item
from helpers.sync.bulk import BulkTable
from helpers.sync.convert import Converter
from helpers.sync.folding import Folded, Key, fold

__all__ = ["PrismaTable", "refetch", "where_key"]


async def refetch(client: Prisma, converter: Converter, keys: Collection[Key]) -> dict[Key, dict[str, Any]]:
    """Revalidate: read rows of the source through Prisma, in one query, as `data` for a Prisma call.

    Rows that are gone meanwhile are missing from the result.
    """
    names = converter.model.key
    rows = await getattr(client, converter.model.accessor).find_many(where=where_key(converter, keys))
    return {tuple(getattr(row, name) for name in names): converter.of_row(row) for row in rows}


def where_key(converter: Converter, keys: Collection[Key]) -> dict[str, Any]:
    """Prisma's words for "one of these": `in`, and for a key of several columns what comes to the same."""
    names = converter.model.key
    if len(names) == 1:
        return {names[0]: {"in": [value for (value,) in keys]}}
    return {"OR": [dict(zip(names, key, strict=True)) for key in keys]}


@dataclass(slots=True)
class PrismaTable:
    """Keeps a table of PostgreSQL as the changes of another one say.

    Attributes:
        client: connected to the database that is written to.
        source: converts the changes.
        table: the accessor of the model to write to, which has the fields of the source; nobody else writes to it.
        origin: connected to the source, for rows that the changes do not tell completely; `client` if it is None.

    Raises:
        SettingsError: the client has no such model, or the model not all of the fields.
    """

    client: Prisma
    source: Converter
    table: str
    origin: Prisma = None
    _bulk: BulkTable = field(init=False, repr=False)

    def __post_init__(self) -> None:
        schema = schema_of(self.client)
        self._bulk = BulkTable.of(datamodel_of(self.client), self.table, self.source.model, schema)

    async def apply(self, items: Sequence[Item]) -> None:
        """Apply changes in their order as one transaction, all or none. Once more it changes nothing."""
        folded = await self.folded(items)
        async with self.client.batch_() as batch:
            self.write(batch, folded)

    async def folded(self, items: Sequence[Item]) -> Folded:
        """What the items come to, with nothing unknown."""
        folded = fold(items, self.source)
        if folded.unknown:
            fresh = await refetch(self.client if self.origin is None else self.origin, self.source, folded.unknown)
            folded.rows |= fresh
            folded.deleted |= folded.unknown - fresh.keys()
            folded.unknown.clear()
        return folded

    def write(self, batch: Any, folded: Folded, kept: Collection[Key] = ()) -> None:
        """Delete what is touched and insert what is there now: two statements, however many rows there are.

        An upsert for each row costs a statement for each row (`tests.benchmarks.bench_prisma` has the price), and one
        for all of them would meet the unique values of rows that are to change as well. Deleting and inserting in one
        transaction is the same to every reader.

        Args:
            batch: of the client. kept: keys that outlive a TRUNCATE that comes late.
        """
        if folded.emptied is not None:
            batch.execute_raw(*self._bulk.delete_others(kept))
        if touched := folded.touched:
            batch.execute_raw(*self._bulk.delete(touched))
        if folded.rows:
            batch.execute_raw(*self._bulk.insert(folded.rows.values()))

    async def fill(self, transaction: Any, folded: Folded) -> None:
        """Insert rows that are not there yet, in an interactive transaction of the client."""
        if folded.rows:
            await transaction.execute_raw(*self._bulk.insert(folded.rows.values()))
