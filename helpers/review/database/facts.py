"""What `schema.prisma` and the SQL of migrations say about the database, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from helpers.review.source import Place

__all__ = ["ColumnFacts", "DatabaseFacts", "PolicyFacts", "TableFacts"]


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
        using, check: its expressions as written; empty without.
    """

    name: str
    schema: str
    table: str
    command: str
    roles: tuple[str, ...]
    using: str = ""
    check: str = ""
    place: Place | None = None


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

    def column(self, name: str) -> ColumnFacts | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """All tables that the code base declares, and policies on tables that it does not (``realtime.messages``)."""

    tables: tuple[TableFacts, ...] = ()
    policies: tuple[PolicyFacts, ...] = ()

    def table(self, name: str, schema: str = "public") -> TableFacts | None:
        return next((table for table in self.tables if (table.schema, table.name) == (schema, name)), None)
