"""Keeps a store equal to a table."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from helpers.errors import ConnectionFailed, FailureError, SettingsError
from helpers.pacing import BoundedQueue, WhenFull
from helpers.resilience import (
    CHECKPOINT,
    Backoff,
    ChangeLog,
    HistoryLost,
    Item,
    Origin,
    ResilientClient,
    SqlLogReader,
    State,
    Subscription,
)
from helpers.resilience.change_log import LogReader
from helpers.sync.mirroring.snapshot import snapshot
from helpers.sync.mirroring.store import Store

__all__ = ["TableMirror"]

#: Between two looks at a database that does not answer.
RETRY_S = 0.1

#: Items that wait for the store; when they are as many, the stream waits, and what it drops is read again.
QUEUE = 10_000


class TableMirror:
    """One table, which is under a change log (`install_change_log`), and its copy in a store.

    Args:
        client: whose role may read the log (`Target.as_service`).
        reader: of the log; by SQL if nothing is said.
        database_url: for snapshots, of a role that sees all rows; that of the client's target if nothing is said.
        most, within_s: of a batch, see `Subscription.batches`.

    Attributes:
        applied: changes by the way they came. repeated: changes that the store had already.
        snapshots: how often the whole table was read. subscription: the one that is followed now.
    """

    def __init__(
        self,
        client: ResilientClient,
        table: str,
        store: Store,
        *,
        schema: str = "public",
        reader: LogReader | None = None,
        database_url: str | None = None,
        most: int = 1_000,
        within_s: float = 0.02,
    ) -> None:
        self._client, self._database_url = client, _url(client, database_url)
        self._reader = reader or SqlLogReader(self._database_url, schema=schema)
        self._table, self._schema, self._store = table, schema, store
        self._most, self._within_s = most, within_s
        self.applied: Counter[Origin] = Counter()
        self.repeated = self.snapshots = self._lost_before = 0
        self.subscription: Subscription | None = None
        self._progress = asyncio.Event()
        self._taken = 0

    async def run(self) -> None:
        """Mirror until it is cancelled, or the subscription is refused.

        Raises:
            WorkbookError: why it cannot go on.
        """
        while True:
            await self._have_a_snapshot()
            try:
                await self._follow()
            except HistoryLost:
                await self._take_snapshot()
            else:
                return

    @property
    def lost_by_stream(self) -> int:
        """Changes that Realtime did not bring, and that were read."""
        return self._lost_before + (self.subscription.lost_by_stream if self.subscription else 0)

    async def caught_up(self, timeout: float = 30.0) -> None:
        """Until the copy holds everything that was committed before the call. To be called while `run` runs.

        Raises:
            FailureError: it does not in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while not await self._has_everything():
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            happened = f"it does not hold everything after {timeout:g} s"
            advice = "Look at the transitions of `subscription.life`: each has its reason"
            raise FailureError(f"mirroring {self._schema}.{self._table}", happened, advice) from None

    async def _has_everything(self) -> bool:
        subscription = self.subscription
        if subscription is None or subscription.state is not State.LIVE:
            return False
        try:
            await subscription.check()
        except ConnectionFailed:  # it is tried again when something has happened, or in a moment
            asyncio.get_running_loop().call_later(RETRY_S, self._progress.set)
            return False
        while self._taken < subscription.queue.counts.put:
            self._progress.clear()
            await self._progress.wait()
        return subscription is self.subscription

    async def _have_a_snapshot(self) -> None:
        if await self._store.position() is None:
            await self._take_snapshot()

    async def _take_snapshot(self) -> None:
        """Again and again: a database that is restarting is back in a moment."""
        backoff = Backoff(self._client.settings.backoff)
        while True:
            try:
                async with snapshot(self._database_url, self._table, schema=self._schema) as now:
                    await self._store.replace(now)
            except ConnectionFailed:
                await asyncio.sleep(backoff.delay_s())
            else:
                self.snapshots += 1
                return

    async def _follow(self) -> None:
        position = await self._store.position()
        log = ChangeLog(
            self._reader, self._table, self._store.key, schema=self._schema, position=position, checkpoints=True
        )
        queue: BoundedQueue[Item] = BoundedQueue(QUEUE, when_full=WhenFull.BLOCK)
        self._lost_before = self.lost_by_stream
        self.subscription = subscription = self._client.subscribe(
            log, queue=queue, worked_before=self.subscription is not None
        )
        subscription.life.on_transition(lambda _: self._progress.set())
        self._taken = 0
        try:
            async for batch in subscription.batches(self._most, self._within_s):
                await self._apply(batch)
            if subscription.error is not None:
                raise subscription.error
        finally:
            await self._client.unsubscribe(subscription)

    async def _apply(self, batch: Sequence[Item]) -> None:
        repeated = await self._store.apply(batch)
        self.repeated += repeated
        self.applied.update(item.origin for item in batch if item.type != CHECKPOINT)
        self._taken += len(batch)
        self._progress.set()


def _url(client: ResilientClient, database_url: str | None) -> str:
    found = database_url or client.target.database_url
    if found is None:
        raise SettingsError("planning a mirror", "there is no database to read a snapshot from", "Set DATABASE_URL")
    return found
