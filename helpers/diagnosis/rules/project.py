"""Which part of a project's folder a rule looks at, and what its migrations leave behind when they are replayed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from helpers.diagnosis.evidence import Evidence, Missing, TableName
from helpers.diagnosis.evidence.packages import Packages
from helpers.diagnosis.evidence.prisma_schema import Model, PrismaSchema
from helpers.diagnosis.evidence.project import (
    DatabaseUrl,
    Effect,
    EffectKind,
    Migration,
    ModelTable,
    Project,
    ProjectDatabase,
)

__all__ = [
    "Migrated",
    "Models",
    "Replay",
    "applied_models",
    "database_urls",
    "has_default_grant",
    "migrations",
    "models",
    "packages",
    "pending",
    "published_models",
    "schema",
]


#: A project, its migrations (or those of them that matter), and what the database says.
Migrated = tuple[Project, tuple[Migration, ...], ProjectDatabase]


@dataclass(frozen=True, slots=True)
class Models:
    """Models beside their tables; `tables` is empty where the database was not looked at."""

    project: Project
    schema: PrismaSchema
    database: ProjectDatabase | None
    took_ms: float = 0.0

    @property
    def pairs(self) -> list[tuple[Model, ModelTable]]:
        """Each model with its table."""
        tables = {table.name: table for table in self.database.tables} if self.database else {}
        each = [(model, tables.get(model.table_in(self.project.home))) for model in self.schema.models]
        return [(model, table) for model, table in each if table is not None]

    @property
    def published(self) -> list[Model]:
        """Models whose changes are sent; all of them when that is not known."""
        if self.database is None:
            return [model for model in self.schema.models if not model.is_view]
        return [model for model, table in self.pairs if table.published]


def schema(evidence: Evidence) -> tuple[Project, PrismaSchema] | Missing:
    found = evidence.project
    if isinstance(found, Missing):
        return found
    return found.schema if isinstance(found.schema, Missing) else (found, found.schema)


def models(evidence: Evidence) -> Models | Missing:
    """The models, and their tables if the database was read."""
    found = schema(evidence)
    if isinstance(found, Missing):
        return found
    project, parsed = found
    database = None if isinstance(project.database, Missing) else project.database
    return Models(project, parsed, database, project.took_ms)


def published_models(evidence: Evidence) -> Models | Missing:
    found = models(evidence)
    if isinstance(found, Missing) or found.published:
        return found
    return Missing("no model's table is in the publication")


def applied_models(evidence: Evidence) -> Models | Missing:
    """Models and tables, when every migration is applied: until then they are meant to differ."""
    found = models(evidence)
    if isinstance(found, Missing):
        return found
    if isinstance(found.project.database, Missing):
        return found.project.database
    waiting = pending(found.project)
    return Missing(f"{len(waiting)} migrations are not applied yet") if waiting else found


def migrations(evidence: Evidence) -> Migrated | Missing:
    """The migrations beside what the database says; none when Prisma has written none."""
    found = evidence.project
    if isinstance(found, Missing):
        return found
    if isinstance(found.migrations, Missing):
        return found.migrations
    if isinstance(found.database, Missing):
        return found.database
    return (found, found.migrations, found.database) if found.migrations else Missing("there are no migrations")


def database_urls(evidence: Evidence) -> tuple[Project, dict[str, DatabaseUrl]] | Missing:
    """The connection strings whose values were found, by their setting; `url` is among them."""
    found = evidence.project
    if isinstance(found, Missing):
        return found
    if isinstance(found.urls, Missing):
        return found.urls
    known = {url.setting: url for url in found.urls if url.known}
    if "url" in known:
        return found, known
    unknown = next((url.variable for url in found.urls if url.setting == "url" and url.variable), "")
    return Missing(f"{unknown} is not in .env" if unknown else "the schema names no database")


def packages(evidence: Evidence) -> Packages | Missing:
    found = evidence.project
    return found if isinstance(found, Missing) else found.packages


def pending(project: Project) -> list[Migration]:
    """Migrations that the database does not have; none where Prisma has no ledger (it was never used there)."""
    if isinstance(project.migrations, Missing) or isinstance(project.database, Missing):
        return []
    ledger = project.database.ledger
    return [] if ledger is None else [each for each in project.migrations if each.name not in ledger.applied]


def has_default_grant(table: ModelTable, database: ProjectDatabase) -> bool:
    """Whether the owner's next table in this schema can be read by anon or authenticated without a grant."""
    return bool({(table.owner, table.name.schema), (table.owner, "")} & database.open_owners)


@dataclass(slots=True)
class Replay:
    """What migrations make of tables, statement by statement, as far as Realtime depends on it.

    Attributes:
        home: the schema of names without one.
        tables: what is in force for each table.
        standing: what every later table gets by itself.
        dropped: for each table that lost what it had, the migration and the effect that took it.
    """

    home: str
    tables: dict[TableName, set[EffectKind]] = field(default_factory=dict)
    standing: set[EffectKind] = field(default_factory=set)
    dropped: dict[TableName, tuple[Migration, Effect]] = field(default_factory=dict)

    def run(self, steps: Iterable[Migration]) -> Replay:
        for migration in steps:
            for effect in migration.effects:
                self._apply(migration, effect)
        return self

    def has(self, table: TableName, kind: EffectKind) -> bool:
        return kind in self.tables.get(table, ()) or kind in self.standing

    def _apply(self, migration: Migration, effect: Effect) -> None:
        name = TableName(effect.schema or self.home, effect.table)
        if effect.kind in _TAKING:
            for each in self._concerned(effect, name):
                self.dropped[each] = (migration, effect)
            self._take(effect, name)
        elif effect.kind is EffectKind.CREATE_TABLE:
            self.tables[name] = set(self.standing)
        elif effect.kind in _GIVING:
            self._give(effect, name)

    def _concerned(self, effect: Effect, name: TableName) -> list[TableName]:
        if effect.table:
            return [name]
        return [each for each in self.tables if not effect.schema or each.schema == effect.schema]

    def _take(self, effect: Effect, name: TableName) -> None:
        concerned = self._concerned(effect, name)
        if effect.kind in (EffectKind.DROP_PUBLICATION, EffectKind.UNPUBLISH):
            for each in concerned:
                self.tables.get(each, set()).discard(EffectKind.PUBLISH)
            self.standing -= set() if effect.table else {EffectKind.PUBLISH}
            return
        kept = [self.tables.pop(each, set()) for each in concerned]
        if effect.kind is EffectKind.RENAME_TABLE:
            self.tables[TableName(name.schema, effect.detail)] = kept[0]

    def _give(self, effect: Effect, name: TableName) -> None:
        takes_back = effect.kind is EffectKind.REPLICA_IDENTITY and effect.detail in ("default", "nothing")
        if not effect.table and not effect.schema:
            self.standing |= {effect.kind} if effect.kind in _LASTING else set()
        if effect.detail == "later tables":
            return
        for each in self._concerned(effect, name):
            kinds = self.tables.setdefault(each, set())
            kinds.discard(effect.kind) if takes_back else kinds.add(effect.kind)


_TAKING = {
    EffectKind.DROP_TABLE,
    EffectKind.DROP_SCHEMA,
    EffectKind.RENAME_TABLE,
    EffectKind.UNPUBLISH,
    EffectKind.DROP_PUBLICATION,
}
_GIVING = {EffectKind.PUBLISH, EffectKind.REPLICA_IDENTITY, EffectKind.GRANT, EffectKind.POLICY}
#: What concerns tables that are made later too: FOR ALL TABLES, and default privileges.
_LASTING = {EffectKind.PUBLISH, EffectKind.GRANT}
