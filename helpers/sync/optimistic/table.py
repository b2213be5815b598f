"""A table whose rows a user sees and changes at once, with or without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.errors import RunError
from helpers.prisma import Prisma
from helpers.resilience import CHECKPOINT, BackoffSettings, Item, LogPosition, ResilientClient, place_of
from helpers.sync.convert import Converter
from helpers.sync.mirroring import Snapshot, TableMirror
from helpers.sync.optimistic.store import OptimisticStore
from helpers.sync.outbox import ConflictPolicy, Entry, EntryState, Outbox, PrismaWriter, Sender, Told
from helpers.sync.writes import Answer, Key, Write

__all__ = ["OptimisticTable"]


class OptimisticTable:
    """One table under a change log, in a schema with done writes (`install_change_log`, `install_done_writes`).

    Args:
        client: whose role may read the log. prisma, converter: for the writes.
        outbox: open; what waits in it is shown again.
        policy: for rows that others have changed since the user saw them.
        told: what else to do when something has become of a write; the store has been told by then.

    Attributes:
        store: with `view`, `pending` and `on_event`. sender: of the writes. mirror: that follows the table.
    """

    def __init__(
        self,
        client: ResilientClient,
        prisma: Prisma,
        converter: Converter,
        outbox: Outbox,
        *,
        policy: ConflictPolicy = ConflictPolicy.FIELD_MERGE,
        told: Told | None = None,
        backoff: BackoffSettings | None = None,
    ) -> None:
        model = converter.model
        names = {field.name: field.column for field in model.columns.values()}
        key = tuple(names[name] for name in model.key)
        self.store = OptimisticStore(key, table=model.table)
        self._outbox, self._told = outbox, told or Told()
        writer = PrismaWriter(
            prisma, converter, policy=policy, on_mark=lambda write, mark: self.store.marked(write.id, mark)
        )
        mine = Told(self._done, self._refused, self._told.asked)
        self.sender = Sender(outbox, {model.table: writer}, mine, backoff)
        self.mirror = TableMirror(
            client, model.table, _Followed(key, self.store, self.sender), schema=client.target.schema
        )

    async def run(self) -> None:
        """Show, follow and send until it is cancelled.

        Raises:
            WorkbookError: why the table cannot be followed.
        """
        for entry in await self._outbox.entries():
            if entry.state is not EntryState.SET_ASIDE:
                self.store.apply(entry.write)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self.sender.run(), name=f"outbox of {self._outbox.path}")
            await self.mirror.run()
            sending.cancel()

    async def insert(self, values: Mapping[str, Any], *, after: Sequence[str] = ()) -> Write:
        """See `OptimisticStore.insert`. Returns when the write is on the disk.

        Raises:
            RunError: it cannot be kept, and is not shown any more.
        """
        return await self._keep(self.store.insert(values, after=after))

    async def update(self, key: Key, values: Mapping[str, Any], *, after: Sequence[str] = ()) -> Write:
        """As `insert`; see `OptimisticStore.update`."""
        return await self._keep(self.store.update(key, values, after=after))

    async def delete(self, key: Key, *, after: Sequence[str] = ()) -> Write:
        """As `insert`; see `OptimisticStore.delete`."""
        return await self._keep(self.store.delete(key, after=after))

    async def decide(self, entry: Entry, values: Mapping[str, Any] | None) -> None:
        """Answer a conflict; see `Outbox.decide`."""
        await self._outbox.decide(entry, values)
        if values is None:
            self.store.reject(entry.write.id, "it was given up for what others have written")
        else:
            self.store.revise(entry.write.id, values)

    async def _keep(self, write: Write) -> Write:
        try:
            await self._outbox.add(write)
        except RunError as error:
            self.store.reject(write.id, error.happened)
            raise
        return write

    def _done(self, write: Write, answer: Answer) -> None:
        self.store.accept(write.id, answer)
        self._told.done(write, answer)

    def _refused(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.store.reject(entry.write.id, entry.reason)
        self._told.refused(entries)


class _Followed:
    """The store of the mirror: hands everything on to the optimistic one, once."""

    def __init__(self, key: tuple[str, ...], store: OptimisticStore, sender: Sender) -> None:
        self._key, self._store, self._sender = key, store, sender
        self._position: LogPosition | None = None

    @property
    def key(self) -> tuple[str, ...]:
        return self._key

    async def position(self) -> LogPosition | None:
        return self._position.copy() if self._position else None

    async def replace(self, snapshot: Snapshot) -> None:
        rows = [row async for page in snapshot.pages for row in page]
        self._position = snapshot.position.copy()
        self._store.replace(rows, snapshot.position.holds)

    async def apply(self, items: Sequence[Item]) -> int:
        assert self._position is not None, "following begins with a snapshot"
        if self._sender.trouble:  # the database can be reached, as this has
            self._sender.hurry()
        return sum(self._apply(item, self._position) for item in items)

    def _apply(self, item: Item, position: LogPosition) -> bool:
        if item.type == CHECKPOINT:
            position.advance(int(item.position))  # type: ignore[call-overload]
            return False
        if position.has(*place_of(item)):
            return True
        self._store.receive(item)
        position.enter(item)
        return False
