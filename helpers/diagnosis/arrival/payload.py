"""What the change looks like to the subscriber. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from helpers.diagnosis.arrival.facts import Cell, Cells, Facts, TableColumn, TableFacts

__all__ = ["MAX_BYTES", "NO_KEY", "TOO_LARGE", "UNAUTHORIZED", "error_payload", "payload"]

NO_KEY = "Error 400: Bad Request, no primary key"
UNAUTHORIZED = "Error 401: Unauthorized"
TOO_LARGE = "Error 413: Payload Too Large"

#: The most that the server sends whole (`db_settings.ex`), and up to which size it keeps values of what is larger.
MAX_BYTES = 1_048_576
SMALL_BYTES = 64


def error_payload(table: TableFacts, event: str, error: str) -> dict[str, Any]:
    """What comes in place of a row that cannot be shown."""
    data: dict[str, Any] = _frame(table, event) | {"record": {}, "columns": [], "errors": [error]}
    return data | ({"old_record": {}} if event == "UPDATE" else {})


def payload(facts: Facts, table: TableFacts) -> dict[str, Any]:
    """Record and old record as the role and the binding's `select` see them; without ids and commit time."""
    event, select = facts.question.event, facts.question.select
    shown = [column for column in table.columns if _shown(column, select)]
    too_large = facts.size_bytes > MAX_BYTES
    data = _frame(table, event)
    if event != "DELETE":
        record = _kept(facts.new, facts.new) if too_large else {**facts.old, **facts.new}
        data["record"] = _values(record, shown)
    data["columns"] = [{"name": column.name, "type": column.type_name} for column in shown] or None
    data["errors"] = [TOO_LARGE] if too_large else None
    if event != "INSERT":
        old = _kept(facts.old, facts.old) if too_large else facts.old
        told = [column for column in shown if column.in_key] if event == "DELETE" and table.rls else shown
        data["old_record"] = _values(old, told)
    return data


def _frame(table: TableFacts, event: str) -> dict[str, Any]:
    return {"schema": table.name.schema, "table": table.name.table, "type": event}


def _shown(column: TableColumn, select: tuple[str, ...] | None) -> bool:
    return column.readable and (select is None or column.in_key or column.name in select)


def _kept(cells: Cells, among: Iterable[str]) -> dict[str, Cell]:
    """The small values; null is none of them, as its length is null too."""
    return {
        name: cells[name]
        for name in among
        if cells[name].json != "null" and len(cells[name].json.encode()) <= SMALL_BYTES
    }


def _values(cells: Cells, columns: Iterable[TableColumn]) -> dict[str, Any] | None:
    values = {column.name: cells[column.name].value for column in columns if column.name in cells}
    return values or None
