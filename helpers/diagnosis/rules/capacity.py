"""Rules about limits: of slots and connections, and of the size of what is sent."""

from __future__ import annotations

from helpers.diagnosis.evidence import Database, Table, Usage
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import names, per_table, quoted

__all__ = ["RULES"]

CONFIG = "https://supabase.com/docs/guides/database/custom-postgres-config"
LIMITS = "https://supabase.com/docs/guides/realtime/limits"
#: Less than one in five free is worth a word.
FULL_SHARE = 0.8
#: The specification's target for a payload.
ROW_TARGET_BYTES = 1024
#: A change beyond this carries small columns only (db_settings.ex:10).
PAYLOAD_LIMIT = 1_048_576
#: Values that are stored apart are compressed: on average at a quarter of the limit some are beyond it.
LARGE_SHARE = 0.25


@rule(
    "Slots and WAL senders are to be had",
    needs.database,
    CONFIG,
    symptom="Changes or broadcasts from the database do not start; the log says ReplicationMaxWalSendersReached.",
    remedy="Drop slots that nobody needs, or raise the limit and restart.",
    verify="Fewer than four in five of max_replication_slots and max_wal_senders are in use",
)
def replication_headroom(database: Database) -> Verdict:
    """Realtime needs a slot for changes and a slot with a WAL sender for broadcasts from the database. Read replicas,
    other tools and forgotten slots use the same few."""
    limits = {"max_replication_slots": database.replication_slots, "max_wal_senders": database.wal_senders}
    known = {name: usage for name, usage in limits.items() if usage is not None}
    return _headroom(known, "Realtime cannot open its slot when they are used up (ReplicationMaxWalSendersReached)")


@rule(
    "Connections are to be had",
    needs.database,
    CONFIG,
    symptom="Joins are refused with DatabaseLackOfConnections or IncreaseConnectionPool; REST answers slowly too.",
    remedy="Let applications connect through the pooler, close what is idle, or raise the limit and restart.",
    verify="Fewer than four in five of the connections that ordinary roles may use are in use",
)
def connection_headroom(database: Database) -> Verdict:
    """Realtime connects to the database like everybody else: for subscriptions, for private channels, for the slot.
    Some of max_connections are kept for superusers, so that the rest is used up before the number says so."""
    known = {"max_connections": database.connections} if database.connections else {}
    return _headroom(known, "Realtime needs connections of its own (DatabaseLackOfConnections)")


@rule(
    "No role is at its own limit of connections",
    needs.database,
    "https://www.postgresql.org/docs/current/sql-alterrole.html",
    symptom="“too many connections for role”, while the server has many to give.",
    remedy="Raise or lift the limit of that role, or let fewer clients use it.",
    verify="pg_roles.rolconnlimit is -1, or well above the connections of that role",
)
def role_connections(database: Database) -> Verdict:
    """A role can have a limit of its own (CONNECTION LIMIT), which applies long before that of the server."""
    tight = [(role, usage) for role, usage in database.limited_roles if usage.used > FULL_SHARE * usage.limit]
    seen = listed(f"{role}: {usage.used} of {usage.limit}" for role, usage in database.limited_roles)
    if not tight:
        return ok(seen or "no role has a limit of its own")
    fix = "\n".join(f"alter role {quoted(role)} connection limit -1;" for role, _ in tight)
    cause = f"The role {listed(role for role, _ in tight)} may hardly open another connection"
    full = any(usage.used >= usage.limit for _, usage in tight)
    return failure(seen, cause, fix) if full else warning(seen, cause, fix)


@rule(
    "Rows are smaller than 1 KB",
    needs.analyzed_tables,
    LIMITS,
    symptom="Changes cost much bandwidth, and arrive later with many subscribers.",
    remedy="Subscribe with `select` to the columns in need, or move large columns into a table of their own.",
    verify="The average width in pg_stats, or the size of a received change, is below 1 KB",
)
def row_size(tables: tuple[Table, ...]) -> Verdict:
    """Each change carries the whole row, with the name and type of each column, to each subscriber."""
    evidence = listed(f"{table.name}: {table.average_bytes} bytes on average" for table in tables)
    wide = [table for table in tables if (table.average_bytes or 0) > ROW_TARGET_BYTES]
    if not wide:
        return ok(evidence)
    cause = f"Every subscriber gets the whole row of {names(wide)}; beyond 1 MiB it gets the small columns only"
    return warning(evidence, cause, "Subscribe with `select` to the columns in need, or move large columns elsewhere")


@rule(
    "Rows fit into a change",
    needs.published_tables,
    "https://github.com/supabase/realtime/issues/252",
    symptom="Changes of large rows carry “Error 413: Payload Too Large”, and of their columns the small ones only.",
    remedy="Move the large columns into a table that is not published, and fetch them by key.",
    verify="A change of the largest row arrives without `errors`",
    notes=(27,),
)
def large_rows(tables: tuple[Table, ...]) -> Verdict:
    """A change of more than 1,048,576 bytes is cut: values of more than 64 bytes are left out, whatever `select`
    the subscriber asked for."""
    wide = [table for table in tables if _large_columns(table) and _large_average(table) > LARGE_SHARE * PAYLOAD_LIMIT]
    if not wide:
        return ok("no table with large values on average")
    seen = listed(f"{table.name}: {_large_average(table) / 1024:.0f} KB a row stored apart" for table in wide)
    cause = f"Rows of {names(wide)} come near or beyond 1 MiB: their changes lose all large columns (Error 413)"
    return warning(seen, cause, "\n".join(map(_moved, wide)))


@rule(
    "Updates carry large values",
    needs.published_tables,
    "https://github.com/supabase/supabase/issues/5133",
    symptom="A column is missing in the `new` row of an UPDATE that did not touch it.",
    remedy="Set the replica identity to full, or keep the value that the client already has.",
    verify="An UPDATE of another column brings the large value",
    notes=(26,),
)
def unchanged_values(tables: tuple[Table, ...]) -> Verdict:
    """PostgreSQL stores large values apart, and logs of an UPDATE only those that it changed. Without the full old
    row the others are not in the log at all."""
    partial = [table for table in tables if table.replica_identity != "full" and table.large_bytes > 0]
    partial = [table for table in partial if _large_columns(table)]
    if not partial:
        return ok("no table stores values apart, or those that do have replica identity full")
    seen = listed(f"{table.name}: {', '.join(_large_columns(table))}" for table in partial)
    cause = f"An UPDATE of {names(partial)} leaves large values out that it does not change"
    return note(seen, cause, per_table(partial, "alter table {} replica identity full;"))


def _headroom(limits: dict[str, Usage], consequence: str) -> Verdict:
    seen = ", ".join(map(_told, limits.items())) or "not readable"
    full = {name: usage for name, usage in limits.items() if usage.used >= usage.limit - usage.kept}
    tight = {name: usage for name, usage in limits.items() if usage.used > FULL_SHARE * (usage.limit - usage.kept)}
    fix = "\n".join(_raised(name, usage) for name, usage in tight.items())
    if full:
        return failure(seen, f"{listed(full)} is used up. {consequence}", fix)
    if tight:
        return warning(seen, f"{listed(tight)} is nearly used up. {consequence}", fix)
    return ok(seen)


def _told(limit: tuple[str, Usage]) -> str:
    name, usage = limit
    kept = f", {usage.kept} of them kept for superusers" if usage.kept else ""
    return f"{usage.used} of {usage.limit} ({name}{kept})"


def _raised(name: str, usage: Usage) -> str:
    value = max(2 * usage.limit, 10)
    return (
        f"-- hosted: supabase --experimental postgres-config update --config {name}={value}\n"
        f"alter system set {name} = {value};  -- then restart"
    )


def _large_columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.can_be_large]


def _large_average(table: Table) -> float:
    """Bytes that a row stores apart; of an empty table, or one that was never analyzed, nothing is known."""
    return table.large_bytes / table.rows if table.rows else 0.0


def _moved(table: Table) -> str:
    """Statements that move large columns into a table of their own."""
    large = ", ".join(map(quoted, _large_columns(table)))
    key = ", ".join(map(quoted, table.primary_key))
    apart = f"{quoted(table.name.schema)}.{quoted(table.name.table + '_large')}"
    drops = ", ".join(f"drop column {quoted(name)}" for name in _large_columns(table))
    return (
        f"create table {apart} as select {key}, {large} from {table.name.quoted};\n"
        f"alter table {apart} add primary key ({key}),\n"
        f"  add foreign key ({key}) references {table.name.quoted} on delete cascade, enable row level security;\n"
        f"alter table {table.name.quoted} {drops};  -- readers fetch from the new table, which needs policies"
    )


RULES = (replication_headroom, connection_headroom, role_connections, row_size, large_rows, unchanged_values)
