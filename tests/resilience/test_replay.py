"""Broadcasts of the database through the loss of a socket, against the lab."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio

from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, PERFECT, network
from helpers.resilience import Broadcasts, Origin, ResilientClient, State
from tests.resilience.quick import QUICK
from tests.resilience.test_subscription import collected


@pytest_asyncio.fixture(loop_scope="session")
async def sender(lab: Lab) -> AsyncIterator[psycopg.AsyncConnection]:
    """Whoever is signed in may read every private channel meanwhile."""
    assert lab.target.database_url is not None
    policy = f'"read {secrets.token_hex(4)}"'
    async with await psycopg.AsyncConnection.connect(lab.target.database_url, autocommit=True) as connection:
        made = f"create policy {policy} on realtime.messages for select to authenticated using (true)"
        await connection.execute(made.encode())
        yield connection
        await connection.execute(f"drop policy {policy} on realtime.messages".encode())


async def send(connection: psycopg.AsyncConnection, topic: str, *numbers: int) -> None:
    for number in numbers:
        message = json.dumps({"number": number})
        await connection.execute("select realtime.send(%s::jsonb, 'news', %s, true)", [message, topic])


async def test_broadcasts_that_were_missed_are_replayed_once(lab: Lab, sender: psycopg.AsyncConnection) -> None:
    """Those that came before the loss are known and not delivered again."""
    topic = f"news:{secrets.token_hex(4)}"
    source = Broadcasts()
    async with (
        network(lab.target) as via,
        ResilientClient(via.target, token=lab.token(), settings=QUICK) as client,
    ):
        subscription = client.subscribe(source, name=topic)
        await subscription.wait_for(State.LIVE)
        await send(sender, topic, 1, 2)
        before = await collected(subscription, 2)
        via.set(BLACK_HOLE)
        via.cut()
        await send(sender, topic, 3, 4)
        via.set(PERFECT)
        after = await collected(subscription, 2)
        await subscription.wait_for(State.LIVE)
        await send(sender, topic, 5)
        last = await collected(subscription, 1)
    numbers = [item.record["payload"]["number"] for item in (*before, *after, *last)]
    assert numbers[:2] + sorted(numbers[2:4]) + numbers[4:] == [1, 2, 3, 4, 5]
    assert subscription.delivered == {Origin.STREAM: 3, Origin.CATCH_UP: 2}
    assert source.incomplete == 0


async def test_more_than_are_replayed_is_told(lab: Lab, sender: psycopg.AsyncConnection) -> None:
    """Of 30 that were missed the server tells 25, and the source says that there may be more."""
    topic = f"news:{secrets.token_hex(4)}"
    source = Broadcasts()
    async with (
        network(lab.target) as via,
        ResilientClient(via.target, token=lab.token(), settings=QUICK) as client,
    ):
        subscription = client.subscribe(source, name=topic)
        await subscription.wait_for(State.LIVE)
        via.set(BLACK_HOLE)
        via.cut()
        await send(sender, topic, *range(30))
        via.set(PERFECT)
        await collected(subscription, 25)
        assert source.incomplete == 1
