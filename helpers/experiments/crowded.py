"""A crowd of subscriptions that grows, metered at each of its sizes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import dataclass

import aiohttp

from helpers.errors import FailureError
from helpers.experiments.tables import OwnTable
from helpers.probes.crowd import Answer, Beat, Begin, Grow, Receive
from helpers.profiling.memory import ask_crowd
from helpers.profiling.meters import Meters, Usage
from helpers.profiling.worker import Worker
from helpers.target import Target

__all__ = ["Crowding", "Level", "busy_crowd", "idle_crowd", "traced_kib"]

#: The vendor's clients send a heartbeat every 25 s (realtime-js, `constants.ts`).
HEARTBEAT_S = 25.0
#: Messages in one HTTP broadcast; a hosted plan takes as many as its messages a second, 100 on the least.
BATCH = 100
#: After the last message was sent, how long the deliveries may take.
DELIVERY_LIMIT_S = 30.0
BODY = "x" * 300


@dataclass(frozen=True, slots=True)
class Crowding:
    """How a crowd is measured.

    Attributes:
        levels: its sizes, growing.
        per_socket: subscriptions on one socket.
        table: for postgres_changes; None for broadcast, where each subscription has a topic of its own.
        idle_s: how long each size is watched while nothing happens but one heartbeat on each socket.
        messages: delivered to each subscription at each size.
        joins_per_s, deliveries_per_s: bounds for a target with a quota; None for as fast as it goes.
    """

    levels: Sequence[int]
    per_socket: int
    table: OwnTable | None
    idle_s: float
    messages: int
    joins_per_s: float | None = None
    deliveries_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One size of the crowd.

    Attributes:
        used: memory at that size; and CPU while each socket sent one heartbeat, or while `delivered` messages arrived.
    """

    subscriptions: int
    delivered: int
    used: Usage


async def idle_crowd(target: Target, crowding: Crowding) -> AsyncIterator[Level]:
    """Let a crowd grow to which nothing is sent, and watch each socket send one heartbeat at each size.

    Raises:
        FailureError: the target refused subscriptions.
    """
    async with _crowd(target, crowding) as (worker, _), Meters(target, client_pid=worker.pid) as meters:
        for size in crowding.levels:
            await ask_crowd(worker, Grow(size, crowding.joins_per_s))
            before = await meters.read()
            await ask_crowd(worker, Beat(crowding.idle_s))
            yield Level(size, 0, (await meters.read()).since(before))


async def busy_crowd(target: Target, crowding: Crowding) -> AsyncIterator[Level]:
    """Let a crowd grow, and send each of its subscriptions some messages at each size.

    Raises:
        FailureError: the target refused subscriptions, or messages were not delivered.
    """
    timeout = aiohttp.ClientTimeout(DELIVERY_LIMIT_S)
    async with (
        _crowd(target, crowding) as (worker, topic),
        aiohttp.ClientSession(timeout=timeout) as http,
        Meters(target, client_pid=worker.pid) as meters,
    ):
        for size in crowding.levels:
            grown = await ask_crowd(worker, Grow(size, crowding.joins_per_s))
            before = await meters.read()
            delivered = await _deliver(worker, _send(http, target, topic, crowding, size), crowding, grown)
            yield Level(size, delivered, (await meters.read()).since(before))


async def traced_kib(target: Target, crowding: Crowding) -> list[tuple[int, float]]:
    """What Python's live objects hold at each size, in KiB, in a crowd of its own."""
    async with _crowd(target, crowding, traced=True) as (worker, _):
        answers = [await ask_crowd(worker, Grow(size, crowding.joins_per_s)) for size in crowding.levels]
    return [(answer.subscriptions, (answer.traced_bytes or 0) / 1024) for answer in answers]


@contextlib.asynccontextmanager
async def _crowd(target: Target, crowding: Crowding, *, traced: bool = False) -> AsyncIterator[tuple[Worker, str]]:
    """A crowd without subscriptions yet, and what their channels' names begin with."""
    topic = f"workbook:crowd:{secrets.token_hex(4)}"
    table = crowding.table.name if crowding.table else None
    async with Worker("helpers.probes.crowd") as worker:
        await ask_crowd(worker, Begin(target, topic, table, crowding.per_socket, traced=traced))
        yield worker, topic


async def _deliver(worker: Worker, sending: Coroutine[None, None, None], crowding: Crowding, crowd: Answer) -> int:
    """Send, and wait until everything has come; how many that were."""
    sent = crowd.subscriptions * crowding.messages
    limit_s = DELIVERY_LIMIT_S + (sent / crowding.deliveries_per_s if crowding.deliveries_per_s else 0.0)
    waiting = asyncio.create_task(ask_crowd(worker, Receive(crowd.received + sent, limit_s)))
    try:
        await sending
        answer = await waiting
    finally:
        waiting.cancel()  # does nothing to one that is done
    missing = crowd.received + sent - answer.received
    if missing > 0:
        raise FailureError(
            "measuring what a delivered message costs",
            f"{missing} of {sent} messages did not arrive",
            "Try fewer subscriptions, or a target with a larger quota of messages",
        )
    return sent


async def _send(http: aiohttp.ClientSession, target: Target, topic: str, crowding: Crowding, size: int) -> None:
    """To each of `size` subscriptions so many messages, no faster than is allowed."""
    per_s = crowding.deliveries_per_s
    if crowding.table is not None:
        for _ in range(crowding.messages if per_s else 1):
            await _insert(crowding.table, 1 if per_s else crowding.messages)
            await asyncio.sleep(size / per_s if per_s else 0)
        return
    for number in range(crowding.messages):
        for batch in _batches(topic, size, number):
            await _broadcast(http, target, batch)
            await asyncio.sleep(2 * len(batch) / per_s if per_s else 0)  # a send counts as much as a delivery


async def _insert(table: OwnTable, rows: int) -> None:
    """In one transaction, so that one poll finds them all; each row is delivered to each subscription."""
    await table.run(f"insert into {table.quoted} (seq, body) select n, %s from generate_series(1, %s) n", (BODY, rows))


def _batches(topic: str, size: int, number: int) -> Iterator[list[dict[str, object]]]:
    for first in range(0, size, BATCH):
        yield [
            {"topic": f"{topic}:{place}", "event": "tick", "payload": {"seq": number, "body": BODY}}
            for place in range(first, min(first + BATCH, size))
        ]


async def _broadcast(http: aiohttp.ClientSession, target: Target, messages: list[dict[str, object]]) -> None:
    tried, advice = "broadcasting over HTTP", "Try fewer subscriptions"
    url = f"{target.api_url}/realtime/v1/api/broadcast"
    headers = {"apikey": target.publishable_key}
    try:
        async with http.post(url, json={"messages": messages}, headers=headers) as answer:
            if answer.status != 202:
                raise FailureError(tried, f"the server answered {answer.status}", advice)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FailureError(tried, str(error) or "no answer in time", advice) from None
