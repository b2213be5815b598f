"""What the probes saw, as plain data. Nothing in here judges."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.diagnosis.evidence.base import Missing, Step
from helpers.diagnosis.evidence.database import (
    Database,
    Held,
    Messages,
    OpenDefaults,
    Publication,
    Slot,
    Usage,
)
from helpers.diagnosis.evidence.heard import Heard, Place
from helpers.diagnosis.evidence.key import Clock, DatabaseHome, Key, KeyKind, Services
from helpers.diagnosis.evidence.live import Live, TableVerdict
from helpers.diagnosis.evidence.project import Project
from helpers.diagnosis.evidence.tables import (
    KEY_ROLES,
    Broadcast,
    Column,
    Function,
    Policy,
    PolicyTrial,
    Scan,
    Table,
    TableName,
)
from helpers.diagnosis.evidence.token import TokenKind, Trial, UserToken
from helpers.diagnosis.evidence.watch import Watched
from helpers.diagnosis.evidence.way_in import Address, Certificate, Connection
from helpers.diagnosis.evidence.wish import Misreading, Wish

__all__ = [
    "KEY_ROLES",
    "NOBODY_WATCHED",
    "NO_PROJECT",
    "Address",
    "Broadcast",
    "Certificate",
    "Clock",
    "Column",
    "Connection",
    "Database",
    "DatabaseHome",
    "Evidence",
    "Function",
    "Heard",
    "Held",
    "Key",
    "KeyKind",
    "Live",
    "Messages",
    "Misreading",
    "Missing",
    "OpenDefaults",
    "Place",
    "Policy",
    "PolicyTrial",
    "Project",
    "Publication",
    "Scan",
    "Services",
    "Slot",
    "Step",
    "Table",
    "TableName",
    "TableVerdict",
    "TokenKind",
    "Trial",
    "Usage",
    "UserToken",
    "Watched",
    "Wish",
]


#: What is said of a project when nobody names one.
NO_PROJECT = Missing("no project folder was named")
UNTRIED = Missing("the addresses were not tried")
NO_TOKEN = Missing("no user's token is given")
NO_WISH = Missing("no configuration of a join is given: diagnose(target, join={…})")
NO_DATABASE_URL = Missing("DATABASE_URL is not set")
#: What is said of a watch when nobody asks for one.
NOBODY_WATCHED = Missing("nobody watched (watch_s=60)")


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
    project: Project | Missing = NO_PROJECT
    addresses: tuple[Address, ...] | Missing = UNTRIED
    token: UserToken | Missing = NO_TOKEN
    wish: Wish | Missing = NO_WISH
    heard: tuple[Heard, ...] | Missing = ()
    watched: Watched | Missing = NOBODY_WATCHED
    database_home: DatabaseHome | Missing = NO_DATABASE_URL
