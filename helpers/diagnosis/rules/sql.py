"""Names and statements as SQL needs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from helpers.diagnosis.evidence import Column, Policy, Table
from helpers.diagnosis.rules.rule import listed

__all__ = ["altered", "columns_named", "literal", "names", "per_table", "quoted", "snake", "type_of"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def names(tables: Iterable[Table]) -> str:
    return listed(table.name for table in tables)


def per_table(tables: Iterable[Table], statement: str) -> str:
    """The statement for each table, its quoted name in the place of ``{}``."""
    return "\n".join(statement.replace("{}", table.name.quoted) for table in tables)


def columns_named(columns: Iterable[tuple[Table, Column]]) -> str:
    return listed(f"{table.name}.{column.name}" for table, column in columns)


def type_of(column: Column) -> str:
    return f"{quoted(column.type_schema)}.{quoted(column.type)}"


def altered(table: Table, policy: Policy, change: Callable[[str], str]) -> str:
    """The statement that gives the policy its expressions anew, each one changed."""
    using = f"\n  using ({change(policy.using)})" if policy.using else ""
    check = f"\n  with check ({change(policy.check)})" if policy.check else ""
    return f"alter policy {quoted(policy.name)} on {table.name.quoted}{using}{check};"


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
