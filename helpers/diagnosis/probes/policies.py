"""Reads policies: their expressions, and the functions and columns that they depend on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from psycopg.rows import DictRow

from helpers.diagnosis.evidence import Function, Policy, TableName
from helpers.diagnosis.probes import table_queries
from helpers.diagnosis.probes.function_text import tables_read
from helpers.diagnosis.probes.reader import Reader

__all__ = ["read_policies"]


async def read_policies(reader: Reader, oids: Sequence[int]) -> Mapping[int, tuple[Policy, ...]]:
    """The policies of these tables, by table."""
    asked = {"oids": list(oids)}
    rows = await reader.rows("policies", table_queries.POLICIES, asked)
    if not rows:
        return {}
    functions = _by_policy(await reader.rows("policy functions", table_queries.POLICY_FUNCTIONS, asked))
    columns = _by_policy(await reader.rows("policy columns", table_queries.POLICY_READS, asked))
    secured = await _secured(reader) if functions else frozenset()
    found: dict[int, list[Policy]] = defaultdict(list)
    for row in rows:
        found[row["table"]].append(_policy(row, functions[row["oid"]], columns[row["oid"]], secured))
    return {oid: tuple(policies) for oid, policies in found.items()}


async def _secured(reader: Reader) -> frozenset[TableName]:
    rows = await reader.rows("tables with row-level security", table_queries.SECURED)
    return frozenset(TableName(row["schema"], row["table"]) for row in rows)


def _by_policy(rows: Sequence[DictRow]) -> dict[int, list[DictRow]]:
    found: dict[int, list[DictRow]] = defaultdict(list)
    for row in rows:
        found[row["policy"]].append(row)
    return found


def _policy(
    row: DictRow, functions: Sequence[DictRow], columns: Sequence[DictRow], secured: Collection[TableName]
) -> Policy:
    return Policy(
        name=row["name"],
        command=row["command"],
        roles=tuple(row["roles"]),
        using=row["using"],
        check=row["check"],
        permissive=row["permissive"],
        functions=tuple(_function(each, secured) for each in functions),
        reads=tuple((TableName(each["schema"], each["table"]), each["name"]) for each in columns),
    )


def _function(row: DictRow, secured: Collection[TableName]) -> Function:
    return Function(
        schema=row["schema"],
        name=row["name"],
        arguments=row["arguments"],
        volatility=row["volatility"],
        definer=row["definer"],
        has_path=row["has_path"],
        reads=tables_read(row["body"], secured),
    )
