"""A subscription through the loss of its socket, against the lab."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from helpers.errors import ConnectionFailed, WorkbookError
from helpers.lab.network import BLACK_HOLE, PERFECT, network
from helpers.pacing import BoundedQueue, WhenFull
from helpers.resilience import (
    ChangeLog,
    Happened,
    Item,
    Origin,
    ResilientClient,
    State,
    Subscription,
)
from helpers.resilience.change_log import LogNow, LogPage, LogReader
from helpers.target import Target
from tests.resilience.conftest import Logged
from tests.resilience.quick import QUICK


async def collected(subscription: Subscription, count: int, limit_s: float = 20.0) -> list[Item]:
    """The next items."""
    async with asyncio.timeout(limit_s):
        return [await anext(subscription) for _ in range(count)]


async def test_changes_arrive_live_with_all_their_digits(logged: Logged) -> None:
    """Insert, update and delete, in their order, from the stream."""
    async with ResilientClient(logged.target, settings=QUICK) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        await logged.run("insert into {} values (1, 'a', 12345678901234567890.123456789)")
        await logged.run("update {} set body = 'b'")
        await logged.run("delete from {}")
        items = await collected(subscription, 3)
    assert [item.type for item in items] == ["INSERT", "UPDATE", "DELETE"]
    assert items[0].record["amount"] == Decimal("12345678901234567890.123456789")
    assert items[1].record["body"] == "b"
    assert (items[2].key, items[2].record, items[2].old_record["body"]) == ((1,), {}, "b")
    assert subscription.delivered == {Origin.STREAM: 3}
    assert subscription.state is State.CLOSED


async def test_what_was_committed_while_the_link_was_down_is_caught_up(logged: Logged) -> None:
    """Once, and in its order, though the stream never had it."""
    async with (
        network(logged.target) as via,
        ResilientClient(via.target, settings=replace(QUICK, poll_after_s=30)) as client,
    ):
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        via.set(BLACK_HOLE)
        via.cut()
        await subscription.wait_for(State.CONNECTING)
        await logged.run("insert into {} select g, 'away', 0 from generate_series(1, 50) g")
        via.set(PERFECT)
        await subscription.wait_for(State.LIVE)
        await logged.run("insert into {} values (51, 'back', 0)")
        items = await collected(subscription, 51)
    assert [item.key for item in items] == [(number,) for number in range(1, 52)]
    assert subscription.delivered == {Origin.CATCH_UP: 50, Origin.STREAM: 1}


async def test_the_database_is_polled_while_the_socket_is_down(logged: Logged) -> None:
    """And the way back makes neither gap nor double."""
    async with network(logged.target) as via, ResilientClient(via.target, settings=QUICK) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        via.set(BLACK_HOLE)
        await subscription.wait_for(State.POLLING)
        for number in range(10):
            await logged.run("insert into {} values (%s, 'polled', 0)", number)
            await asyncio.sleep(0.05)
        await collected(subscription, 5)
        via.set(PERFECT)
        await subscription.wait_for(State.LIVE)
        await logged.run("insert into {} values (10, 'live', 0)")
        items = await collected(subscription, 6)
    assert [item.key for item in items] == [(number,) for number in range(5, 11)]
    assert subscription.delivered[Origin.POLL] >= 5
    assert items[-1].origin is Origin.STREAM


async def test_what_commits_late_is_not_missed(logged: Logged) -> None:
    """A lower id that commits after a higher one was delivered, while the link is down in between."""
    assert logged.target.database_url is not None
    import psycopg

    async with network(logged.target) as via, ResilientClient(via.target, settings=QUICK) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        async with await psycopg.AsyncConnection.connect(logged.target.database_url) as slow:
            await slow.execute(f"insert into {logged.table} values (1, 'late', 0)".encode())
            await logged.run("insert into {} values (2, 'early', 0)")
            first = await collected(subscription, 1)
            via.cut()
            await slow.commit()
        second = await collected(subscription, 1)
        await subscription.wait_for(State.LIVE)
    assert (first[0].key, second[0].key) == ((2,), (1,))


async def test_a_wrong_key_is_refused_and_not_tried_for_ever(target: Target) -> None:
    """With the advice of the server's own sentence."""
    wrong = replace(target, publishable_key="sb_publishable_of_another_project")
    async with ResilientClient(wrong, settings=QUICK) as client:
        subscription = client.subscribe(ChangeLog(None, "messages"))  # type: ignore[arg-type]
        with pytest.raises(WorkbookError, match="What to do"):
            await subscription.wait_for(State.LIVE)
        assert subscription.state is State.CLOSED
        assert subscription.life.transitions[-1].happened is Happened.REFUSED
        with pytest.raises(WorkbookError):
            await anext(subscription)


async def test_the_queue_is_the_one_that_was_given(logged: Logged) -> None:
    """With its policy: here the newest two are kept."""
    queue: BoundedQueue[Item] = BoundedQueue(2, when_full=WhenFull.DROP_OLDEST)
    async with ResilientClient(logged.target, settings=QUICK) as client:
        subscription = client.subscribe(logged.source(), queue=queue)
        await subscription.wait_for(State.LIVE)
        await logged.run("insert into {} select g, 'a', 0 from generate_series(1, 10) g")
        async with asyncio.timeout(30.0):
            while queue.counts.put < 10:  # noqa: ASYNC110 - a queue tells its reader only
                await asyncio.sleep(0.01)
        items = await collected(subscription, 2)
    assert [item.key for item in items] == [(9,), (10,)]
    assert queue.counts.dropped == 8


async def test_a_database_that_ended_the_connections_is_asked_again_at_once(logged: Logged) -> None:
    """By a new connection: an answer is not put off because the one that was kept is gone."""
    before = await logged.reader.now(logged.table)
    await logged.connection.execute(_END_QUESTIONS)
    assert (await logged.reader.now(logged.table)).history == before.history


async def test_a_look_that_failed_is_not_the_last_one_for_long(logged: Logged) -> None:
    """The next one comes after a poll's pause, not after that of looks that work."""
    settings = replace(QUICK, audit_s=2.0, poll_min_s=0.05)
    async with ResilientClient(logged.target, settings=settings) as client:
        reader = _Failing(logged.reader)
        subscription = client.subscribe(ChangeLog(reader, logged.table))
        await subscription.wait_for(State.LIVE)
        reader.fails = 3
        async with asyncio.timeout(20):
            while reader.fails:  # noqa: ASYNC110 - a count has no events
                await asyncio.sleep(0.01)
    pauses = [later - earlier for earlier, later in itertools.pairwise(reader.failed_at)]
    assert len(pauses) == 2
    assert max(pauses) < 1.0


_END_QUESTIONS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where query like '%change_log_now%' and pid <> pg_backend_pid()
"""


class _Failing:
    """A reader of a database that cannot be asked for a while."""

    def __init__(self, reader: LogReader) -> None:
        self._reader, self.fails = reader, 0
        self.failed_at: list[float] = []

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        if self.fails:
            self.fails -= 1
            self.failed_at.append(time.monotonic())
            raise ConnectionFailed("reading the change log", "the database is away", "Try again")
        return await self._reader.page(source, horizon, seen, after, most)

    async def now(self, source: str) -> LogNow:
        return await self._reader.now(source)
