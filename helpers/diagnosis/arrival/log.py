"""What of a change the log carries, which is all that Realtime knows of it. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from helpers.diagnosis.arrival.facts import Cells, Listing, TableFacts
from helpers.diagnosis.arrival.rows import Rows, Texts

__all__ = ["Carried", "Refused", "carried", "refused_write", "size_bytes"]

_TIMESTAMP = "2026-01-01 00:00:00.000000+00"  # as long as any
_ACTIONS = {"INSERT": "I", "UPDATE": "U", "DELETE": "D"}
_UNQUOTED = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "bool", "oid"})


@dataclass(frozen=True, slots=True)
class Carried:
    """The values of the change that are in the log.

    Attributes:
        new: after it; empty for DELETE.
        old: before it: the columns of the replica identity; empty for INSERT.
        unchanged: columns left out of `new`, as their large value is stored apart and did not change.
    """

    new: Texts
    old: Texts
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A write that PostgreSQL refuses, and the SQL after which it does not."""

    reason: str
    fix: str


def carried(table: TableFacts, rows: Rows) -> Carried:
    """The log of PostgreSQL: all of a new row but unchanged large values, of the old row the replica identity.

    An UPDATE that leaves the identity as it was logs no old row; the server then takes the identity of the new one.
    Columns that are computed when they are read are not in it.
    """
    logged = [column.name for column in table.columns if not column.virtual]
    identity = [name for name in logged if name in table.identity]
    if rows.after is None:
        return Carried({}, _some(rows.before or {}, identity))
    unchanged = [name for name in logged if name in rows.apart]
    new = _some(rows.after, (name for name in logged if name not in unchanged))
    if rows.before is None:
        return Carried(new, {})
    whole = table.replica_identity == "full" or any(rows.before[name] != rows.after[name] for name in identity)
    old = _some(rows.before if whole else new, identity)
    return Carried(new, old, tuple(unchanged))


def _some(texts: Texts, names: Iterable[str]) -> dict[str, str | None]:
    return {name: texts[name] for name in names if name in texts}


def refused_write(table: TableFacts, event: str) -> Refused | None:
    """Why PostgreSQL itself refuses the write, so that there is no change; None if it does not.

    Whatever publishes UPDATE or DELETE of a table needs a replica identity, and its column list and row filter must
    keep to it (https://www.postgresql.org/docs/18/logical-replication-publication.html).
    """
    if event == "INSERT":
        return None
    for listing in table.listings:
        if event.lower() in listing.operations and (refused := _conflict(table, listing)):
            return refused
    return None


def _conflict(table: TableFacts, listing: Listing) -> Refused | None:
    name, by = table.name.quoted, f"publication {listing.publication}"
    if not table.identity or table.replica_identity == "nothing":
        reason = f"{table.name} has no replica identity, and {by} publishes this operation"
        return Refused(reason, f"alter table {name} replica identity full;")
    anew = f'alter publication "{listing.publication}" drop table {name};\n'
    anew += f'alter publication "{listing.publication}" add table {name};'
    if set(listing.filter_columns) - table.identity:
        return Refused(f"the row filter of {by} looks at columns outside of the replica identity", anew)
    if listing.columns is not None and (table.replica_identity == "full" or table.identity - set(listing.columns)):
        return Refused(f"the column list of {by} does not cover the replica identity", anew)
    computed = [column.name for column in table.columns if column.in_identity and column.computed]
    if computed and not listing.publishes_computed and listing.columns is None:
        publish = f'alter publication "{listing.publication}" set (publish_generated_columns = stored);'
        return Refused(f"the replica identity holds {', '.join(computed)}, which {by} does not publish", publish)
    return None


def size_bytes(table: TableFacts, event: str, new: Cells, old: Cells) -> int:
    """Length of the change as the server measures it: the text of wal2json's object, as jsonb prints it."""
    change: dict[str, Any] = {
        "pk": [{"name": column.name, "type": column.stored_sql} for column in table.key],
        "table": table.name.table,
        "action": _ACTIONS[event],
        "schema": table.name.schema,
        "timestamp": _TIMESTAMP,
    }
    if event != "DELETE":
        change["columns"] = _members(table, new)
    if event != "INSERT":
        change["identity"] = _members(table, old)
    return len(json.dumps(change, ensure_ascii=False).encode())


def _members(table: TableFacts, cells: Cells) -> list[Mapping[str, Any]]:
    return [
        {
            "name": column.name,
            "type": column.stored_sql,
            "value": _written(column.type_name, cells[column.name].text),
            "typeoid": column.type_oid,
        }
        for column in table.columns
        if column.name in cells
    ]


def _written(type_name: str, text: str | None) -> Any:
    """A value in wal2json's object: numbers bare, which an integer of as many digits stands for here."""
    if text is None or type_name not in _UNQUOTED:
        return text
    return int("1" * len(text)) if len(text) < 4000 else text
