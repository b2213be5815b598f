"""What a project's folder says: Prisma's schema, its migrations, its connection strings, its packages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from helpers.diagnosis.evidence.base import Missing
from helpers.diagnosis.evidence.packages import Packages
from helpers.diagnosis.evidence.prisma_schema import PrismaSchema
from helpers.diagnosis.evidence.tables import Policy, TableName

__all__ = [
    "DatabaseUrl",
    "Effect",
    "EffectKind",
    "Ledger",
    "Migration",
    "ModelTable",
    "Project",
    "ProjectDatabase",
    "RoleFacts",
]


class EffectKind(StrEnum):
    """What a statement of a migration does to what Realtime depends on."""

    CREATE_TABLE = "creates the table"
    DROP_TABLE = "drops the table"
    RENAME_TABLE = "renames the table"
    DROP_SCHEMA = "drops the schema"
    DROP_COLUMN = "drops the column"
    RENAME_COLUMN = "renames the column"
    CHANGE_TYPE = "changes the type of the column"
    PUBLISH = "publishes"
    UNPUBLISH = "takes out of the publication"
    DROP_PUBLICATION = "drops the publication"
    REPLICA_IDENTITY = "sets the replica identity"
    GRANT = "grants SELECT"
    POLICY = "makes a policy"


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of one statement.

    Attributes:
        schema: as written; empty for the one that the migration runs in.
        table: as written; empty when it concerns all tables of the schema (of any schema when that is empty too).
        detail: the column, the new name, or the kind of replica identity.
        line: where the statement begins.
    """

    kind: EffectKind
    schema: str = ""
    table: str = ""
    detail: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration; `file` is relative to the project."""

    name: str
    file: str
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """What may be told of one connection string. Host, password and database never leave the probe.

    Attributes:
        setting: ``url``, ``directUrl`` or ``shadowDatabaseUrl``.
        variable: the environment variable that holds it; empty when it stands in the file itself.
        where: the file in which its value was found; empty when it was found nowhere.
        pooled: whether the host is Supabase's pooler.
        same_as_url: whether it is the same database as ``url`` (for the others than ``url``).
    """

    setting: str
    variable: str
    where: str = ""
    pooled: bool = False
    port: int | None = None
    role: str = ""
    hosted: bool = False
    pgbouncer: bool = False
    connection_limit: int | None = None
    schema: str = ""
    same_as_url: bool = False

    @property
    def known(self) -> bool:
        """Whether its value was found."""
        return bool(self.where)

    @property
    def by_transaction(self) -> bool:
        """Whether each transaction may run on another connection: the pooler's port 6543."""
        return self.port == TRANSACTION_PORT


#: Supabase's pooler in transaction mode (https://supabase.com/docs/guides/database/connecting-to-postgres).
TRANSACTION_PORT = 6543


@dataclass(frozen=True, slots=True)
class ModelTable:
    """The table of a model, as the catalogs describe it. `columns` are pairs of name and type."""

    name: TableName
    exists: bool = False
    published: bool = False
    replica_identity: str = "default"
    owner: str = ""
    rls: bool = False
    columns: tuple[tuple[str, str], ...] = ()
    select_roles: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    enums: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """The role of a connection string."""

    name: str
    bypasses_rls: bool
    may_create_databases: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """`_prisma_migrations`: names of migrations that were applied, and of those that failed half-way."""

    applied: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectDatabase:
    """What the database says about the project.

    Attributes:
        ledger: None when Prisma has applied nothing there.
        role: as whom it was read.
        roles: of the project's connection strings, those that exist.
        open_owners: roles whose new tables are readable by anon or authenticated, as "role schema" pairs.
        names: every table in the schemas of the models, to find near misses.
    """

    tables: tuple[ModelTable, ...] = ()
    ledger: Ledger | None = None
    role: str = ""
    roles: tuple[RoleFacts, ...] = ()
    open_owners: frozenset[tuple[str, str]] = frozenset()
    names: tuple[TableName, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """One folder, looked at. A part that is not there or cannot be read is a `Missing`.

    Attributes:
        folder: its name, without the path.
        home: the PostgreSQL schema of models that name none.
        external: tables that Prisma's configuration leaves to others, as "schema.table".
    """

    folder: str
    home: str
    schema: PrismaSchema | Missing
    migrations: tuple[Migration, ...] | Missing
    urls: tuple[DatabaseUrl, ...] | Missing
    packages: Packages | Missing
    database: ProjectDatabase | Missing
    external: frozenset[str] = field(default_factory=frozenset)
    took_ms: float = 0.0
