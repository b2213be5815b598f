"""A subscription that survives: what was committed arrives, once, whatever becomes of the connection."""

from __future__ import annotations

from helpers.resilience.backoff import Backoff, BackoffSettings, Jitter, spread_for
from helpers.resilience.change_log import ChangeLog, HistoryLost
from helpers.resilience.client import ResilientClient
from helpers.resilience.clocks import ClockWatch, Jump, JumpKind
from helpers.resilience.lifecycle import Happened, Lifecycle, State, Transition
from helpers.resilience.logged import (
    drop_change_log,
    install_change_log,
    leave_change_log,
    logged_tables,
    trim_change_log,
)
from helpers.resilience.position import LogPosition, key_text, keys_of, place_of
from helpers.resilience.rate import RateLimit
from helpers.resilience.readers import RestLogReader, RestRowReader, SqlLogReader, SqlRowReader
from helpers.resilience.replay import Broadcasts
from helpers.resilience.rows import Rows
from helpers.resilience.settings import ResilienceSettings
from helpers.resilience.source import CHECKPOINT, Gap, Item, Origin, Source
from helpers.resilience.subscription import Subscription

__all__ = [
    "CHECKPOINT",
    "Backoff",
    "BackoffSettings",
    "Broadcasts",
    "ChangeLog",
    "ClockWatch",
    "Gap",
    "Happened",
    "HistoryLost",
    "Item",
    "Jitter",
    "Jump",
    "JumpKind",
    "Lifecycle",
    "LogPosition",
    "Origin",
    "RateLimit",
    "ResilienceSettings",
    "ResilientClient",
    "RestLogReader",
    "RestRowReader",
    "Rows",
    "Source",
    "SqlLogReader",
    "SqlRowReader",
    "State",
    "Subscription",
    "Transition",
    "drop_change_log",
    "install_change_log",
    "key_text",
    "keys_of",
    "leave_change_log",
    "logged_tables",
    "place_of",
    "spread_for",
    "trim_change_log",
]
