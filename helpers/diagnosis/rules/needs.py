"""Which part of the evidence a rule looks at, and why it cannot when it is not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from helpers.diagnosis.evidence import (
    Address,
    Clock,
    Connection,
    Database,
    DatabaseHome,
    Evidence,
    Heard,
    Key,
    Live,
    Missing,
    Place,
    Services,
    Step,
    Table,
    TableVerdict,
    UserToken,
    Wish,
)

__all__ = [
    "REAL",
    "Ear",
    "addresses",
    "after",
    "analyzed_tables",
    "answered",
    "clock",
    "database",
    "database_home",
    "heard",
    "key",
    "live_step",
    "measured",
    "opened",
    "published_tables",
    "reached",
    "sentence_in",
    "subscriptions",
    "tables",
    "token",
    "users_tables",
    "wish",
]


#: What has changes of its own.
REAL = ("table", "partitioned table")


@dataclass(frozen=True, slots=True)
class Ear:
    """All that the server has said that is not a matter of course, and which server it is."""

    heard: tuple[Heard, ...]
    host: str
    origin: str
    took_ms: float = 0.0


def key(evidence: Evidence) -> Key | Missing:
    return evidence.key


def database_home(evidence: Evidence) -> DatabaseHome | Missing:
    return evidence.database_home


def clock(evidence: Evidence) -> Clock | Missing:
    return evidence.clock


def addresses(evidence: Evidence) -> tuple[Connection, tuple[Address, ...]] | Missing:
    connection = after("DNS")(evidence)
    if isinstance(connection, Missing) or isinstance(evidence.addresses, Missing):
        return connection if isinstance(connection, Missing) else evidence.addresses  # type: ignore[return-value]
    return connection, evidence.addresses


def token(evidence: Evidence) -> UserToken | Missing:
    return evidence.token


def wish(evidence: Evidence) -> Wish | Missing:
    return evidence.wish


def heard(evidence: Evidence) -> Ear | Missing:
    """What the server has said to this diagnosis, and what a user has brought."""
    connection = evidence.connection
    if isinstance(connection, Missing):
        return connection
    brought = () if isinstance(evidence.heard, Missing) else evidence.heard
    said = (*_said(evidence, connection), *brought)
    if not connection.reached and not said:
        return Missing("Realtime did not answer")
    scheme = "https" if connection.secure else "http"
    origin = f"{scheme}://{connection.host}:{connection.port}"
    return Ear(said, connection.host, origin, connection.took_ms)


def _said(evidence: Evidence, connection: Connection) -> Iterator[Heard]:
    """Of the handshake, of the join and what came after it, of each table, of the token; in this order."""
    if connection.reached and not connection.open:
        yield Heard(Place.HANDSHAKE, sentence_in(connection.body), connection.status)
    if not isinstance(evidence.live, Missing):
        yield from _said_live(evidence.live)
    if not isinstance(evidence.subscriptions, Missing):
        refused = (verdict.message for verdict in evidence.subscriptions if verdict.ok is False)
        yield from (Heard(Place.SYSTEM, message) for message in refused)
    trial = evidence.token if isinstance(evidence.token, Missing) else evidence.token.trial
    if not isinstance(trial, Missing) and trial.joined is False:
        yield Heard(Place.JOIN, trial.reason)


def _said_live(live: Live) -> Iterator[Heard]:
    """A refused subscription to all tables of `public` is nobody's wish, and says nothing."""
    if live.join_reason:
        yield Heard(Place.JOIN, live.join_reason)
    if live.table and live.step("system ok").fault and live.system_message:
        yield Heard(Place.SYSTEM, live.system_message)
    yield from (Heard(Place.SYSTEM, sentence) for sentence in live.overheard)


def sentence_in(body: str) -> str:
    """Realtime's own sentence in the body of a refused upgrade; the body itself when it is another's."""
    try:
        said = json.loads(body)
    except ValueError:
        return body
    return str(said.get("error", body)) if isinstance(said, dict) else body


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
    there = tuple(table for table in found.tables if table.exists and table.kind in REAL)
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
