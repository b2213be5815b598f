"""A table that is written through Prisma, in transactions of many changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.prisma import Prisma
from helpers.resilience import Item
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


@dataclass(frozen=True, slots=True)
class PrismaTable:
    """Keeps a table as the changes of another one say.

    Attributes:
        client: connected to the database that is written to.
        source: converts the changes.
        table: the accessor of the model to write to, which has the fields of the source; nobody else writes to it.
        origin: connected to the source, for rows that the changes do not tell completely; `client` if it is None.
    """

    client: Prisma
    source: Converter
    table: str
    origin: Prisma = None

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
        """Delete what is touched and create what is there now: four statements, however many rows there are.

        An upsert for each row costs a statement for each row, and takes about six times as long for a batch of 100
        (`tests.benchmarks.bench_prisma`). Deleting and creating inside of one transaction is the same to every reader.

        Args:
            batch: of the client. kept: keys that outlive a TRUNCATE that comes late.
        """
        table = getattr(batch, self.table)
        if folded.emptied is not None:
            table.delete_many(where={"NOT": [where_key(self.source, kept)]} if kept else {})
        if touched := folded.touched:
            table.delete_many(where=where_key(self.source, touched))
        if folded.rows:
            table.create_many(data=list(folded.rows.values()))
