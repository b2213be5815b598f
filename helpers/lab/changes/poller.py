"""Reads the slot at the pace of the real server (`replication_poller.ex`) and dispatches what it finds.

Lifecycle: asleep while nobody subscribes, without a slot; a first subscription wakes it, and it is `ready` as soon as
a slot exists. When the last subscription has left it stops reading, and after a while it drops the slot. After a
failure of the database it connects anew, and what was committed meanwhile is lost, as on the real server.

Poll loop: at once again after changes were delivered; after 150 to 200 ms when the slot moved but concerned nobody;
after 500 ms when it did not move. In streaming mode the database says when there is something.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

import psycopg
from psycopg import AsyncConnection

from helpers.lab.changes.catalog import log_publication
from helpers.lab.changes.database import connect
from helpers.lab.changes.dispatch import Dispatcher
from helpers.lab.changes.evaluation import Evaluation
from helpers.lab.changes.pgoutput import Message
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.slot import ChangeSource, PolledSlot, StreamedSlot

__all__ = ["Poller"]

_log = logging.getLogger(__name__)

_MESSAGES_AT_ONCE = 1_000  # of a stream, so that a large transaction is dispatched while it still arrives


class _Outcome(Enum):
    DELIVERED = "delivered"
    UNCONCERNED = "the slot moved, nobody was concerned"
    IDLE = "the slot did not move"
    FAILED = "the batch could not be evaluated and is lost"


class Poller:
    """Polls while there are routes.

    Args:
        database: connection string of a superuser.
        settings: intervals and limits.
        dispatcher: delivers the changes; the poller adds to its counts.
        refresh: brings wildcard bindings up to date with the publication; called now and then while polling.
    """

    def __init__(
        self,
        database: str,
        settings: ChangeSettings,
        dispatcher: Dispatcher,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._settings = settings
        self._dispatcher = dispatcher
        self._refresh = refresh
        self._awake = asyncio.Event()
        self._ready = asyncio.Event()
        self._refreshed_at = 0.0

    async def wake(self) -> None:
        """Return when a slot holds every change committed from now on."""
        self._awake.set()
        await self._ready.wait()

    def sleep(self) -> None:
        """Nobody listens any more."""
        self._awake.clear()

    async def run(self) -> None:
        """Poll until cancelled, whatever happens to the database."""
        wait_s = self._settings.retry_min_s
        while True:
            await self._awake.wait()
            try:
                await self._poll_while_connected()
            except Exception as error:
                _log_failure(error)
                self._dispatcher.counts.failures[getattr(error, "sqlstate", None) or "other"] += 1
                if self._ready.is_set():  # it had worked
                    wait_s = self._settings.retry_min_s
                self._ready.clear()
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, self._settings.retry_max_s)

    async def _poll_while_connected(self) -> None:
        """One life of a slot: until nobody has listened for a while, or the database fails."""
        timeout_s = self._settings.statement_timeout_s
        async with (
            await connect(self._database, "realtime_rls", timeout_s) as reading,
            Evaluation(self._database, self._settings) as evaluation,
        ):
            source = self._source(reading, await log_publication(reading, self._settings.publication))
            try:
                await source.open()
                self._refreshed_at = time.monotonic()
                while await self._still_wanted(source):
                    self._ready.set()
                    await self._poll_while_awake(source, evaluation)
                    self._ready.clear()
            finally:
                with contextlib.suppress(psycopg.Error):  # a slot may be gone already; it ends with its connection
                    await source.close()

    def _source(self, connection: AsyncConnection, publication: str) -> ChangeSource:
        name = self._settings.slot_name
        if self._settings.streaming:
            return StreamedSlot(connection, self._database, name, publication)
        return PolledSlot(connection, name, publication)

    async def _still_wanted(self, source: ChangeSource) -> bool:
        """Whether somebody listens, or begins to within the time for which the slot is kept."""
        if self._awake.is_set():
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), self._settings.slot_linger_s)
            await source.skip()
        return self._awake.is_set()

    async def _poll_while_awake(self, source: ChangeSource, evaluation: Evaluation) -> None:
        while self._awake.is_set():
            if time.monotonic() - self._refreshed_at >= self._settings.publication_refresh_s:
                await self._refresh()
                self._refreshed_at = time.monotonic()
            outcome = await self._poll(source, evaluation)
            await asyncio.sleep(self._pause_s(outcome))

    async def _poll(self, source: ChangeSource, evaluation: Evaluation) -> _Outcome:
        began = time.perf_counter()
        messages = await source.fetch(self._rows_at_once)
        if self._settings.streaming:
            began = time.perf_counter()  # what came before was no query, but waiting for a commit
        outcome = await self._deliver(messages, evaluation)
        self._dispatcher.counts.query_ms.add((time.perf_counter() - began) * 1000)
        return outcome

    async def _deliver(self, messages: Sequence[Message], evaluation: Evaluation) -> _Outcome:
        changes = self._dispatcher.rows.take(messages)
        if not changes:
            return _Outcome.IDLE
        counts = self._dispatcher.counts
        counts.polled += len(changes)
        try:
            concerned = await self._dispatcher.dispatch(evaluation, changes)
        except psycopg.Error as error:
            if evaluation.lost:
                raise
            counts.batches_dropped += 1
            counts.skipped["evaluation_failed"] += len(changes)
            _log.warning("%d changes are lost for all, a filter or policy failed: %s", len(changes), error)
            return _Outcome.FAILED
        return _Outcome.DELIVERED if concerned else _Outcome.UNCONCERNED

    @property
    def _rows_at_once(self) -> int:
        return _MESSAGES_AT_ONCE if self._settings.streaming else self._settings.poll_rows

    def _pause_s(self, outcome: _Outcome) -> float:
        if outcome is _Outcome.DELIVERED or self._settings.streaming:
            return 0.0
        if outcome is _Outcome.IDLE:
            return self._settings.poll_idle_s
        return self._settings.poll_busy_s + random.uniform(*self._settings.poll_jitter_s)


def _log_failure(error: Exception) -> None:
    if isinstance(error, psycopg.Error):
        _log.warning("the replication slot could not be read: %s", error)
    else:
        _log.error("the change feed failed and begins anew", exc_info=error)
