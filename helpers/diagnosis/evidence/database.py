"""What the catalogs say about the server, the publication and Realtime's own tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from helpers.diagnosis.evidence.tables import Policy, Table, TableName

__all__ = ["Database", "Held", "Messages", "OpenDefaults", "Publication", "Slot", "Usage"]


@dataclass(frozen=True, slots=True)
class Publication:
    """`supabase_realtime`; `operations` among insert, update, delete.

    Attributes:
        all_tables: whether it was made FOR ALL TABLES.
        tables: how many it has, each partition counted.
        via_root: whether changes of partitions are published as those of the whole table.
        owner: who may change it, and `ours` whether the role that looked is one of them.
        names: of all its tables.
    """

    exists: bool
    all_tables: bool = False
    operations: tuple[str, ...] = ()
    tables: int = 0
    via_root: bool = False
    owner: str = ""
    ours: bool = True
    names: tuple[TableName, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One replication slot; `lag_bytes` is the WAL that it keeps."""

    name: str
    active: bool
    wal_status: str
    lag_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is in use; `kept` of it is for others (superusers, say)."""

    used: int
    limit: int
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """A transaction that has been open for long, so that slots keep the WAL since its begin.

    `prepared` is the name of a prepared one, which no session holds any more; else `pid` is the session's.
    """

    age_s: float
    role: str
    state: str = ""
    pid: int = 0
    prepared: str = ""
    application: str = ""


@dataclass(frozen=True, slots=True)
class Messages:
    """`realtime.messages`, where Broadcast from the database and the policies of private channels live.

    Attributes:
        rls: whether its policies are in force.
        policies: on it.
        partitioned: whether it needs a partition for each day, as on newer servers.
        today, tomorrow: names of the partitions of these days (UTC) that are missing; empty when they are there.
        day: the day that `today` speaks of, as ISO 8601.
        select_roles, insert_roles: which of the key's roles may do so, the schema's grant included.
    """

    rls: bool
    policies: tuple[Policy, ...] = ()
    partitioned: bool = True
    today: str = ""
    tomorrow: str = ""
    day: str = ""
    select_roles: tuple[str, ...] = ()
    insert_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class OpenDefaults:
    """That tables which `owner` makes in `schema` (empty: in any) are readable to `roles` at once."""

    owner: str
    schema: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Database:
    """What the catalogs say, read in one read-only transaction.

    Attributes:
        version: the server's version, for example ``18.0``.
        role: as whom it was read, and `bypasses_rls` whether policies do not apply to that role.
        keep_bytes: `max_slot_wal_keep_size` in bytes, -1 without a limit.
        own_table: the workbook's table of events, if it is there.
        limited_roles: connections of roles that have a limit of their own.
        held: transactions that have been open for some time.
        messages: None when there is no table realtime.messages.
        defaults: grants that new tables get by themselves.
        untried: why policies were not tried, if they were not.
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
    limited_roles: tuple[tuple[str, Usage], ...] = ()
    held: tuple[Held, ...] = ()
    messages: Messages | None = None
    defaults: tuple[OpenDefaults, ...] = ()
    untried: str = ""
    errors: tuple[str, ...] = field(default=())
    took_ms: float = 0.0
