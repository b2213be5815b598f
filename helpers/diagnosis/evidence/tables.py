"""What the catalogs say about tables: columns, keys, grants, policies, triggers."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "KEY_ROLES",
    "Broadcast",
    "Column",
    "Function",
    "Policy",
    "PolicyTrial",
    "Scan",
    "Table",
    "TableName",
]


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
    """One column, and as what it travels.

    Attributes:
        name: as the database spells it.
        type: the type's own name (``int8``); of an array ``_`` and its element's.
        type_schema: of the type.
        counted: whether a sequence numbers it.
        labels: values of an enum, or of an array's enum.
        average_bytes: as `pg_stats` knows it; None before the first ANALYZE.
        readable_by: which of the key's roles may SELECT it.
        can_be_large: whether PostgreSQL may store its value apart (TOAST).
    """

    name: str
    type: str
    type_schema: str = "pg_catalog"
    counted: bool = False
    labels: tuple[str, ...] = ()
    average_bytes: int | None = None
    readable_by: tuple[str, ...] = ()
    can_be_large: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the project's own that a policy calls.

    Attributes:
        schema, name, arguments: as ``alter function`` needs them.
        volatility: immutable, stable or volatile.
        definer: whether it runs as its owner (SECURITY DEFINER).
        has_path: whether it sets its own `search_path`, or was bound to its tables when it was made.
        reads: tables with row-level security whose names its body holds.
    """

    schema: str
    name: str
    arguments: str = ""
    volatility: str = "volatile"
    definer: bool = False
    has_path: bool = False
    reads: tuple[TableName, ...] = ()

    @property
    def quoted(self) -> str:
        return f"{TableName(self.schema, self.name).quoted}({self.arguments})"


@dataclass(frozen=True, slots=True)
class Policy:
    """One row-level security policy.

    Attributes:
        command: ALL, SELECT, INSERT, UPDATE or DELETE.
        roles: to whom it applies; ``public`` is everybody.
        using, check: its expressions, with every name but those of `pg_catalog` qualified.
        permissive: whether it opens something; one that does not only narrows what others open.
        functions: of the project's own that it calls.
        reads: columns that it looks at, by table, its own table among them.
    """

    name: str
    command: str
    roles: tuple[str, ...]
    using: str = ""
    check: str = ""
    permissive: bool = True
    functions: tuple[Function, ...] = ()
    reads: tuple[tuple[TableName, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A trigger that sends by `realtime.send` or `realtime.broadcast_changes`.

    Attributes:
        trigger, definition: its name, and the statement that makes it.
        function: that it executes, as ``alter function`` needs it.
        for_each_row: else for each statement.
        definer: whether the function runs as its owner.
        whole_rows: whether it calls `broadcast_changes`.
        topic: the beginning of the topic, as far as the function's text holds it.
        private: whether it sends to private channels, as it does unless told otherwise.
    """

    trigger: str
    definition: str
    function: str
    for_each_row: bool = True
    definer: bool = True
    whole_rows: bool = False
    topic: str = ""
    private: bool = True


@dataclass(frozen=True, slots=True)
class Scan:
    """A look at a whole table in a plan, and how many rows it threw away."""

    table: TableName
    filter: str
    thrown_away: int


@dataclass(frozen=True, slots=True)
class PolicyTrial:
    """What happened when one row was asked for by its key, as Realtime asks for each change and subscriber.

    Attributes:
        role: as whom, and `claims` as JSON.
        took_ms: time of execution, without planning.
        error: the server's sentence when a policy failed, and `code` its SQLSTATE.
        scans: whole tables that were looked through.
    """

    role: str
    claims: str
    took_ms: float = 0.0
    error: str = ""
    code: str = ""
    scans: tuple[Scan, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table as the catalogs describe it.

    Attributes:
        kind: table, partitioned table, view, materialized view, foreign table or another word for what is no table.
        logged: whether its changes are in the WAL.
        published: whether it is in the publication, be it by its partitions.
        published_columns: the publication's list of columns; None when it has none.
        row_filter: the publication's condition on rows.
        replica_identity: full, index, default or nothing; `replica_columns` those of the index.
        select_roles: which of the key's roles may read something in it; see the columns for what.
        write_roles: which of the key's roles may insert, update or delete.
        indexed: columns that lead an index of all rows.
        rows: as the planner estimates them; None before the first ANALYZE or VACUUM.
        large_bytes: size of the values that are stored apart.
        truncated_by: functions whose text truncates it, as the statements that mend them.
        reads_from: of a view, the tables behind it.
        trials: how its policies behaved.
    """

    name: TableName
    exists: bool = True
    published: bool = False
    replica_identity: str = "default"
    primary_key: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    rls: bool = False
    policies: tuple[Policy, ...] = ()
    select_roles: tuple[str, ...] = ()
    kind: str = "table"
    logged: bool = True
    owner: str = ""
    published_columns: tuple[str, ...] | None = None
    row_filter: str = ""
    replica_columns: tuple[str, ...] = ()
    write_roles: tuple[str, ...] = ()
    indexed: tuple[str, ...] = ()
    rows: int | None = None
    large_bytes: int = 0
    broadcasts: tuple[Broadcast, ...] = ()
    truncated_by: tuple[str, ...] = ()
    reads_from: tuple[TableName, ...] = ()
    trials: tuple[PolicyTrial, ...] = ()

    @property
    def average_bytes(self) -> int | None:
        """Average width of a row as `pg_stats` knows it; None before the first ANALYZE."""
        known = [column.average_bytes for column in self.columns if column.average_bytes is not None]
        return sum(known) if known else None

    @property
    def identity(self) -> tuple[str, ...] | None:
        """The columns of the old row that an UPDATE or a DELETE carries; None for all, empty for none."""
        if self.replica_identity == "full":
            return None
        return {"index": self.replica_columns, "default": self.primary_key}.get(self.replica_identity, ())

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)
