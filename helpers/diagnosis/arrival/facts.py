"""What is known about one change before it is judged: plain data, filled by the readers of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.diagnosis.evidence import TableName

__all__ = [
    "EVENTS",
    "Cell",
    "Cells",
    "ConditionResult",
    "Facts",
    "Listing",
    "Policy",
    "PolicyResult",
    "Question",
    "RoleFacts",
    "Security",
    "TableColumn",
    "TableFacts",
]

EVENTS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Question:
    """Who listens to what, and which change is asked about.

    Attributes:
        table: where the change happens and to which the binding is.
        event: of the change: INSERT, UPDATE or DELETE.
        listens: event of the binding, ``*`` for all.
        role: the database role that the token names.
        claims: of the token, as policies see them.
        filter: of the binding.
        select: columns that the binding asks for; None for all.
        row: the row after the change, or the columns that an UPDATE sets; None takes a row of the table.
        old_row: the row before the change, or its primary key; None finds it by the key in `row`.
    """

    table: TableName
    event: str
    listens: str
    role: str
    claims: Mapping[str, Any] = field(repr=False)
    filter: str | None = None
    select: tuple[str, ...] | None = None
    row: Mapping[str, Any] | None = None
    old_row: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column.

    Attributes:
        type_name: as the payload's `columns` tell it (``int8``).
        type_sql: as Realtime casts to it: without length or precision.
        stored_sql: as the table stores it, with length or precision.
        type_oid: of the type.
        readable: whether the role may select it.
        in_key: whether it belongs to the primary key.
        in_identity: whether the log carries its old value (replica identity).
        default: SQL of its default; empty without one.
        sequence: quoted name of the sequence that numbers it; empty without one.
        computed: SQL from which PostgreSQL computes and stores it; empty for an ordinary column.
        virtual: whether it is computed only when it is read, and so never logged.
    """

    name: str
    type_name: str
    type_sql: str
    stored_sql: str
    type_oid: int
    readable: bool
    in_key: bool
    in_identity: bool
    default: str = ""
    sequence: str = ""
    computed: str = ""
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that could apply to SELECT. `applies`: whether the role is among its roles, itself or by membership."""

    name: str
    permissive: bool
    roles: tuple[str, ...]
    using: str
    applies: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """How a publication of the database lists the table.

    Attributes:
        publication: its name.
        operations: among insert, update and delete.
        columns: those of its column list; None without one.
        row_filter: SQL of its row filter; empty without one.
        filter_columns: at which the row filter looks.
        publishes_computed: whether it takes columns that PostgreSQL computes, or none asks (before PostgreSQL 18).
    """

    publication: str
    operations: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    row_filter: str = ""
    filter_columns: tuple[str, ...] = ()
    publishes_computed: bool = True


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What a role is to the table. `secured`: whether policies apply to it there. `usage`: on the table's schema."""

    exists: bool = False
    usage: bool = False
    secured: bool = False


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The table as the catalogs describe it.

    Attributes:
        replica_identity: default, full, index or nothing.
        rls: whether row level security is on.
        alike: other published tables that the binding's name also fits, as ``_`` and ``%`` in it are wildcards.
    """

    name: TableName
    oid: int
    kind: str
    replica_identity: str
    rls: bool
    role: RoleFacts
    columns: tuple[TableColumn, ...]
    policies: tuple[Policy, ...]
    listings: tuple[Listing, ...]
    published: bool
    operations: tuple[str, ...]
    alike: tuple[TableName, ...] = ()

    @property
    def key(self) -> tuple[TableColumn, ...]:
        return tuple(column for column in self.columns if column.in_key)

    @property
    def identity(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns if column.in_identity)

    def column(self, name: str) -> TableColumn | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: as text, as the database's JSON of it, and that JSON read."""

    text: str | None
    json: str
    value: Any

    @property
    def compared(self) -> str | None:
        """The text that filters and the look-up by key take: strings without quotes, else the JSON."""
        if self.json == "null":
            return None
        return str(self.value) if self.json.startswith('"') else self.json


#: A row's values by column; one that the log does not carry is missing.
Cells = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """What one condition of the filter gave. `value` None with `missing`: the log does not carry the column."""

    text: str
    column: str
    value: str | None
    answer: bool | None
    missing: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What a policy's expression gave for the row; None is SQL's null, which hides the row as false does."""

    policy: Policy
    answer: bool | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Security:
    """What row level security gave for the row as a whole, and policy by policy. `visible` None: `error` tells why."""

    visible: bool | None
    error: str = ""
    results: tuple[PolicyResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision needs.

    Attributes:
        table: None when there is no such table.
        refusal: the server's words if it refuses the subscription; empty if it does not.
        new: the row after the change, of which the log leaves out unchanged large values; empty for DELETE.
        old: the row before it, as far as the log carries it; empty for INSERT.
        unchanged: columns that `new` lacks because their large value did not change.
        size_bytes: of the change in the log.
        conditions: of the filter.
        security: None when row level security is not asked.
        notes: what the answer assumes.
    """

    question: Question
    table: TableFacts | None
    refusal: str = ""
    new: Cells = field(default_factory=dict)
    old: Cells = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    size_bytes: int = 0
    conditions: Sequence[ConditionResult] = ()
    security: Security | None = None
    notes: tuple[str, ...] = ()
