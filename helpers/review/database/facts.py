"""What `schema.prisma` and the SQL of migrations say about the database, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from helpers.review.source import Place

__all__ = [
    "ColumnFacts",
    "DatabaseFacts",
    "FunctionFacts",
    "GrantFacts",
    "PolicyFacts",
    "PublicationFacts",
    "PublishedTable",
    "TableFacts",
    "TriggerFacts",
]


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column.

    Attributes:
        name: in the database, and so in payloads and filters.
        type: PostgreSQL's (``bigint``, ``timestamptz``, ``jsonb``), of an array with ``[]``; empty if unknown.
        field: Prisma's name of it; empty if Prisma does not know it.
        prisma_type: ``BigInt``, ``Decimal``, ``DateTime``, the name of an enum; empty without Prisma.
    """

    name: str
    type: str = ""
    field: str = ""
    prisma_type: str = ""
    nullable: bool | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """One ``create policy``, as long as no later migration drops it.

    Attributes:
        command: ALL, SELECT, INSERT, UPDATE or DELETE.
        roles: to whom it applies; ``public`` without ``to``.
        using, check: its expressions as written, in one line; empty without.
        permissive: False if it only takes away from what others allow.
    """

    name: str
    schema: str
    table: str
    command: str
    roles: tuple[str, ...]
    using: str = ""
    check: str = ""
    place: Place | None = None
    permissive: bool = True


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What a role may do with a table, by the statements of the migrations alone."""

    role: str
    privileges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriggerFacts:
    """One trigger.

    Attributes:
        events: INSERT, UPDATE, DELETE, TRUNCATE.
        function: that it runs, with its schema if one is written.
        broadcasts: whether that function calls ``realtime.broadcast_changes`` or ``realtime.send``.
    """

    name: str
    events: tuple[str, ...]
    function: str
    broadcasts: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """One function. `broadcasts` tells whether it calls ``realtime.broadcast_changes`` or ``realtime.send``."""

    schema: str
    name: str
    broadcasts: bool = False
    security_definer: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of a publication.

    Attributes:
        columns: the only ones that are published; None for all.
        where: which rows are, as written; empty for all.
    """

    schema: str
    table: str
    columns: tuple[str, ...] | None = None
    where: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PublicationFacts:
    """One publication.

    Attributes:
        all_tables: whether it was made ``for all tables``.
        schemas: whose tables it has, later ones included.
        created: whether the files make it, or only add to it.
        open: whether tables are added to it in a way that does not show which.
    """

    name: str
    tables: tuple[PublishedTable, ...] = ()
    all_tables: bool = False
    schemas: tuple[str, ...] = ()
    created: bool = False
    open: bool = False

    def has(self, schema: str, table: str) -> bool:
        listed = any((each.schema, each.table) == (schema, table) for each in self.tables)
        return self.all_tables or schema in self.schemas or listed


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table as the last migration leaves it.

    Attributes:
        schema: ``public`` unless the code says another.
        model: Prisma's name of it; empty if Prisma does not know it.
        primary_key: its columns; empty if it has none; None if the code does not show it.
        indexes: columns of each index, primary key and unique constraint.
        published: whether it is in supabase_realtime; None if no SQL was seen that publishes anything.
        identity: None if the code does not show it.
        row_security: whether it is switched on; None if no SQL of the table was seen.
        whole: whether all its columns are known.
        forced: whether row-level security is forced on its owner as well.
    """

    schema: str
    name: str
    model: str = ""
    columns: tuple[ColumnFacts, ...] = ()
    primary_key: tuple[str, ...] | None = None
    indexes: tuple[tuple[str, ...], ...] = ()
    published: bool | None = None
    identity: Literal["default", "full", "nothing", "index"] | None = None
    row_security: bool | None = None
    policies: tuple[PolicyFacts, ...] = ()
    whole: bool = False
    place: Place | None = None
    forced: bool = False
    grants: tuple[GrantFacts, ...] = ()
    triggers: tuple[TriggerFacts, ...] = ()

    def column(self, name: str) -> ColumnFacts | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the files of a code base leave behind when they are applied in their order.

    Attributes:
        tables: all that the code base declares or alters.
        policies: those on Supabase's own tables (``realtime.messages``, ``storage.objects``).
        statements: how many SQL statements were seen.
        passed_over: how many of them say nothing that is known here: data, types, comments, other dialects.
    """

    tables: tuple[TableFacts, ...] = ()
    policies: tuple[PolicyFacts, ...] = ()
    publications: tuple[PublicationFacts, ...] = ()
    functions: tuple[FunctionFacts, ...] = ()
    statements: int = 0
    passed_over: int = 0

    def table(self, name: str, schema: str = "public") -> TableFacts | None:
        return next((table for table in self.tables if (table.schema, table.name) == (schema, name)), None)
