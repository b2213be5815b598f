"""What the probes saw, as plain data. Nothing in here judges."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "KEY_ROLES",
    "Address",
    "Certificate",
    "Clock",
    "Column",
    "Connection",
    "Database",
    "Evidence",
    "Key",
    "KeyKind",
    "Live",
    "Missing",
    "Policy",
    "Publication",
    "Services",
    "Slot",
    "Step",
    "Table",
    "TableName",
    "TableVerdict",
    "Usage",
]

#: A name, and perhaps a second one behind a dot; double quotes protect dots.
_NAME = re.compile(r'("(?:[^"]|"")*"|[^.]*)(\.?)(.*)', re.DOTALL)

#: The roles as which a client's key or a user's token acts.
KEY_ROLES = ("anon", "authenticated")


@dataclass(frozen=True, slots=True)
class Missing:
    """Evidence that could not be gathered. `reason` completes "not checked, because …".

    `tried` tells a probe that met an obstacle from one that had nothing to look at.
    """

    reason: str
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One timed step. `samples_ms` holds one value for each run in which it succeeded.

    `fault` is the short name of what went wrong ("timeout", "refused", "status 404" …) and empty when it succeeded.
    """

    name: str
    started_ms: float = 0.0
    took_ms: float = 0.0
    detail: str = ""
    fault: str = ""
    samples_ms: tuple[float, ...] = ()
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """One address of the host, and how a TCP connect to it ended (`fault` empty: it was accepted)."""

    family: str
    address: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What TLS agreed on. `days_left` counts from this machine's clock."""

    version: str
    cipher: str
    issuer: str
    days_left: float


@dataclass(frozen=True, slots=True)
class Connection:
    """The way in, from the host's name to the answer to the upgrade.

    Attributes:
        host, port, secure: what was connected to.
        steps: DNS, TCP, TLS and HTTP upgrade, each once, in that order.
        addresses: all addresses of the host; those before the first that accepted carry their fault.
        certificate: None on plain HTTP, or when TLS failed.
        status: HTTP status of the answer to the upgrade (101 is the granted one), None without an answer.
        body: the answer's body when it was refused, shortened.
        server: which program says that it answered (`Server` header), if it does.
    """

    host: str
    port: int
    secure: bool
    steps: tuple[Step, ...]
    addresses: tuple[Address, ...] = ()
    certificate: Certificate | None = None
    status: int | None = None
    body: str = ""
    server: str = ""
    took_ms: float = 0.0

    @property
    def open(self) -> bool:
        return self.status == 101

    @property
    def reached(self) -> bool:
        """Whether anything answered in HTTP."""
        return self.status is not None

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


@dataclass(frozen=True, slots=True)
class Live:
    """What the open connection answered, from the heartbeat to the first delivered change.

    Attributes:
        steps: heartbeat, join, system ok, broadcast and change.
        join_reason: the server's sentence when it refused the join.
        system_message: the server's `system` message for postgres_changes.
        table: table whose change was awaited, if one was.
        write_ms: of the change's time, how long the INSERT and its commit took, one value for each run.
        change_bytes: size of the frame that brought the change.

    """

    steps: tuple[Step, ...]
    join_reason: str = ""
    system_message: str = ""
    table: str = ""
    write_ms: tuple[float, ...] = ()
    change_bytes: int = 0
    took_ms: float = 0.0

    @property
    def faulty(self) -> bool:
        return any(step.fault for step in self.steps)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """What the server answered to a subscription to one table. `ok` None: no answer within the limit."""

    table: str
    ok: bool | None
    message: str
    took_ms: float = 0.0


class KeyKind(StrEnum):
    PUBLISHABLE = "publishable"
    SECRET = "secret"
    JWT = "jwt"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Key:
    """The client's key, read on this machine. Times are seconds since the epoch."""

    kind: KeyKind
    algorithm: str = ""
    role: str = ""
    issuer: str = ""
    project: str = ""
    expires_at: float | None = None
    issued_at: float | None = None
    now: float = 0.0
    host: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Clock:
    """This machine's clock minus the server's, from its `Date` header (which has whole seconds)."""

    ahead_s: float
    uncertainty_s: float
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Services:
    """Which of Supabase's HTTP services answer as Supabase does."""

    auth_status: int | None
    auth_is_supabase: bool
    rest_status: int | None
    rest_is_supabase: bool
    took_ms: float = 0.0


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was gathered about one target. A piece that could not be gathered is a `Missing` with its reason."""

    connection: Connection | Missing
    live: Live | Missing
    key: Key | Missing
    clock: Clock | Missing
    services: Services | Missing
    database: Database | Missing
    subscriptions: tuple[TableVerdict, ...] | Missing = ()
