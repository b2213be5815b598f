"""Columns and constraints as `create table` and `alter table` write them."""

from __future__ import annotations

import re

from helpers.diagnosis.probes.project.sql_text import NAME, unquoted
from helpers.review.database.drafts import TableDraft
from helpers.review.database.facts import ColumnFacts
from helpers.review.database.scanning import FLAGS, bracketed, column_names
from helpers.review.database.types import of_sql
from helpers.review.source import Place

__all__ = ["add_column", "add_constraint", "is_constraint"]

_CONSTRAINT = re.compile(
    rf"(?:constraint\s+(?P<name>{NAME})\s+)?(?P<kind>primary\s+key|unique|foreign\s+key|check|exclude)\b", FLAGS
)
_COLUMN = re.compile(rf"(?P<name>{NAME})\s+(?P<rest>.*)$", FLAGS)
#: Where a column's type ends.
_AFTER_TYPE = re.compile(
    r"\s+(?:not\s+null|null|default|primary\s+key|unique|references|check|generated|collate|constraint|deferrable)\b",
    FLAGS,
)


def is_constraint(text: str) -> bool:
    """Whether it is a constraint of the table, and no column."""
    return _CONSTRAINT.match(text) is not None


def add_constraint(table: TableDraft, text: str) -> None:
    """A key or a unique constraint; others say nothing that is asked for."""
    found = _CONSTRAINT.match(text)
    assert found is not None, "is_constraint"
    kind, name = found["kind"].lower().split()[0], unquoted(found["name"])
    if kind not in ("primary", "unique") or "(" not in text[found.end() :]:
        return  # `using index` names an index that is there already
    columns = column_names(bracketed(text, found.end())[0])
    if kind == "primary":
        table.primary_key = columns
    else:
        table.add_index(columns, name)


def add_column(table: TableDraft, text: str, place: Place) -> None:
    """A column with what its own constraints say of it."""
    found = _COLUMN.match(text)
    if found is None:
        table.whole = False
        return
    name, rest = unquoted(found["name"]), found["rest"]
    end = _AFTER_TYPE.search(rest)
    rules = rest[end.start() :] if end else ""
    if name in table.columns:
        return  # `if not exists`
    key = re.search(r"\bprimary\s+key\b", rules, FLAGS) is not None
    required = key or re.search(r"\bnot\s+null\b", rules, FLAGS) is not None
    table.columns[name] = ColumnFacts(
        name, of_sql(rest[: end.start()] if end else rest), nullable=not required, place=place
    )
    if key:
        table.primary_key = (name,)
    elif re.search(r"\bunique\b", rules, FLAGS):
        table.add_index((name,), f"{table.name}_{name}_key")
