"""Which part of the evidence a rule looks at, and why it cannot when it is not there."""

from __future__ import annotations

from collections.abc import Callable

from helpers.diagnosis.evidence import (
    Clock,
    Connection,
    Database,
    Evidence,
    Key,
    Live,
    Missing,
    Services,
    Step,
    Table,
    TableVerdict,
)

__all__ = [
    "after",
    "analyzed_tables",
    "answered",
    "clock",
    "database",
    "key",
    "live_step",
    "measured",
    "opened",
    "published_tables",
    "reached",
    "subscriptions",
    "tables",
    "users_tables",
]


def key(evidence: Evidence) -> Key | Missing:
    return evidence.key


def clock(evidence: Evidence) -> Clock | Missing:
    return evidence.clock


def subscriptions(evidence: Evidence) -> tuple[TableVerdict, ...] | Missing:
    return evidence.subscriptions


def after(*names: str) -> Callable[[Evidence], Connection | Missing]:
    """The connection, if the steps of these names did not fail."""

    def needed(evidence: Evidence) -> Connection | Missing:
        if isinstance(evidence.connection, Missing):
            return evidence.connection
        for name in names:
            step = evidence.connection.step(name)
            if step.fault:
                return Missing(f"{name} failed ({step.detail})")
        return evidence.connection

    return needed


def reached(evidence: Evidence) -> tuple[Connection, Services | Missing] | Missing:
    """A server was reached, and perhaps its other services were too."""
    connection = after("DNS", "TCP", "TLS")(evidence)
    return connection if isinstance(connection, Missing) else (connection, evidence.services)


def answered(evidence: Evidence) -> Connection | Missing:
    """The upgrade was granted, or refused with a status that speaks of the key."""
    connection = after("DNS", "TCP", "TLS")(evidence)
    if isinstance(connection, Missing) or connection.status in (101, 401):
        return connection
    return Missing("Realtime did not answer")


def opened(evidence: Evidence) -> Connection | Missing:
    connection = after("DNS", "TCP", "TLS")(evidence)
    if isinstance(connection, Missing) or connection.open:
        return connection
    return Missing("the connection was not opened")


def live_step(name: str) -> Callable[[Evidence], tuple[Live, Step] | Missing]:
    """One step on the open connection, if it was tried."""

    def needed(evidence: Evidence) -> tuple[Live, Step] | Missing:
        live = evidence.live
        if isinstance(live, Missing):
            return live
        step = live.step(name)
        if step.skipped:
            return Missing(step.detail.removeprefix("not measured, because ") or "an earlier step failed")
        return live, step

    return needed


def measured(name: str) -> Callable[[Evidence], tuple[Live, Step] | Missing]:
    """One step on the open connection, if it succeeded."""

    def needed(evidence: Evidence) -> tuple[Live, Step] | Missing:
        found = live_step(name)(evidence)
        if isinstance(found, Missing) or found[1].samples_ms:
            return found
        return Missing(f"there is no measured time of the step {name!r}")

    return needed


def database(evidence: Evidence) -> Database | Missing:
    return evidence.database


def tables(evidence: Evidence) -> tuple[Table, ...] | Missing:
    """The tables that exist, of those looked at."""
    found = evidence.database
    if isinstance(found, Missing):
        return found
    there = tuple(table for table in found.tables if table.exists)
    return there or Missing(_no_tables(found))


def published_tables(evidence: Evidence) -> tuple[Table, ...] | Missing:
    """The tables whose changes are sent at all."""
    found = tables(evidence)
    if isinstance(found, Missing):
        return found
    published = tuple(table for table in found if table.published)
    return published or Missing("none of the tables is in the publication")


def users_tables(evidence: Evidence) -> tuple[Table, ...] | Missing:
    """The published tables without the workbook's own events, which are open to all on purpose."""
    found = published_tables(evidence)
    if isinstance(found, Missing) or isinstance(evidence.database, Missing):
        return found
    others = tuple(table for table in found if table.name != evidence.database.own_table)
    return others or Missing("only the workbook's own table is published")


def analyzed_tables(evidence: Evidence) -> tuple[Table, ...] | Missing:
    """The published tables of which PostgreSQL has statistics."""
    found = published_tables(evidence)
    if isinstance(found, Missing):
        return found
    known = tuple(table for table in found if table.average_bytes is not None)
    return known or Missing("ANALYZE has not seen these tables, or its statistics may not be read")


def _no_tables(database: Database) -> str:
    failed = [error for error in database.errors if error.startswith(("tables", "published tables"))]
    return f"the catalogs could not be read ({failed[0]})" if failed else "there is no table to look at"
