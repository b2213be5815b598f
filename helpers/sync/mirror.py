"""The second store: a table that is kept equal to another through Prisma, one transaction per batch of changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.prisma import Prisma
from helpers.sync.convert import Converter
from helpers.sync.folding import Folded, Key, fold
from helpers.wire.events import Change

__all__ = ["Mirror", "refetch"]


async def refetch(client: Prisma, converter: Converter, keys: Collection[Key]) -> dict[Key, dict[str, Any]]:
    """Revalidate: read rows of the source through Prisma, in one query, as `data` for a Prisma call.

    Rows that are gone meanwhile are missing from the result. For tables with one column as primary key.
    """
    [key] = converter.model.key
    rows = await getattr(client, converter.model.accessor).find_many(where={key: {"in": [value for (value,) in keys]}})
    return {(getattr(row, key),): _as_data(row, converter) for row in rows}


def _as_data(row: Any, converter: Converter) -> dict[str, Any]:
    fields = converter.model.columns.values()
    values = {field.name: getattr(row, field.name) for field in fields}
    return values | {field.name: converter.json(values[field.name]) for field in fields if field.type == "Json"}


@dataclass(frozen=True, slots=True)
class Mirror:
    """Keeps `table` as the changes of another table say.

    Attributes:
        client: connected to the database of both.
        source: converts the changes.
        table: the accessor of the mirroring model, which has the fields of the source.
    """

    client: Prisma
    source: Converter
    table: str

    async def apply(self, changes: Sequence[Change]) -> None:
        """Apply changes in their order, all or none. Applying them once more changes nothing.

        Rows that the changes do not tell completely are read from the source first.
        """
        folded = fold(changes, self.source)
        if folded.unknown:
            fresh = await refetch(self.client, self.source, folded.unknown)
            folded = Folded(folded.rows | fresh, folded.deleted | (folded.unknown - fresh.keys()))
        await self.replace(folded.rows, folded.touched)

    async def replace(self, rows: dict[Key, dict[str, Any]], touched: Collection[Key]) -> None:
        """Upsert `rows`, and delete what else is `touched`: four statements, however many rows there are.

        An upsert per row costs one statement per row, and takes about six times as long for a batch of 100
        (`tests.benchmarks.bench_prisma`). Deleting and inserting inside of one transaction is the same to every reader.
        """
        [key] = self.source.model.key
        async with self.client.batch_() as batch:
            table = getattr(batch, self.table)
            table.delete_many(where={key: {"in": [value for (value,) in touched]}})
            if rows:
                table.create_many(data=list(rows.values()))
