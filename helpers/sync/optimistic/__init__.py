"""Shows a write at once, and takes it back if the server refuses it."""

from __future__ import annotations

from helpers.sync.optimistic.events import StoreEvent, What
from helpers.sync.optimistic.marks import GONE, ByTransaction, ByVersion, Marks
from helpers.sync.optimistic.store import OptimisticStore
from helpers.sync.optimistic.table import OptimisticTable
from helpers.sync.writes import Answer, Write, WriteType, is_temporary, temporary_key

__all__ = [
    "GONE",
    "Answer",
    "ByTransaction",
    "ByVersion",
    "Marks",
    "OptimisticStore",
    "OptimisticTable",
    "StoreEvent",
    "What",
    "Write",
    "WriteType",
    "is_temporary",
    "temporary_key",
]
