"""Reads everything about a list of tables, a query for each question and not for each table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from helpers.diagnosis.evidence import KEY_ROLES, Broadcast, Column, Policy, Table, TableName
from helpers.diagnosis.probes import table_queries
from helpers.diagnosis.probes.function_text import sending, truncated, without_truncate
from helpers.diagnosis.probes.policies import read_policies
from helpers.diagnosis.probes.reader import Reader

__all__ = ["read_tables"]

KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}
IDENTITIES = {"f": "full", "i": "index", "n": "nothing"}
#: The first version whose publications have column lists and conditions on rows.
WITH_LIMITS = 150_000

Rows = Mapping[int, Sequence[DictRow]]


async def read_tables(reader: Reader, names: Sequence[TableName], published: Collection[TableName]) -> list[Table]:
    """The tables of these names, in this order, those that do not exist included."""
    named: dict[str, Any] = {
        "schemas": [name.schema for name in names],
        "tables": [name.table for name in names],
        "roles": list(KEY_ROLES),
    }
    relations = await reader.rows("tables", table_queries.RELATIONS, named)
    oids = [row["oid"] for row in relations if row["oid"] is not None]
    facts = await _facts(reader, oids, named)
    truncating = await reader.rows("functions that truncate", table_queries.TRUNCATING)
    return [facts.table(row, published, truncating) for row in relations]


async def _facts(reader: Reader, oids: Sequence[int], named: Mapping[str, Any]) -> _Facts:
    asked = {"oids": list(oids), "roles": named["roles"]}
    widths = await reader.rows("widths of columns", table_queries.WIDTHS, named)
    limits: list[DictRow] = []
    if reader.version >= WITH_LIMITS:
        limits = await reader.rows("limits of the publication", table_queries.LIMITS_OF_PUBLICATION)
    return _Facts(
        columns=_by_table(await reader.rows("columns", table_queries.COLUMNS, asked)),
        indexes=_by_table(await reader.rows("indexes", table_queries.INDEXES, asked)),
        broadcasts=_by_table(await reader.rows("triggers", table_queries.BROADCASTS, asked)),
        viewed=_by_table(await reader.rows("views", table_queries.VIEWED, asked)),
        limits={row["oid"]: row for row in limits},
        widths={(row["schema"], row["table"], row["name"]): row["width"] for row in widths},
        policies=await read_policies(reader, oids),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """Answers by the table's oid."""

    columns: Rows
    indexes: Rows
    broadcasts: Rows
    viewed: Rows
    limits: Mapping[int, DictRow]
    widths: Mapping[tuple[str, str, str], int]
    policies: Mapping[int, tuple[Policy, ...]]

    def table(self, row: DictRow, published: Collection[TableName], truncating: Sequence[DictRow]) -> Table:
        name, oid = TableName(row["schema"], row["table"]), row["oid"]
        if oid is None:
            return Table(name, exists=False)
        limit = self.limits.get(oid, {})
        columns = limit.get("columns")
        return Table(
            name=name,
            published=name in published,
            published_columns=None if columns is None else tuple(columns),
            row_filter=limit.get("row_filter", ""),
            columns=tuple(self._column(name, each) for each in self.columns.get(oid, ())),
            kind=KINDS[row["kind"]],
            logged=row["logged"],
            owner=row["owner"],
            rls=row["rls"],
            policies=self.policies.get(oid, ()),
            select_roles=tuple(row["select_roles"]),
            write_roles=tuple(row["write_roles"]),
            rows=None if row["rows"] < 0 else int(row["rows"]),
            large_bytes=row["large_bytes"],
            broadcasts=tuple(map(_broadcast, self.broadcasts.get(oid, ()))),
            truncated_by=_mended(name, truncating),
            reads_from=tuple(TableName(each["schema"], each["table"]) for each in self.viewed.get(oid, ())),
            **self._keys(oid, row["identity"]),
        )

    def _column(self, table: TableName, row: DictRow) -> Column:
        return Column(
            name=row["name"],
            type=row["type"],
            type_schema=row["type_schema"],
            counted=row["counted"],
            labels=tuple(row["labels"]),
            average_bytes=self.widths.get((table.schema, table.table, row["name"])),
            readable_by=tuple(row["readable_by"]),
            can_be_large=row["can_be_large"],
        )

    def _keys(self, oid: int, identity: str) -> dict[str, Any]:
        indexes = self.indexes.get(oid, ())
        primary = next((index["columns"] for index in indexes if index["primary"]), ())
        replica = next((index["columns"] for index in indexes if index["identity"]), ())
        return {
            "replica_identity": IDENTITIES.get(identity, "default"),
            "primary_key": tuple(primary),
            "replica_columns": tuple(replica),
            "indexed": tuple(sorted({index["columns"][0] for index in indexes if index["whole"]})),
        }


def _broadcast(row: DictRow) -> Broadcast:
    sent = sending(row["body"])
    return Broadcast(
        trigger=row["trigger"],
        definition=row["definition"],
        function=f"{TableName(row['schema'], row['name']).quoted}({row['arguments']})",
        for_each_row=row["for_each_row"],
        definer=row["definer"],
        whole_rows=sent.whole_rows,
        topic=sent.topic,
        private=sent.private,
    )


def _mended(name: TableName, truncating: Sequence[DictRow]) -> tuple[str, ...]:
    return tuple(without_truncate(row["definition"]) for row in truncating if truncated(row["body"], [name]))


def _by_table(rows: Sequence[DictRow]) -> Rows:
    found: dict[int, list[DictRow]] = defaultdict(list)
    for row in rows:
        found[row["oid"]].append(row)
    return found
