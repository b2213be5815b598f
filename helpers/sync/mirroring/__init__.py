"""A local copy of a table that equals it, through every fault: a snapshot, and from there on every change once.

async with ResilientClient(target.as_service()) as client, SqliteStore(Path("copy.db"), "messages") as store:
    await TableMirror(client, "messages", store).run()
"""

from __future__ import annotations

from helpers.sync.mirroring.memory import MemoryStore
from helpers.sync.mirroring.mirror import TableMirror
from helpers.sync.mirroring.prisma import PrismaStore
from helpers.sync.mirroring.snapshot import Snapshot, snapshot
from helpers.sync.mirroring.sqlite import SqliteStore
from helpers.sync.mirroring.store import Store

__all__ = ["MemoryStore", "PrismaStore", "Snapshot", "SqliteStore", "Store", "TableMirror", "snapshot"]
