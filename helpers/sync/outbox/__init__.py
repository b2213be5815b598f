"""Writes that survive a lost network, a full disk and a kill: each is done once, those of one row in their order.

async with Outbox(Path("outbox.db")) as outbox:
    sender = asyncio.create_task(Sender(outbox, {"messages": PrismaWriter(client, converter)}).run())
    await outbox.add(Write(WriteType.UPDATE, (1,), {"body": "hello"}, table="messages"))
"""

from __future__ import annotations

from helpers.sync.outbox.done import drop_done_writes, install_done_writes, trim_done_writes
from helpers.sync.outbox.echoes import Echoes
from helpers.sync.outbox.failures import Rejected
from helpers.sync.outbox.outbox import Entry, EntryState, Outbox
from helpers.sync.outbox.policies import Conflict, ConflictPolicy, Merged, merge
from helpers.sync.outbox.sender import Sender, Told, Writer
from helpers.sync.outbox.writer import PrismaWriter
from helpers.sync.writes import Answer, Write, WriteType, is_temporary, temporary_key

__all__ = [
    "Answer",
    "Conflict",
    "ConflictPolicy",
    "Echoes",
    "Entry",
    "EntryState",
    "Merged",
    "Outbox",
    "PrismaWriter",
    "Rejected",
    "Sender",
    "Told",
    "Write",
    "WriteType",
    "Writer",
    "drop_done_writes",
    "install_done_writes",
    "is_temporary",
    "merge",
    "temporary_key",
    "trim_done_writes",
]
