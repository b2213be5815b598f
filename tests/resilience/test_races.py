"""Things that happen at the same time."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import psycopg
import pytest

from helpers.client import Channel
from helpers.lab.network import BLACK_HOLE, PERFECT, Ending, network
from helpers.pacing import BoundedQueue, WhenFull
from helpers.resilience import Item, RateLimit, ResilientClient, State, Transition
from helpers.resilience import subscription as subscription_module
from tests.resilience.conftest import Logged
from tests.resilience.test_subscription import QUICK, collected


async def test_who_is_cancelled_while_it_waits_takes_no_turn_away() -> None:
    """Channels of sockets that are lost again and again would push the next join far into the future."""
    limit = RateLimit(per_s=5)
    await limit.turn()
    waiting = [asyncio.create_task(limit.turn()) for _ in range(100)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert limit.claim() <= 0.2


async def test_turns_are_spaced() -> None:
    """First come, first served."""
    now, order = [], []
    limit = RateLimit(per_s=50)

    async def act(number: int) -> None:
        await limit.turn()
        now.append(asyncio.get_running_loop().time())
        order.append(number)

    await asyncio.gather(*(act(number) for number in range(6)))
    assert order == sorted(order)
    assert min(after - before for before, after in itertools.pairwise(now)) >= 0.019


@pytest.mark.parametrize("state", [State.CONNECTING, State.JOINING, State.SUBSCRIBING, State.LIVE])
async def test_the_name_is_free_after_an_unsubscribe_in_any_state(logged: Logged, state: State) -> None:
    """The channel is left, so that another subscription can have it."""
    async with ResilientClient(logged.target, settings=QUICK) as client:
        first = client.subscribe(logged.source(), name="the same")
        await first.wait_for(state)
        await client.unsubscribe(first)
        assert first.state is State.CLOSED
        second = client.subscribe(logged.source(), name="the same")
        await second.wait_for(State.LIVE)
        await logged.run("insert into {} values (1, 'a', 0)")
        assert len(await collected(second, 1)) == 1
    assert len(first.queue) == 0


async def test_closing_a_subscription_leaves_its_channel(logged: Logged) -> None:
    """Also without its client."""
    async with ResilientClient(logged.target, settings=QUICK) as client:
        first = client.subscribe(logged.source(), name="the same")
        await first.wait_for(State.LIVE)
        await first.close()
        second = client.subscribe(logged.source(), name="the same")
        await second.wait_for(State.LIVE)


async def test_unsubscribing_while_the_socket_is_replaced(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next socket does not serve what is on its way out."""
    leaving, leave = asyncio.Event(), Channel.leave

    async def slowly(channel: Channel, timeout: float = 5.0) -> None:
        leaving.set()
        await leave(channel, timeout)
        await asyncio.sleep(1.0)

    async with network(logged.target) as via, ResilientClient(via.target, settings=QUICK) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        with monkeypatch.context() as patch:
            patch.setattr(Channel, "leave", slowly)
            ending = asyncio.create_task(client.unsubscribe(subscription))
            await leaving.wait()
            via.cut(Ending.RESET)
            async with asyncio.timeout(30.0):
                while client.sockets < 2:  # noqa: ASYNC110 - there is no subscription left that would tell
                    await asyncio.sleep(0.01)
            await ending
        assert client.subscriptions == []
        serving = [task for task in asyncio.all_tasks() if task.get_name() == f"serving {subscription.name}"]
        assert serving == []


async def test_a_socket_that_is_lost_while_a_channel_is_left(logged: Logged) -> None:
    """The leave is not waited for, and the others come back."""
    async with network(logged.target) as via, ResilientClient(via.target, settings=QUICK) as client:
        going, staying = client.subscribe(logged.source()), client.subscribe(logged.source())
        await asyncio.gather(going.wait_for(State.LIVE), staying.wait_for(State.LIVE))
        via.set(BLACK_HOLE)
        ending = asyncio.create_task(client.unsubscribe(going))
        await asyncio.sleep(0.1)
        via.cut(Ending.RESET)
        async with asyncio.timeout(2.0):
            await ending
        via.set(PERFECT)
        await staying.wait_for(State.LIVE)


async def test_what_overflows_while_it_catches_up_is_read(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that commits after the read has gone past it, and whose event nobody had room for. No audit helps."""
    monkeypatch.setattr(subscription_module, "BUFFER", 3)
    assert logged.target.database_url is not None
    settings = replace(QUICK, audit_s=None, poll_after_s=60.0)
    queue: BoundedQueue[Item] = BoundedQueue(1, when_full=WhenFull.BLOCK)
    async with network(logged.target) as via, ResilientClient(via.target, settings=settings) as client:
        subscription = client.subscribe(logged.source(), queue=queue)
        await subscription.wait_for(State.LIVE)
        async with await psycopg.AsyncConnection.connect(logged.target.database_url) as slow:
            via.set(BLACK_HOLE)
            via.cut()
            await subscription.wait_for(State.CONNECTING)
            await slow.execute(f"insert into {logged.table} values (0, 'late', 0)".encode())
            await logged.run("insert into {} select g, 'away', 0 from generate_series(1, 20) g")
            via.set(PERFECT)
            await subscription.wait_for(State.RECOVERING)
            async with asyncio.timeout(30.0):
                while not queue.is_full:  # noqa: ASYNC110 - a queue tells its reader only
                    await asyncio.sleep(0.01)
            await slow.commit()
        await logged.run("insert into {} select g, 'meanwhile', 0 from generate_series(21, 40) g")
        await asyncio.sleep(1.0)  # the server polls, and delivers
        items = await collected(subscription, 41)
    assert sorted(item.key for item in items) == [(number,) for number in range(41)]
    assert subscription.gaps >= 1


async def test_a_reader_that_is_slower_than_the_stream_misses_nothing(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for a handful here and there, each row's changes come in their order."""
    monkeypatch.setattr(subscription_module, "BUFFER", 5)
    queue: BoundedQueue[Item] = BoundedQueue(3, when_full=WhenFull.BLOCK)
    async with ResilientClient(logged.target, settings=replace(QUICK, audit_s=None)) as client:
        subscription = client.subscribe(logged.source(), queue=queue)
        await subscription.wait_for(State.LIVE)
        for first in range(0, 100, 5):
            await logged.run(
                "insert into {} select g, '0', 0 from generate_series(%s::int, %s::int) g", first, first + 4
            )
            await logged.run("update {} set amount = amount + 1 where id between %s and %s", first, first + 4)
        items = await collected(subscription, 200)
    amounts: dict[object, list[object]] = {}
    for item in items:
        amounts.setdefault(item.key, []).append(None if item.late else item.record["amount"])
    assert set(map(tuple, amounts.values())) == {(0, 1)}
    assert subscription.gaps >= 1


async def test_a_poll_that_finds_out_that_it_will_never_work_ends_the_join_as_well(logged: Logged) -> None:
    """There is one end, with one error, whoever finds it."""

    class Breaks(type(logged.source())):  # type: ignore[misc]
        """Its reads fail for good when the link is down."""

        def read(self, origin):  # type: ignore[no-untyped-def]
            if origin == "poll":
                raise LookupError("no such table")
            return super().read(origin)

    settings = replace(QUICK, poll_after_s=0.1)
    async with network(logged.target) as via, ResilientClient(via.target, settings=settings) as client:
        subscription = client.subscribe(Breaks(logged.reader, logged.table), name="the same")
        await subscription.wait_for(State.LIVE)
        via.set(BLACK_HOLE)
        via.cut()
        await subscription.wait_for(State.CLOSED)
        via.set(PERFECT)
        assert "LookupError" in str(subscription.error)
        other = client.subscribe(logged.source(), name="the same")
        await other.wait_for(State.LIVE)


async def test_a_listener_that_fails_harms_nothing(logged: Logged) -> None:
    """A widget, for example."""

    def fails(_: Transition) -> None:
        raise RuntimeError("the widget is gone")

    async with network(logged.target) as via, ResilientClient(via.target, settings=QUICK) as client:
        subscription = client.subscribe(logged.source())
        subscription.life.on_transition(fails)
        await subscription.wait_for(State.LIVE)
        via.cut(Ending.RESET)
        await subscription.wait_for(State.CONNECTING)
        await subscription.wait_for(State.LIVE)


async def test_a_hurry_during_an_attempt_is_not_forgotten(logged: Logged) -> None:
    """The attempt that is under way may hang; the next one follows at once."""
    slow = replace(QUICK, connect_timeout_s=1.0, backoff=replace(QUICK.backoff, base_s=60.0, cap_s=60.0, spread_s=60.0))
    async with network(logged.target) as via, ResilientClient(via.target, settings=slow) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        via.set(BLACK_HOLE)
        via.cut()
        await subscription.wait_for(State.CONNECTING)
        client.retry_now()
        await asyncio.sleep(0.3)
        client.retry_now()  # while the attempt hangs
        via.set(PERFECT)
        await subscription.wait_for(State.LIVE, timeout=30.0)
