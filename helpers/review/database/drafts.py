"""Tables while migrations are read, one statement after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from helpers.review.database.facts import ColumnFacts, DatabaseFacts, PolicyFacts, TableFacts
from helpers.review.source import Place

__all__ = ["DatabaseDraft", "Identity", "PublicationDraft", "TableDraft"]

Identity = Literal["default", "full", "nothing", "index"]
Key = tuple[str, str]


@dataclass(slots=True)
class TableDraft:
    """One table so far; see `TableFacts`."""

    schema: str
    name: str
    place: Place | None = None
    columns: dict[str, ColumnFacts] = field(default_factory=dict)
    primary_key: tuple[str, ...] | None = None
    indexes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    identity: Identity | None = None
    row_security: bool | None = None
    whole: bool = False
    model: str = ""

    @property
    def key(self) -> Key:
        return self.schema, self.name

    def add_index(self, columns: tuple[str, ...], name: str = "") -> None:
        self.indexes.setdefault(name or f"({', '.join(columns)})", columns)

    def facts(self, published: bool | None, policies: tuple[PolicyFacts, ...]) -> TableFacts:
        keys = [self.primary_key] if self.primary_key else []
        return TableFacts(
            self.schema,
            self.name,
            self.model,
            tuple(self.columns.values()),
            self.primary_key,
            tuple(dict.fromkeys((*keys, *self.indexes.values()))),
            published,
            self.identity,
            self.row_security,
            policies,
            self.whole,
            self.place,
        )


@dataclass(slots=True)
class PublicationDraft:
    """What `supabase_realtime` holds so far.

    Attributes:
        told: whether any statement has put something into it.
    """

    told: bool = False
    everything: bool = False
    schemas: set[str] = field(default_factory=set)
    tables: set[Key] = field(default_factory=set)

    def clear(self) -> None:
        self.everything = False
        self.schemas.clear()
        self.tables.clear()

    def holds(self, key: Key) -> bool | None:
        if not self.told:
            return None
        return self.everything or key[0] in self.schemas or key in self.tables


@dataclass(slots=True)
class DatabaseDraft:
    """All tables so far, policies by table and name, and the publication."""

    tables: dict[Key, TableDraft] = field(default_factory=dict)
    policies: dict[tuple[Key, str], PolicyFacts] = field(default_factory=dict)
    publication: PublicationDraft = field(default_factory=PublicationDraft)

    def table(self, key: Key) -> TableDraft:
        """A table, of which perhaps nothing but its name is known."""
        return self.tables.setdefault(key, TableDraft(*key))

    def drop(self, key: Key) -> None:
        self.tables.pop(key, None)
        self.publication.tables.discard(key)
        for policy in [each for each in self.policies if each[0] == key]:
            del self.policies[policy]

    def rename(self, key: Key, to: Key) -> None:
        table = self.tables.pop(key, None)
        if table is not None:
            table.schema, table.name = to
            self.tables[to] = table
        if key in self.publication.tables:
            self.publication.tables.remove(key)
            self.publication.tables.add(to)

    def facts(self) -> DatabaseFacts:
        ours = {key: [p for (table, _), p in self.policies.items() if table == key] for key in self.tables}
        tables = [
            table.facts(self.publication.holds(key), tuple(ours[key])) for key, table in sorted(self.tables.items())
        ]
        others = [policy for (key, _), policy in self.policies.items() if key not in self.tables]
        return DatabaseFacts(tuple(tables), tuple(others))
