"""The `data` of a change as the real server sends it, encoded once for all who may see the same columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from helpers.lab.changes.catalog import TableInfo
from helpers.lab.changes.change import Cells, Change
from helpers.lab.changes.pgoutput import Relation
from helpers.lab.changes.values import json_string

__all__ = ["ERROR_NO_KEY", "ERROR_UNAUTHORIZED", "Layout", "error_data", "exceeds"]

ERROR_NO_KEY = "Error 400: Bad Request, no primary key"
ERROR_UNAUTHORIZED = "Error 401: Unauthorized"
_TOO_LARGE = b'["Error 413: Payload Too Large"]'
_EVENTS = {"INSERT": b'"INSERT"', "UPDATE": b'"UPDATE"', "DELETE": b'"DELETE"'}

_SMALL_BYTES = 64  # a column of a row that is too large is kept up to this size of its JSON
_COLUMN_OVERHEAD = 53  # of a column in the log as wal2json writes it: {"name": "", "type": "", "value": , "typeoid": }


def exceeds(change: Change, max_record_bytes: int) -> bool:
    """Whether the row is larger than the limit, counted nearly as the real server counts (wal2json's text)."""
    return _size(change.new) + _size(change.old) > max_record_bytes


def _size(cells: Cells) -> int:
    return sum(map(len, cells)) + sum(map(len, cells.values())) + _COLUMN_OVERHEAD * len(cells)


class Layout:
    """How the changes of one table look to receivers who may see the same columns; made once, used for each change.

    Args:
        relation: the table as it was.
        table: the table as it is now.
        readable: the columns that the receivers' role may select.
        select: the columns that the receivers want besides the primary key, None for all.
    """

    def __init__(
        self, relation: Relation, table: TableInfo, readable: frozenset[str], select: tuple[str, ...] | None
    ) -> None:
        keys = frozenset(column.name for column in table.primary_key)
        shown = readable if select is None else readable & (keys | set(select))
        # Under row level security nobody asks who may see a deleted row, so only its key is told.
        deleted = shown & keys if table.row_security else shown
        names = sorted((column.name for column in relation.columns), key=_order_of_jsonb)
        self._whole = [(name, json_string(name) + b": ") for name in names if name in shown]
        self._deleted = [member for member in self._whole if member[0] in deleted]
        self._table = b'{"table":' + json_string(relation.table) + b',"type":'
        self._columns = b',"columns":' + _columns(table, shown) + b',"errors":'
        self._schema = b',"schema":' + json_string(relation.schema) + b',"commit_timestamp":'

    def data(self, change: Change, *, too_large: bool) -> bytes:
        """JSON of a change; `too_large` leaves out columns that are not small, and says so."""
        parts = [self._table, _EVENTS[change.event]]
        if change.event != "DELETE":
            cells = change.old | change.new if change.old else change.new
            parts += (b',"record":', _record(_small(cells, change.new) if too_large else cells, self._whole))
        parts += (self._columns, _TOO_LARGE if too_large else b"null", self._schema, _timestamp(change.commit_time))
        if change.event != "INSERT":
            members = self._deleted if change.event == "DELETE" else self._whole
            old = _small(change.old, change.old) if too_large else change.old
            parts += (b',"old_record":', _record(old, members))
        parts.append(b"}")
        return b"".join(parts)


def error_data(change: Change, error: str) -> bytes:
    """JSON of a change that cannot be shown."""
    table, schema = json_string(change.relation.table), json_string(change.relation.schema)
    parts = [b'{"table":', table, b',"type":', _EVENTS[change.event], b',"record":{},"columns":[],"errors":[']
    parts += [json_string(error), b'],"schema":', schema, b',"commit_timestamp":null']
    parts.append(b',"old_record":{}}' if change.event == "UPDATE" else b"}")
    return b"".join(parts)


def _order_of_jsonb(name: str) -> tuple[int, bytes]:
    """Shorter names first."""
    encoded = name.encode()
    return len(encoded), encoded


def _record(cells: Cells, members: Iterable[tuple[str, bytes]]) -> bytes:
    """An object; null when there is no column to show."""
    shown = [start + cells[name] for name, start in members if name in cells]
    return b"{" + b", ".join(shown) + b"}" if shown else b"null"


def _small(cells: Cells, among: Iterable[str]) -> Cells:
    return {name: cells[name] for name in among if cells[name] != b"null" and len(cells[name]) <= _SMALL_BYTES}


def _columns(table: TableInfo, shown: frozenset[str]) -> bytes:
    columns = [
        b'{"name": ' + json_string(column.name) + b', "type": ' + json_string(column.type_name) + b"}"
        for column in table.columns
        if column.name in shown
    ]
    return b"[" + b", ".join(columns) + b"]" if columns else b"null"


@lru_cache(maxsize=16)
def _timestamp(commit_time: datetime) -> bytes:
    """With milliseconds, cut off, not rounded."""
    return json_string(commit_time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{commit_time.microsecond // 1000:03d}Z")
