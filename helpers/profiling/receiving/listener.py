"""Thousands of sockets in one process: join all, receive together, keep one set of books."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import psutil

from helpers.errors import FailureError, SettingsError
from helpers.profiling.harness import Harness, LoopWatch
from helpers.profiling.ledger import Ledger
from helpers.profiling.receiving.intake import Intake
from helpers.profiling.receiving.received import Received, SamplingHistogram
from helpers.profiling.receiving.schedule import Schedule
from helpers.profiling.receiving.socket import LoadSocket
from helpers.profiling.recording import Stream
from helpers.profiling.workloads.workload import Workload
from helpers.target import Target
from helpers.wire.frames import Version
from helpers.wire.join import JoinConfig

__all__ = ["MAX_SAMPLES", "Listening", "Rendezvous", "listen", "receive"]

#: Between two heartbeats of a socket, as in the vendor's clients (realtime-js, `lib/constants.ts`).
HEARTBEAT_S = 25.0

#: The heartbeats of all sockets are spread over so many moments of that time.
_BEATS = 250

#: Latencies that are kept one by one, where that is asked for; histograms have no such limit.
MAX_SAMPLES = 1_000_000

#: How long sockets may take to close.
_CLOSE_LIMIT_S = 10.0


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """What one process listens to. JSON and pickle carry it.

    Attributes:
        channels: names, without prefix; every socket joins each of them.
        messages: how many numbered messages each channel gets.
        limit_s: after that, for everything to arrive; what has not by then is lost.
        workload: whose messages these are, if they do not carry when they are due; the first has number `first_seq`.
        start_at: when the first message may be sent (monotonic seconds of this machine), if no rendezvous says it;
            recording begins before.
        clock_ahead_s: by which this machine's clock is ahead of the sender's; latencies count without it.
        keep_sample: keep every latency besides the histogram.
        is_watched: see how late this process is; that takes CPU time, which whoever measures just that can do without.
        at_once: sockets that connect and join at a time.
        join_limit_s: for one socket to connect, and for each join.
    """

    target: Target
    channels: tuple[str, ...]
    sockets: int
    messages: int
    limit_s: float
    config: JoinConfig = JoinConfig()
    version: Version = Version.V2
    token: str | None = None
    workload: Workload | None = None
    first_seq: int = 0
    start_at: float = 0.0
    clock_ahead_s: float = 0.0
    keep_sample: bool = False
    is_watched: bool = True
    at_once: int = 100
    join_limit_s: float = 20.0

    def check(self) -> None:
        """Raises SettingsError if nothing can be received so."""
        if self.sockets < 1 or self.at_once < 1 or not self.channels or self.limit_s <= 0:
            happened = f"{self.sockets} sockets with {len(self.channels)} channels and {self.limit_s:g} s are planned"
            raise SettingsError("planning a reception", happened, "Choose at least one of each")
        latencies = self.sockets * len(self.channels) * self.messages
        if self.keep_sample and latencies > MAX_SAMPLES:
            happened = f"{latencies:,} latencies would be kept"
            raise SettingsError("planning a reception", happened, f"Keep at most {MAX_SAMPLES:,}, or none")


#: Told how many subscriptions stand, it says when the first message may be sent (monotonic seconds).
Rendezvous = Callable[[int], Awaitable[float]]


def receive(order: Listening) -> Received:
    """Carry out an order that names its start, in an event loop of its own: for pools and clusters of processes."""
    return asyncio.run(listen(order))


async def listen(order: Listening, rendezvous: Rendezvous | None = None) -> Received:
    """Join, wait for the start, receive until everything came or the time is over, and close.

    Sockets that cannot connect or join do not stop the others: the result tells them.

    Raises:
        SettingsError: nothing can be received so.
    """
    order.check()
    ledger = _ledger(order)
    audience = _Audience(order)
    memory_before = _memory_bytes()
    try:
        await audience.gather()
        memory = _memory_bytes() - memory_before
        audience.record_into(ledger)
        start = order.start_at if rendezvous is None else await rendezvous(audience.joined)
        audience.begin(start)
        watch = LoopWatch()
        async with watch if order.is_watched else contextlib.nullcontext():
            await audience.complete(ledger, until=max(start, time.monotonic()) + order.limit_s)
        return audience.result(ledger, memory / order.sockets, watch.harness(0, 0, 0))
    finally:
        await audience.close()


class _Audience:
    """The sockets of one process."""

    def __init__(self, order: Listening) -> None:
        self._order = order
        self._intake = Intake(order.version, order.clock_ahead_s)
        if order.workload is not None:
            self._intake.schedule = Schedule(order.first_seq, order.workload.due_s())
        self._wire_bytes_before = self._blocks_before = 0
        self._failures: Counter[str] = Counter()
        self._sockets: list[LoadSocket] = []
        self._heart: asyncio.Task[None] | None = None

    @property
    def joined(self) -> int:
        """Subscriptions that stand."""
        return sum(len(socket.streams) for socket in self._sockets)

    async def gather(self) -> None:
        """Open and join all, a few at a time."""
        self._heart = asyncio.create_task(self._beat(), name="heartbeats of the load path")
        turns = iter(range(self._order.sockets))

        async def some() -> None:
            for number in turns:
                await self._add(number)

        await asyncio.gather(*(some() for _ in range(min(self._order.at_once, self._order.sockets))))

    def record_into(self, ledger: Ledger) -> None:
        """Book what comes from now on: before the start, lest a late word of it loses the first messages."""
        self._intake.record_into(ledger)
        self._wire_bytes_before, self._blocks_before = self._intake.wire_bytes, self._intake.blocks

    def begin(self, start: float) -> None:
        """The first message may come (monotonic seconds of this machine)."""
        if self._intake.schedule is not None:
            self._intake.schedule.start = start - self._order.clock_ahead_s

    async def complete(self, ledger: Ledger, until: float) -> None:
        """Until everything came, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until - time.monotonic()):
                while not ledger.is_complete:
                    await self._intake.changed()
        self._intake.flush()

    def result(self, ledger: Ledger, memory_bytes: float, harness: Harness) -> Received:
        intake = self._intake
        self._failures.update(socket.reason for socket in self._sockets if socket.reason)
        return Received(
            streams=ledger.streams,
            joined=self.joined,
            received=ledger.received,
            distinct=ledger.distinct,
            lost=ledger.lost,
            duplicated=ledger.duplicated,
            reordered=ledger.reordered,
            strays=ledger.strays,
            early=ledger.early,
            frames=intake.frames,
            payload_bytes=intake.bytes,
            message_bytes=ledger.payload_bytes,
            wire_bytes=intake.wire_bytes,
            run_wire_bytes=intake.wire_bytes - self._wire_bytes_before,
            blocks=intake.blocks - self._blocks_before,
            runs=intake.runs,
            malformed=intake.malformed,
            unmatched=intake.unmatched,
            seconds=intake.last_at - intake.first_at,
            cpu_s=intake.last_cpu - intake.first_cpu,
            first_at=intake.first_at,
            last_at=intake.last_at,
            memory_bytes=memory_bytes,
            latency=ledger.latency.counts(),
            per_stream=tuple(self._per_stream(ledger)),
            harness=harness,
            failures=dict(self._failures),
            sample=ledger.latency.sample() if isinstance(ledger.latency, SamplingHistogram) else b"",
        )

    def _per_stream(self, ledger: Ledger) -> Iterator[Stream]:
        channels = self._order.channels
        columns = ledger.received_per_stream(), ledger.per_stream(), ledger.bytes_per_stream()
        for number, counts in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            yield Stream(f"socket {number // len(channels)}", channels[number % len(channels)], *counts)

    async def close(self) -> None:
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.gather(self._heart, return_exceptions=True)
        for socket in self._sockets:
            socket.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                for socket in self._sockets:
                    await socket.wait_closed()

    async def _add(self, number: int) -> None:
        order, socket = self._order, LoadSocket(self._intake, self._order.version, self._order.token)
        channels = len(order.channels)
        try:
            await socket.open(order.target, order.join_limit_s)
            self._sockets.append(socket)
            for place, name in enumerate(order.channels):
                await socket.join(name, order.config, number * channels + place, order.join_limit_s)
        except FailureError as error:
            self._failures[error.happened] += 1
            socket.reason = ""  # it is told already

    async def _beat(self) -> None:
        """A part of the sockets at each moment, lest all beat together; the first after a pause, as the vendor's.

        Until then nothing wakes this process but what it receives.
        """
        await asyncio.sleep(HEARTBEAT_S)
        while True:
            for moment in range(_BEATS):
                await asyncio.sleep(HEARTBEAT_S / _BEATS)
                for socket in self._sockets[moment::_BEATS]:
                    socket.beat()


def _ledger(order: Listening) -> Ledger:
    ledger = Ledger(order.sockets * len(order.channels), order.messages)
    if order.keep_sample:
        ledger.latency = SamplingHistogram()
    return ledger


def _memory_bytes() -> int:
    return psutil.Process().memory_info().rss
