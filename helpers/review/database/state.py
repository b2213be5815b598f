"""A database while statements are applied to it, and what is left of it as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from helpers.review.database.facts import (
    ColumnFacts,
    DatabaseFacts,
    FunctionFacts,
    GrantFacts,
    PolicyFacts,
    PublicationFacts,
    PublishedTable,
    TableFacts,
    TriggerFacts,
)
from helpers.review.source import Place

__all__ = ["PUBLICATION", "Database", "Identity", "Publication", "Statement", "Table"]

Identity = Literal["default", "full", "nothing", "index"]
#: The publication that Realtime reads.
PUBLICATION = "supabase_realtime"
#: Schemas that Supabase fills; a code base adds policies to their tables.
_SUPABASE = frozenset({"auth", "storage", "realtime", "vault", "graphql", "extensions", "cron", "net", "pgsodium"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file.

    Attributes:
        home: the schema of names without one.
        standalone: whether its file belongs to no sequence of migrations, so that it drops only what it makes.
    """

    text: str
    path: str
    line: int
    home: str = "public"
    standalone: bool = False

    def place(self, offset: int = 0) -> Place:
        before = self.text[:offset]
        line = self.line + before.count("\n")
        return Place(self.path, line, 1 if line == self.line else offset - before.rfind("\n"))

    def may_drop(self, place: Place | None) -> bool:
        return not self.standalone or (place is not None and place.path == self.path)


@dataclass(slots=True)
class Table:
    """One table. `created` tells whether a statement made it; `keys` and `indexes` are columns by name."""

    schema: str
    name: str
    place: Place
    created: bool = False
    whole: bool = False
    columns: dict[str, ColumnFacts] = field(default_factory=dict)
    primary_key: tuple[str, ...] | None = None
    key_name: str = ""
    indexes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    identity: Identity | None = None
    row_security: bool | None = None
    forced: bool = False
    policies: dict[str, PolicyFacts] = field(default_factory=dict)
    grants: dict[str, set[str]] = field(default_factory=dict)
    triggers: dict[str, TriggerFacts] = field(default_factory=dict)
    model: str = ""

    def set_key(self, columns: tuple[str, ...], name: str = "") -> None:
        self.primary_key, self.key_name = columns, name or f"{self.name}_pkey"
        for column in columns:
            if column in self.columns:
                self.columns[column] = replace(self.columns[column], nullable=False)

    def add_index(self, columns: tuple[str, ...], name: str, ending: str) -> None:
        """With PostgreSQL's own name for it, if it is given none."""
        own = "_".join((self.name, *columns, ending))
        number = 1
        while not name and own in self.indexes:
            own, number = "_".join((self.name, *columns, f"{ending}{number}")), number + 1
        self.indexes[name or own] = columns

    def drop_column(self, name: str) -> None:
        self.columns.pop(name, None)
        if name in (self.primary_key or ()):
            self.primary_key = ()
        self.indexes = {key: columns for key, columns in self.indexes.items() if name not in columns}

    def rename_column(self, old: str, new: str) -> None:
        def renamed(columns: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(new if each == old else each for each in columns)

        self.columns = {
            new if key == old else key: replace(column, name=new) if key == old else column
            for key, column in self.columns.items()
        }
        self.primary_key = renamed(self.primary_key) if self.primary_key is not None else None
        self.indexes = {key: renamed(columns) for key, columns in self.indexes.items()}
        self.rename_in_policies(old, new)

    def rename_in_policies(self, old: str, new: str) -> None:
        """Expressions follow what they name, as PostgreSQL keeps them by number."""
        for name, policy in self.policies.items():
            if old in policy.using or old in policy.check:
                word = re.compile(rf"(?<![\w.'])(\w+\.)?{re.escape(old)}(?![\w'(])")
                using, check = (word.sub(rf"\g<1>{new}", text) for text in (policy.using, policy.check))
                self.policies[name] = replace(policy, using=using, check=check)

    def facts(self, published: bool | None, broadcasting: frozenset[str]) -> TableFacts:
        keys = [self.primary_key] if self.primary_key else []
        grants = (GrantFacts(role, tuple(sorted(granted))) for role, granted in sorted(self.grants.items()) if granted)
        return TableFacts(
            schema=self.schema,
            name=self.name,
            model=self.model,
            columns=tuple(self.columns.values()),
            primary_key=self.primary_key,
            indexes=tuple(dict.fromkeys((*keys, *self.indexes.values()))),
            published=published,
            identity=self.identity,
            row_security=self.row_security,
            policies=tuple(replace(each, table=self.name, schema=self.schema) for each in self.policies.values()),
            whole=self.whole,
            place=self.place,
            forced=self.forced,
            grants=tuple(grants),
            triggers=tuple(replace(each, broadcasts=each.function in broadcasting) for each in self.triggers.values()),
        )


@dataclass(slots=True)
class Publication:
    """One publication; see `PublicationFacts`."""

    name: str
    tables: dict[tuple[str, str], PublishedTable] = field(default_factory=dict)
    all_tables: bool = False
    schemas: set[str] = field(default_factory=set)
    created: bool = False
    open: bool = False
    touched: bool = False

    def facts(self) -> PublicationFacts:
        tables, schemas = tuple(self.tables.values()), tuple(sorted(self.schemas))
        return PublicationFacts(self.name, tables, self.all_tables, schemas, self.created, self.open)


@dataclass(slots=True)
class Database:
    """All that the statements so far have made."""

    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    publications: dict[str, Publication] = field(default_factory=dict)
    functions: dict[tuple[str, str], FunctionFacts] = field(default_factory=dict)
    statements: int = 0
    passed_over: int = 0

    def table(self, name: tuple[str, str], place: Place) -> Table:
        """The table; one that no statement has made yet may have been made by hand."""
        return self.tables.setdefault(name, Table(*name, place))

    def publication(self, name: str) -> Publication:
        return self.publications.setdefault(name, Publication(name))

    def drop(self, name: tuple[str, str]) -> None:
        self.tables.pop(name, None)
        for publication in self.publications.values():
            publication.tables.pop(name, None)

    def rename(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        table = self.tables.pop(old, None)
        if table is not None:
            table.schema, table.name = new
            self.tables[new] = table
        for publication in self.publications.values():
            listed = publication.tables.pop(old, None)
            if listed is not None:
                publication.tables[new] = replace(listed, schema=new[0], table=new[1])
        for other in self.tables.values():
            other.rename_in_policies(old[1], new[1])

    def rename_column(self, table: tuple[str, str], old: str, new: str) -> None:
        if table in self.tables:
            self.tables[table].rename_column(old, new)
        for publication in self.publications.values():
            listed = publication.tables.get(table)
            if listed is not None and listed.columns is not None:
                columns = tuple(new if each == old else each for each in listed.columns)
                publication.tables[table] = replace(listed, columns=columns)

    def facts(self) -> DatabaseFacts:
        broadcasting = frozenset(".".join(name) for name, each in self.functions.items() if each.broadcasts)
        own = (table for table in self.tables.values() if _is_own(table))
        return DatabaseFacts(
            tables=tuple(table.facts(self._published(table), broadcasting) for table in own),
            policies=tuple(self._policies_elsewhere()),
            publications=tuple(each.facts() for each in self.publications.values()),
            functions=tuple(self.functions.values()),
            statements=self.statements,
            passed_over=self.passed_over,
        )

    def _policies_elsewhere(self) -> Iterator[PolicyFacts]:
        for table in self.tables.values():
            if not _is_own(table):
                yield from table.policies.values()

    def _published(self, table: Table) -> bool | None:
        """None where nothing is published by statements, or a table that they do not make may be so by hand."""
        publication = self.publications.get(PUBLICATION)
        if publication is None or not publication.touched:
            return None
        if publication.facts().has(table.schema, table.name):
            return True
        known = (table.created or bool(table.model)) and not publication.open
        return False if known else None


def _is_own(table: Table) -> bool:
    return table.schema not in _SUPABASE or table.created
