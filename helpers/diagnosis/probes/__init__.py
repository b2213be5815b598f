"""Probes look and time. They never judge, never raise for what they are there to see, and each has a limit of time."""

from __future__ import annotations

from helpers.diagnosis.probes.addresses import probe_addresses
from helpers.diagnosis.probes.database import probe_database
from helpers.diagnosis.probes.database_home import probe_database_home
from helpers.diagnosis.probes.key import probe_key
from helpers.diagnosis.probes.project import probe_project
from helpers.diagnosis.probes.run import Run, probe_run
from helpers.diagnosis.probes.services import probe_services
from helpers.diagnosis.probes.subscriptions import probe_subscriptions
from helpers.diagnosis.probes.token import probe_token
from helpers.diagnosis.probes.watch import WatchProgress, watch
from helpers.diagnosis.probes.wish import read_wish
from helpers.diagnosis.probes.writer import RowWriter, open_writer, writable_table

__all__ = [
    "RowWriter",
    "Run",
    "WatchProgress",
    "open_writer",
    "probe_addresses",
    "probe_database",
    "probe_database_home",
    "probe_key",
    "probe_project",
    "probe_run",
    "probe_services",
    "probe_subscriptions",
    "probe_token",
    "read_wish",
    "watch",
    "writable_table",
]
