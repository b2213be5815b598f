"""Head-of-line blocking: how long a small message waits behind a big one, on the same socket and on another."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from helpers.client import Channel, RealtimeClient
from helpers.errors import SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.lab.network import Conditions, network
from helpers.target import Target
from helpers.wire.events import Broadcast, Event

__all__ = ["ALONE", "ANOTHER", "LINK", "SAME", "compare_head_of_line"]

QUESTION = "How long does a small message wait behind a big one: on the same socket, and on a socket of its own?"

ALONE, SAME, ANOTHER = "no big messages", "big ones on the same socket", "big ones on another socket"
ARMS = (ALONE, SAME, ANOTHER)

SLOWEST = Metric("slowest small message per big one", "ms")
MEDIAN = Metric("all small messages, median", "ms")
LATE = Metric("more than 50 ms later than the link", "%", most=100.0)

#: The bandwidth and round trip of WebPageTest's "LTE" profile, without jitter and loss, so that the queue alone is
#: seen (WPO-Foundation/webpagetest, `www/settings/connectivity.ini.sample`).
LINK = Conditions.link("12 Mbit/s", rtt_ms=70, down_kbit_per_s=12_000, up_kbit_per_s=12_000)

#: Below the free plan's 256 KB for a broadcast.
BIG_BYTES = 200_000
MOST_BYTES = 250_000

#: A small message so often: below the free plan's 100 messages a second, with the delivery of each.
EVERY_S = 0.025
#: Small messages after each big one: twice as long as the big one needs on the link.
SMALL_PER_BIG = 12
BIGS = {Size.SMALL: 1, Size.FULL: 5}
ROUNDS = {Size.SMALL: 4, Size.FULL: 10}

#: The seed's target for a delivery.
TARGET_MS = 50.0
LIMIT_S = 20.0


@dataclass(slots=True)
class _Received:
    """Latencies of the small messages of one run, by number; those of an earlier run are none of these."""

    run: str = field(default_factory=lambda: secrets.token_hex(4))
    due_at: list[float] = field(default_factory=list)
    latency_ms: dict[int, float] = field(default_factory=dict)
    all_there: asyncio.Event = field(default_factory=asyncio.Event)
    expected: int = 0

    def hear(self, event: Event) -> None:
        if isinstance(event, Broadcast) and event.event == "small" and event.payload["run"] == self.run:
            number = event.payload["n"]
            self.latency_ms.setdefault(number, 1e3 * (event.received_at - self.due_at[number]))
            if len(self.latency_ms) == self.expected:
                self.all_there.set()


async def compare_head_of_line(
    target: Target,
    *,
    size: Size = Size.SMALL,
    big_bytes: int = BIG_BYTES,
    conditions: Conditions = LINK,
    rounds: int | None = None,
) -> Experiment:
    """Receive a small message every 25 ms while big ones come on another channel, through a link of known bandwidth.

    The bandwidth is each connection's own: two sockets do not slow each other down, as they would a little on a link
    that is full. Senders have no link before them. Nothing is written to the database.

    Raises:
        SettingsError: a big message that the free plan does not take.
        ConnectionFailed, JoinFailed: the target refused.
    """
    if not 1_000 <= big_bytes <= MOST_BYTES:
        raise SettingsError(
            "planning big messages", f"{big_bytes:,} bytes", f"Choose from 1,000 to {MOST_BYTES:,} bytes"
        )
    settings = {"link": conditions.name, "big message": f"{big_bytes:,} bytes", "small messages every": f"{EVERY_S} s"}
    async with contextlib.AsyncExitStack() as stack:
        via = await stack.enter_async_context(network(target, conditions))
        lines = {arm: await stack.enter_async_context(_line(target, via.target, same=arm == SAME)) for arm in ARMS}
        latest_ms = TARGET_MS + conditions.to_client.latency_ms
        arms = {
            arm: partial(_run, line, 0 if arm == ALONE else big_bytes, BIGS[size], latest_ms)
            for arm, line in lines.items()
        }
        return await run_rounds(
            "head-of-line blocking", QUESTION, target, arms, metrics=(SLOWEST, MEDIAN, LATE),
            rounds=rounds or ROUNDS[size], size=size, answer=_answer, settings=settings,
        )  # fmt: skip


async def _run(line: _Line, big_bytes: int, bigs: int, latest_ms: float, number: int) -> Outcome:
    """Send `bigs` times a big message, if it has any bytes, and small ones behind it."""
    received = line.received = _Received(expected=bigs * SMALL_PER_BIG)
    began = time.monotonic() + EVERY_S
    received.due_at = [began + place * EVERY_S for place in range(received.expected)]
    for place, due in enumerate(received.due_at):
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if place % SMALL_PER_BIG == 0 and big_bytes:
            await line.big.broadcast("big", {"body": "x" * big_bytes})
        await line.small.broadcast("small", {"run": received.run, "n": place})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIMIT_S):
            await received.all_there.wait()
    return _outcome(received, latest_ms)


@dataclass(slots=True)
class _Line:
    """The senders' channels, and what is heard of the small messages now."""

    small: Channel
    big: Channel
    received: _Received = field(default_factory=_Received)

    def hear(self, event: Event) -> None:
        self.received.hear(event)


@contextlib.asynccontextmanager
async def _line(target: Target, behind: Target, *, same: bool) -> AsyncIterator[_Line]:
    """Two senders, and who hears them behind the link: both on one socket, or each on its own."""
    topics = [f"workbook:line:{secrets.token_hex(4)}:{name}" for name in ("small", "big")]
    async with contextlib.AsyncExitStack() as stack:
        hearing = await stack.enter_async_context(RealtimeClient(behind))
        other = hearing if same else await stack.enter_async_context(RealtimeClient(behind))
        senders = [await stack.enter_async_context(RealtimeClient(target)) for _ in topics]
        line = _Line(senders[0].channel(topics[0]), senders[1].channel(topics[1]))
        heard = [client.channel(topic, buffer=1) for client, topic in zip((hearing, other), topics, strict=True)]
        for channel in heard:
            channel.on_event(line.hear)
        await asyncio.gather(*(channel.subscribe() for channel in (*heard, line.small, line.big)))
        yield line


def _outcome(received: _Received, latest_ms: float) -> Outcome:
    latencies = [received.latency_ms.get(place, math.inf) for place in range(received.expected)]
    there = [latency for latency in latencies if latency < math.inf]
    slowest = [max(latencies[first : first + SMALL_PER_BIG]) for first in range(0, len(latencies), SMALL_PER_BIG)]
    missing = len(latencies) - len(there)
    return Outcome(
        {
            SLOWEST.name: None if missing else statistics.fmean(slowest),
            MEDIAN.name: statistics.median(there) if there else None,
            LATE.name: 100 * sum(latency > latest_ms for latency in latencies) / len(latencies),
        },
        notes=(f"{missing} of {received.expected} small messages did not arrive",) if missing else (),
    )


def _answer(experiment: Experiment) -> str:
    """What a big message adds to the small ones behind it."""
    said = []
    for name in (SAME, ANOTHER):
        contrast = experiment.contrast(SLOWEST.name, name)
        if contrast is not None:
            gain = contrast.gain
            times = f"from {gain.before:.0f} to {gain.after:.0f} ms, " if gain.shown else ""
            said.append(f"With {name} the slowest small message per big one: {times}{gain.verdict}.")
    return " ".join(said) or "Too few runs to compare."
