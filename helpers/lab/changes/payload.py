"""The `data` of a change as the real server sends it, encoded once for all who may see the same columns."""

from __future__ import annotations

from collections.abc import Iterable

from helpers.lab.changes.catalog import TableInfo
from helpers.lab.changes.change import Cells, Change
from helpers.lab.changes.values import json_string

__all__ = ["ERROR_NO_KEY", "ERROR_UNAUTHORIZED", "change_data", "error_data", "exceeds"]

ERROR_NO_KEY = "Error 400: Bad Request, no primary key"
ERROR_UNAUTHORIZED = "Error 401: Unauthorized"
_ERROR_TOO_LARGE = "Error 413: Payload Too Large"

_SMALL_BYTES = 64  # a column of a row that is too large is kept up to this size of its JSON
_COLUMN_OVERHEAD = 53  # of a column in the log as wal2json writes it: {"name": "", "type": "", "value": , "typeoid": }


def exceeds(change: Change, max_record_bytes: int) -> bool:
    """Whether the row is larger than the limit, counted nearly as the real server counts (wal2json's text)."""
    cells = (*change.new.items(), *change.old.items())
    return sum(len(name) + len(value) + _COLUMN_OVERHEAD for name, value in cells) > max_record_bytes


def change_data(
    change: Change, table: TableInfo, readable: frozenset[str], select: tuple[str, ...] | None, *, too_large: bool
) -> bytes:
    """JSON of a change.

    Args:
        change: what happened.
        table: the table as it is now.
        readable: the columns that the receiver's role may select.
        select: the columns that the receiver wants besides the primary key, None for all.
        too_large: leave out columns that are not small, and say so.
    """
    keys = {column.name for column in table.primary_key}
    shown = readable if select is None else readable & (keys | set(select))
    parts = {"table": json_string(change.relation.table), "type": json_string(change.event)}
    if change.event != "DELETE":
        parts["record"] = _record(change.old | change.new, shown, change.new.keys() if too_large else None)
    parts["columns"] = _columns(table, shown)
    parts["errors"] = b"[" + json_string(_ERROR_TOO_LARGE) + b"]" if too_large else b"null"
    parts["schema"] = json_string(change.relation.schema)
    parts["commit_timestamp"] = json_string(change.commit_timestamp)
    if change.event != "INSERT":
        # Under row level security nobody asks who may see a deleted row, so only its key is told.
        visible = shown & keys if change.event == "DELETE" and table.row_security else shown
        parts["old_record"] = _record(change.old, visible, change.old.keys() if too_large else None)
    return _object(parts.items())


def error_data(change: Change, error: str) -> bytes:
    """JSON of a change that cannot be shown."""
    parts = {"table": json_string(change.relation.table), "type": json_string(change.event), "record": b"{}"}
    parts |= {"columns": b"[]", "errors": b"[" + json_string(error) + b"]"}
    parts |= {"schema": json_string(change.relation.schema), "commit_timestamp": b"null"}
    if change.event == "UPDATE":
        parts["old_record"] = b"{}"
    return _object(parts.items())


def _record(cells: Cells, shown: frozenset[str], small_among: Iterable[str] | None) -> bytes:
    """An object in the order of `jsonb`: shorter names first. Null when there is no column to show."""
    if small_among is not None:
        cells = {name: cells[name] for name in small_among if _is_small(cells[name])}
    names = sorted(cells.keys() & shown, key=lambda name: (len(encoded := name.encode()), encoded))
    if not names:
        return b"null"
    return b"{" + b", ".join(json_string(name) + b": " + cells[name] for name in names) + b"}"


def _is_small(value: bytes) -> bool:
    return value != b"null" and len(value) <= _SMALL_BYTES


def _columns(table: TableInfo, shown: frozenset[str]) -> bytes:
    columns = [
        b'{"name": ' + json_string(column.name) + b', "type": ' + json_string(column.type_name) + b"}"
        for column in table.columns
        if column.name in shown
    ]
    return b"[" + b", ".join(columns) + b"]" if columns else b"null"


def _object(parts: Iterable[tuple[str, bytes]]) -> bytes:
    return b"{" + b",".join(b'"' + name.encode() + b'":' + value for name, value in parts) + b"}"
