"""The experiment: the same changes through each strategy, then source and second store compared in the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from helpers.client import RealtimeClient
from helpers.prisma import Prisma, json_type, prisma_client, statements_sent
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.results import utc_now
from helpers.sync.convert import Converter
from helpers.sync.load import Load, open_source
from helpers.sync.results import SyncComparison, SyncRun
from helpers.sync.strategies import STRATEGIES, Running, Strategy
from helpers.sync.verdict import Verdict, compare_copies, compare_mirror
from helpers.target import Target
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["as_server", "compare_strategies", "why_not"]

TABLE = "messages"
SUBSCRIBE_LIMIT_S = 20.0
#: A change on an idle slot waits up to 0.5 s for the server's next look; after this long without one, none will come.
SILENCE_S = 3.0
_LOOK_S = 0.01


async def compare_strategies(
    target: Target,
    strategies: Sequence[Strategy] = STRATEGIES,
    *,
    load: Load | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> SyncComparison:
    """Write `load` once for each strategy, and see what arrives in its second store.

    Each run has a room of its own, which is deleted afterwards. Needs a target that may be written to, its database
    URL, and its secret key (the subscription of a server reads past row level security); where one is missing, the
    result is empty and says what to set. `progress` is told a line after each run.

    Raises:
        PrismaError, NodeError: the client could not be made, or the tables are missing.
        ConnectionFailed, JoinFailed: Realtime could not be reached or refused.
    """
    skipped = why_not(target)
    if skipped:
        return SyncComparison(str(target), utc_now(), skipped=skipped)
    client = await prisma_client(target)
    try:
        runs = []
        for strategy in strategies:
            runs.append(run := await _run(target, client, strategy, load or Load()))
            progress(f"{run.strategy}: {run.rows_correct} of {run.rows_expected} rows correct in {run.seconds:.2f} s")
    finally:
        await client.disconnect()
    return SyncComparison(str(target), utc_now(), tuple(runs))


def why_not(target: Target) -> str:
    """What to set before anything can be written and read back on a target; empty where nothing is missing."""
    needs = {
        "WORKBOOK_ALLOW_WRITES=yes": target.writes_allowed,
        "DATABASE_URL": target.database_url,
        "SUPABASE_SECRET_KEY": target.secret_key,
    }
    unmet = [name for name, is_met in needs.items() if not is_met]
    return f"set {' and '.join(unmet)}, because this writes rows and reads them back" if unmet else ""


class _Observer:
    """Counts the changes of a channel, hands them on, and knows how long they kept the strategy busy."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._busy_since: float | None = None
        self.busy_s = 0.0
        self.events = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Change):
            self.events += 1
            if self._busy_since is None:
                self._busy_since = event.received_at
            self._running.receive(event)

    async def settle(self, expected: int) -> None:
        """Until that many changes, and the echoes of the strategy's own writes, have come and are dealt with.

        Ends also when nothing has happened for a while: then what is missing is lost.
        """
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < SILENCE_S:
            if self._busy_since is not None:
                quiet_since = await self._finish()
            elif self.events >= expected + self._running.own_writes:
                return
            else:
                await asyncio.sleep(_LOOK_S)

    async def _finish(self) -> float:
        seen = -1
        while seen != self.events:
            seen = self.events
            await self._running.settle()
        now = time.monotonic()
        self.busy_s += now - (self._busy_since or now)
        self._busy_since = None
        return now


async def _run(target: Target, client: Prisma, strategy: Strategy, load: Load) -> SyncRun:
    converter = Converter.of(read_datamodel(SCHEMA), TABLE, json_type(client))
    observer = _Observer(running := strategy.start(client, converter, load))
    async with open_source(target, f"sync: {strategy.name}") as source, as_server(target) as realtime:
        binding = ChangeBinding(strategy.event, target.schema, TABLE, f"room_id=eq.{source.room}")
        channel = realtime.channel(f"sync-{source.room}", JoinConfig(changes=(binding,)))
        await channel.subscribe(timeout=SUBSCRIBE_LIMIT_S)
        channel.on_event(observer)
        before = await statements_sent(client)
        ids = await source.insert(load)
        await observer.settle(load.inserts)  # a row that is deleted before the server looks is never announced
        await source.change(load, ids)
        await observer.settle(_expected(strategy, load))
        queries = await statements_sent(client) - before
        await channel.leave()
        await running.close()
        verdict = await (compare_mirror(source) if strategy.keeps_mirror else compare_copies(source, ids))
    return _as_run(strategy, _expected(strategy, load), observer, running, queries, verdict)


def _expected(strategy: Strategy, load: Load) -> int:
    return load.inserts if strategy.event == "INSERT" else load.changes


def as_server(target: Target) -> RealtimeClient:
    """A client of Realtime with the server's key in place of the browser's: row level security does not apply."""
    return RealtimeClient(replace(target, publishable_key=target.secret_key or target.publishable_key))


def _as_run(
    strategy: Strategy, expected: int, observer: _Observer, running: Running, queries: int, verdict: Verdict
) -> SyncRun:
    return SyncRun(
        strategy=strategy.name,
        description=strategy.description,
        events_expected=expected,
        events=observer.events,
        echo_events=max(0, observer.events - expected),
        rows_expected=verdict.rows_expected,
        rows_correct=verdict.rows_correct,
        stale=verdict.stale,
        lost=verdict.lost,
        duplicates=verdict.duplicates,
        errors=dict(running.errors),
        queries=queries,
        seconds=observer.busy_s,
    )
