"""Ways to bring changes into a second store through Prisma, from the obvious one to the one that works."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from helpers.prisma import Prisma
from helpers.resilience import Item
from helpers.sync.batching import Batcher
from helpers.sync.convert import Converter
from helpers.sync.folding import item_of
from helpers.sync.load import Load
from helpers.sync.prisma_table import PrismaTable
from helpers.wire.events import Change

__all__ = ["STRATEGIES", "Running", "Strategy"]

#: The accessor of the mirroring model.
MIRROR = "mirroredmessage"


class Running(Protocol):
    """A strategy at work."""

    errors: Counter[str]
    #: Rows that it has written into the source itself, each of which comes back as a change.
    own_writes: int

    def receive(self, change: Change) -> None:
        """Take a change; called as it arrives, so it must not wait."""

    async def settle(self) -> None:
        """Until everything received so far is dealt with."""

    async def close(self) -> None:
        """End what it runs."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a strategy is named and started.

    Attributes:
        event: what it subscribes to: the specification's handler listens to ``INSERT`` only.
        keeps_mirror: whether it writes into the mirror, or into the source itself.
    """

    name: str
    description: str
    event: str
    keeps_mirror: bool
    start: Callable[[Prisma, Converter, Load], Running]


class PerEvent:
    """One call of Prisma per change. Nobody waits for it, as in a JavaScript callback without `await`."""

    def __init__(self, handle: Callable[[Change], Awaitable[bool]]) -> None:
        self._handle = handle
        self._tasks: set[asyncio.Task[None]] = set()
        self.errors: Counter[str] = Counter()
        self.own_writes = 0

    def receive(self, change: Change) -> None:
        task = asyncio.create_task(self._try(change))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        await self.settle()

    async def _try(self, change: Change) -> None:
        try:
            has_written = await self._handle(change)
        except Exception as error:
            self.errors[type(error).__name__] += 1
        else:
            self.own_writes += has_written


class Batched:
    """Batches, each one transaction."""

    def __init__(self, table: PrismaTable) -> None:
        self._batcher: Batcher[Item] = Batcher(table.apply, most=200, within_s=0.05)
        self._batcher.start()
        self._source = table.source
        self.errors = self._batcher.writer.errors
        self.own_writes = 0

    def receive(self, change: Change) -> None:
        if not self._batcher.offer(item_of(change, self._source)):
            self.errors["no room in the queue"] += 1

    async def settle(self) -> None:
        await self._batcher.settle()

    async def close(self) -> None:
        await self._batcher.close()


def _literal(client: Prisma, converter: Converter, load: Load) -> Running:
    async def handle(change: Change) -> bool:
        await client.message.create(data=dict(change.record))
        return True

    return PerEvent(handle)


def _converted(client: Prisma, converter: Converter, load: Load) -> Running:
    async def handle(change: Change) -> bool:
        await client.message.create(data=converter.data(change.record))
        return True

    return PerEvent(handle)


#: Every copy is a change that makes another copy; here the loop is cut after two generations.
GENERATIONS = 2


def _without_id(client: Prisma, converter: Converter, load: Load) -> Running:
    copies = 0

    async def handle(change: Change) -> bool:
        nonlocal copies
        if copies == GENERATIONS * load.inserts:
            return False
        copies += 1
        data: dict[str, Any] = converter.data(change.record)
        await client.message.create(data={name: value for name, value in data.items() if name != "id"})
        return True

    return PerEvent(handle)


def _into_mirror(client: Prisma, converter: Converter, load: Load) -> Running:
    async def handle(change: Change) -> bool:
        await client.mirroredmessage.create(data=converter.data(change.record))
        return False

    return PerEvent(handle)


def _batched(client: Prisma, converter: Converter, load: Load) -> Running:
    return Batched(PrismaTable(client, converter, MIRROR))


STRATEGIES = (
    Strategy("naive", "the usual handler: prisma.message.create({data: payload.new})", "INSERT", False, _literal),
    Strategy("naive with conversion", "the same, in Prisma's names and types", "INSERT", False, _converted),
    Strategy("naive without id", "the same, the id left out so that it does not collide", "INSERT", False, _without_id),
    Strategy("create per event", "into a table of its own, one call of Prisma per event", "INSERT", True, _into_mirror),
    Strategy("batched", "all changes, collected and applied as one idempotent transaction", "*", True, _batched),
)
