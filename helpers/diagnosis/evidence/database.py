"""What the catalogs say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["KEY_ROLES", "Column", "Database", "Policy", "Publication", "Slot", "Table", "TableName", "Usage"]


#: A name, and perhaps a second one behind a dot; double quotes protect dots.
_NAME = re.compile(r'("(?:[^"]|"")*"|[^.]*)(\.?)(.*)', re.DOTALL)

#: The roles as which a client's key or a user's token acts.
KEY_ROLES = ("anon", "authenticated")


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table in its schema, as PostgreSQL spells both (no quotes)."""

    schema: str
    table: str

    @classmethod
    def parse(cls, text: str, default_schema: str) -> TableName:
        """``messages`` or ``chat.messages``; double quotes protect dots and quotes as in SQL."""
        found = _NAME.match(text.strip())
        assert found is not None, "the pattern matches every text"
        first, dot, second = found.groups()
        return cls(_unquoted(first), _unquoted(second)) if dot else cls(default_schema, _unquoted(first))

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def quoted(self) -> str:
        """The name as SQL needs it, whatever it contains."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.table))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if len(name) > 1 and name[0] == name[-1] == '"' else name


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is the type's own name (``int8``); `labels` are an enum's values; `counted`: a sequence numbers it."""

    name: str
    type: str
    type_schema: str = "pg_catalog"
    counted: bool = False
    labels: tuple[str, ...] = ()
    average_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One row-level security policy; `command` is ALL, SELECT, INSERT, UPDATE or DELETE."""

    name: str
    command: str
    roles: tuple[str, ...]
    using: str = ""
    check: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table as the catalogs describe it. `select_roles`: which of the key's roles may read all its columns."""

    name: TableName
    exists: bool = True
    published: bool = False
    replica_identity: str = "default"
    primary_key: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    rls: bool = False
    policies: tuple[Policy, ...] = ()
    select_roles: tuple[str, ...] = ()

    @property
    def average_bytes(self) -> int | None:
        """Average width of a row as `pg_stats` knows it; None before the first ANALYZE."""
        known = [column.average_bytes for column in self.columns if column.average_bytes is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Publication:
    """`supabase_realtime`; `operations` among insert, update, delete."""

    exists: bool
    all_tables: bool = False
    operations: tuple[str, ...] = ()
    tables: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One replication slot; `lag_bytes` is the WAL that it keeps."""

    name: str
    active: bool
    wal_status: str
    lag_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is in use."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Database:
    """What the catalogs say, read in one read-only transaction.

    Attributes:
        version: the server's version, for example ``18.0``.
        role: as whom it was read, and `bypasses_rls` whether policies do not apply to that role.
        keep_bytes: `max_slot_wal_keep_size` in bytes, -1 without a limit.
        own_table: the workbook's table of events, if it is there.
        topic_policies: policies on `realtime.messages`; None when there is no such table.
        errors: queries that failed, as "name: reason"; what they would have told keeps its default.
    """

    version: str
    role: str
    bypasses_rls: bool
    wal_level: str
    publication: Publication
    tables: tuple[Table, ...] = ()
    own_table: TableName | None = None
    slots: tuple[Slot, ...] = ()
    keep_bytes: int = -1
    replication_slots: Usage | None = None
    wal_senders: Usage | None = None
    connections: Usage | None = None
    topic_policies: tuple[Policy, ...] | None = None
    errors: tuple[str, ...] = field(default=())
    took_ms: float = 0.0
