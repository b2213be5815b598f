"""What the server refuses: for good, which must end with advice, and because of a crowd, which must be spread."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import accumulate

import pytest
import pytest_asyncio

from helpers.errors import ConnectionFailed, InputError, JoinFailed, WorkbookError
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.resilience import (
    Backoff,
    BackoffSettings,
    Broadcasts,
    Happened,
    ResilientClient,
    Rows,
    Source,
    SqlRowReader,
    State,
)
from helpers.target import Target
from tests.resilience.conftest import Logged
from tests.resilience.test_subscription import QUICK

#: The server's delays against guessing, without which these tests would wait for most of their time.
PROMPT = RealtimeSettings(join_error_delay_s=0.05, handshake_error_delay_s=0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def prompt() -> AsyncIterator[Target]:
    """A lab that refuses at once."""
    async with Lab(LabSettings(realtime=PROMPT)) as lab:
        yield lab.target


def rows(target: Target, table: str = "messages", **options: str) -> Rows:
    assert target.database_url is not None
    return Rows(SqlRowReader(target.database_url, table, "updated_at"), table, "updated_at", **options)  # type: ignore[arg-type]


async def refused(target: Target, source: Source) -> WorkbookError:
    """Why a subscription was closed; it has to be at its first attempt."""
    async with ResilientClient(target, settings=replace(QUICK, poll_after_s=60.0)) as client:
        subscription = client.subscribe(source)
        with pytest.raises(WorkbookError) as raised:
            await asyncio.wait_for(anext(subscription), 20.0)
        assert raised.value is subscription.error
        assert subscription.state is State.CLOSED
        steps = [step.happened for step in subscription.life.transitions]
        assert steps[-1] is Happened.REFUSED
        assert steps.count(Happened.JOINED) <= 1
        assert client.sockets <= 1
    return raised.value


@pytest.mark.parametrize("filter", ["nonsense=eq.1", "id=eq.one", "id"])
async def test_a_bad_filter(logged: Logged, prompt: Target, filter: str) -> None:
    """A column that is not there, a value of another type, no filter at all."""
    await logged.run("alter table {} add column updated_at timestamptz")
    await logged.run("alter publication supabase_realtime add table {}")
    error = await refused(logged.target, rows(logged.target, logged.table, filter=filter))
    assert isinstance(error, JoinFailed)
    assert "ilter" in error.advice


async def test_a_table_that_is_not_published(prompt: Target) -> None:
    """Or not there."""
    error = await refused(prompt, rows(prompt, "nothing_of_this_name"))
    assert "publication supabase_realtime" in error.advice


async def test_a_private_channel_without_a_policy(prompt: Target) -> None:
    """The policy is what has to be written."""
    error = await refused(prompt, Broadcasts())
    assert "select policy on realtime.messages" in error.advice


async def test_a_paused_project() -> None:
    """Every handshake is refused, and so is every subscription, also one that comes later."""
    async with Lab(LabSettings(realtime=replace(PROMPT, suspend=True))) as lab:
        error = await refused(lab.target, rows(lab.target))
        assert isinstance(error, ConnectionFailed)
        assert "Switch Realtime on" in error.advice
        async with ResilientClient(lab.target, settings=QUICK) as client:
            first = client.subscribe(rows(lab.target))
            with pytest.raises(ConnectionFailed):
                await first.wait_for(State.LIVE)
            late = client.subscribe(rows(lab.target))
            assert late.state is State.CLOSED
            with pytest.raises(ConnectionFailed, match="Switch Realtime on"):
                await anext(late)


async def test_a_closed_client_takes_no_subscription(prompt: Target) -> None:
    """It would never be served."""
    async with ResilientClient(prompt, settings=QUICK) as client:
        pass
    with pytest.raises(InputError, match="this client is closed"):
        client.subscribe(Broadcasts())


# Crowds


def test_each_refusal_doubles_the_spread() -> None:
    """Up to the widest, for all further attempts, until a connection has served."""
    backoff = Backoff(BackoffSettings(spread_s=0.5, widest_s=60.0), seed=1)
    widths = []
    for _ in range(5):
        backoff.crowded()
        widths.append(backoff.spread_s)
    assert widths == [10, 20, 40, 60, 60]
    assert max(backoff.delay_s() for _ in range(200)) > 55
    backoff.went_live(100.0)
    backoff.lost(105.0)
    assert backoff.spread_s == 60
    backoff.went_live(200.0)
    backoff.lost(220.0)
    assert backoff.spread_s == 0.5


def test_attempts_are_never_more_frequent_than_the_first_ones() -> None:
    """Those who came too early, while the server was down, are most of them: they must not return together."""
    backoffs = [Backoff(BackoffSettings(spread_s=20.0), seed) for seed in range(1_000)]
    attempts = Counter(int(at) for backoff in backoffs for at in accumulate(backoff.delay_s() for _ in range(4)))
    assert max(attempts.values()) < 80, "50 a second are expected"
    assert min(attempts[second] for second in range(60)) > 20


async def test_clients_of_a_crowded_server_spread_until_all_are_in() -> None:
    """Twenty at once, where two a second may join: the server turns some away, and they come back one by one."""
    limits = Limits(joins_per_s=2)
    settings = replace(PROMPT, limits=limits, rate_tick_s=0.5, rate_ticks=4)
    quick = replace(QUICK, backoff=BackoffSettings(base_s=0.1, cap_s=0.5, spread_s=2.0, widest_s=4.0))
    async with Lab(LabSettings(realtime=settings)) as lab:
        clients = [ResilientClient(lab.target, settings=quick) for _ in range(20)]
        try:
            for client in clients:
                await client.__aenter__()
                client.subscribe(Broadcasts(private=False))
                await asyncio.sleep(0.05)
            lives = [client.subscriptions[0] for client in clients]
            await asyncio.gather(*(life.wait_for(State.LIVE, timeout=60.0) for life in lives))
            turned_away = [life for life in lives if life.life.losses]
            assert turned_away, "they all fitted in, so this shows nothing"
            assert max(client.spread_s for client in clients) == 4.0
        finally:
            await asyncio.gather(*(client.close() for client in clients))


async def test_a_server_that_is_full_is_asked_less_and_less() -> None:
    """The second user comes in when the first has gone."""
    settings = replace(PROMPT, limits=Limits(users=1))
    quick = replace(QUICK, backoff=BackoffSettings(base_s=0.1, cap_s=0.2, spread_s=0.1, widest_s=0.5))
    async with Lab(LabSettings(realtime=settings)) as lab, ResilientClient(lab.target, settings=quick) as second:
        async with ResilientClient(lab.target, settings=quick) as first:
            await first.subscribe(Broadcasts(private=False)).wait_for(State.LIVE)
            waiting = second.subscribe(Broadcasts(private=False))
            async with asyncio.timeout(30.0):
                while not waiting.life.losses:  # noqa: ASYNC110 - losses that change no state are told to nobody
                    await asyncio.sleep(0.02)
            assert "Too many connected users" in next(iter(waiting.life.losses))
            assert second.spread_s == 0.5
        await waiting.wait_for(State.LIVE)
