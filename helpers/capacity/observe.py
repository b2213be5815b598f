"""Measures one load: CPU seconds of server, database and client, and the delay of what was received."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.capacity.crowd import Audition, Crowd
from helpers.capacity.design import Flow, Point
from helpers.capacity.polls import Polls, read_polls
from helpers.client import RealtimeClient
from helpers.errors import FailureError
from helpers.experiments.tables import OwnTable
from helpers.lab import Lab
from helpers.profiling.histogram import Floats
from helpers.profiling.meters import Meters, Usage
from helpers.profiling.receiving import Listening
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["DUE", "Bench", "Observation", "observe"]

#: The column of the moment when a row was due.
DUE = {"due": "double precision not null default 0"}

EVENT = "workbook"

#: How long after the last message everything may take to arrive; a poll waits half a second.
DRAIN_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Observation:
    """One point, measured once.

    Attributes:
        seconds: for which the meters ran.
        deliveries, lost: what the subscribers received, and what not.
        server_cpu_s, database_cpu_s: in these seconds. client_cpu_s: of the receiving processes.
        client_turns, client_reads: in which these read what had come, and of how many sockets each, together.
        p50_ms, p95_ms: from when a message was due to its receipt.
        frame_bytes: of everything received, on average.
        join_server_cpu_s, join_database_cpu_s: while all connected and joined.
        late_ms: how late a message was sent, at worst.
        sent_s: when each burst of broadcasts was really sent, after the start: the load as it was.
        load_average: of the machine at the end, for a minute, everything that ran on it.
        polls, poll_s: looks at the log of changes, and the time that they took, in `polled_s` seconds.
    """

    point: Point
    round: int
    seconds: float
    deliveries: int
    lost: int
    server_cpu_s: float
    database_cpu_s: float
    client_cpu_s: float
    client_turns: float
    client_reads: float
    p50_ms: float
    p95_ms: float
    frame_bytes: float
    join_server_cpu_s: float
    join_database_cpu_s: float
    late_ms: float
    sent_s: tuple[float, ...]
    load_average: float
    polls: float
    poll_s: float
    polled_s: float


#: Sends so many messages from a number on, all due at one moment.
_Send = Callable[[int, int, float], Awaitable[None]]


class Bench(NamedTuple):
    """What points are measured with.

    Attributes:
        lab: whose quotas allow what is measured.
        crowd: the receiving processes, two of them.
        tables: with a column `due`, by flow; the rows of changes are written there.
    """

    lab: Lab
    crowd: Crowd
    tables: Mapping[Flow, OwnTable]


async def observe(bench: Bench, point: Point, number: int) -> Observation:
    """Measure a point, in the round of that number.

    Raises:
        FailureError: a subscriber could not join, or the lab's processes are not to be found.
    """
    topic = f"capacity:{secrets.token_hex(4)}"
    table = bench.tables.get(point.flow)
    async with Meters(bench.lab.target) as joining:
        joined = await _join(bench, point, topic, table)
    if joined < point.subscribers:
        happened = f"{joined} of {point.subscribers} subscribers could join"
        raise FailureError(f"measuring {point}", happened, "Look into the lab's log")
    async with RealtimeClient(bench.lab.target) as sender:
        send = await _sender(sender, topic, point, table)
        before = await read_polls(bench.lab.target)
        usage, heard, sent_s = await _measure(bench, point, send)
        polls = (await read_polls(bench.lab.target)).since(before)
    return _observation(point, number, usage, heard, joining.usage, sent_s, polls)


async def _join(bench: Bench, point: Point, topic: str, table: OwnTable | None) -> int:
    config = JoinConfig(changes=(ChangeBinding("INSERT", table.schema, table.name),)) if table else JoinConfig()
    order = Listening(
        target=bench.lab.target,
        channels=(topic,),
        sockets=point.subscribers,
        messages=point.messages,
        limit_s=point.seconds + DRAIN_LIMIT_S,
        config=config,
        is_watched=False,
    )
    users = point.subscribers if point.flow is Flow.SECURED else 0
    tokens = [bench.lab.token(sub=str(uuid.uuid4())) for _ in range(users)]
    return await bench.crowd.join(order, processes=point.processes, tokens=tokens)


async def _sender(client: RealtimeClient, topic: str, point: Point, table: OwnTable | None) -> _Send:
    body = "x" * point.body_bytes
    if table is not None:
        rows = f"insert into {table.quoted} (seq, due, body) select n, %s, %s from generate_series(%s::int, %s::int) n"

        async def insert(first: int, count: int, due: float) -> None:
            await table.run(rows, (due, body, first, first + count - 1))

        return insert
    channel = client.channel(topic)
    await channel.subscribe()

    async def broadcast(first: int, count: int, due: float) -> None:
        for seq in range(first, first + count):
            await channel.broadcast(EVENT, {"seq": seq, "due": due, "body": body})

    return broadcast


async def _measure(bench: Bench, point: Point, send: _Send) -> tuple[Usage, Audition, Floats]:
    """Let the load run, and everything arrive."""
    sent_s: list[float] = []
    async with Meters(bench.lab.target) as meters:
        at, results = bench.crowd.start()
        due_s = at + point.due_s()
        for first in range(0, point.messages, point.burst):
            due = float(due_s[first])
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent_s.append(time.monotonic() - at)
            await send(first, min(point.burst, point.messages - first), due)
        heard = await results
    return meters.usage, heard, np.array(sent_s)


def _observation(
    point: Point, number: int, usage: Usage, heard: Audition, joining: Usage, sent_s: Floats, polls: Polls
) -> Observation:
    known = (usage.server_cpu_s, usage.database_cpu_s, joining.server_cpu_s, joining.database_cpu_s)
    if None in known:
        raise FailureError(f"measuring {point}", "; ".join(usage.notes), "Measure in a lab of this machine")
    server, database, join_server, join_database = (value or 0.0 for value in known)
    latency, due_s = heard.latency, point.due_s()[:: point.burst]
    return Observation(
        point=point,
        round=number,
        seconds=usage.seconds,
        deliveries=heard.deliveries,
        lost=heard.lost,
        server_cpu_s=server,
        database_cpu_s=database,
        client_cpu_s=heard.cpu_s,
        client_turns=heard.blocks,
        client_reads=heard.reads,
        p50_ms=1e3 * latency.percentile_s(50),
        p95_ms=1e3 * latency.percentile_s(95),
        frame_bytes=heard.frame_bytes,
        join_server_cpu_s=join_server,
        join_database_cpu_s=join_database,
        late_ms=1e3 * float((sent_s - due_s).max()),
        sent_s=() if point.flow.is_change else tuple(sent_s.tolist()),
        load_average=os.getloadavg()[0],
        polls=polls.looks,
        poll_s=polls.seconds,
        polled_s=polls.at,
    )
