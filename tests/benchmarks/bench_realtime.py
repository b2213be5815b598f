"""The lab's sockets and broadcasts beside the genuine server's: times, rates, memory.

The lab runs in processes of its own, the sender in this one, the receivers in `PROCESSES` more: server, sender and
receivers have a core each on a machine with four. Channels are private where the genuine server's were measured so,
and for all broadcasts here: authorised by policies, counted against quotas that are raised out of the way.

*Flood*: as fast as the receivers take them, a window of frames in flight. *Paced*: at a fixed rate; a frame is timed
from when it was due, so a server that falls behind shows it. From 1 to 1,000 about half of that is the lab's, measured
on a busy machine: the wait for its next pass over the sockets, and a socket's place in it (three quarters of a pass are
the kernel's part of the writes). The rest is the receivers', who have 500 sockets each to read.

The genuine server's figures: Elixir, on 4 cores of a machine of this kind. The goal is what it did, where no other was
set; after the table comes what was missed.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import psutil
import psycopg

from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target
from tests.benchmarks.crowd import Crowd
from tests.benchmarks.raw_client import BODY_BYTES, RawClient, connect, delivered_bytes, push, text_frame

PROCESSES = 2
LIMIT_S = 60.0
SAMPLES = 300
IDLE_CONNECTIONS = 10_000
GOAL_BYTES = 20_000  # each of them
SECONDS = 1.0
REPEATS = 3  # of rates and of delays at a rate; medians are shown
POLL_S = 0.001  # between two looks at what has arrived; a sender that does nothing else takes the server's time
SAMPLED_FRAMES = 20_000  # due times that are read in one paced run, about

SETUP = """
create table public.benchmark_rows (id bigint primary key);
grant select on public.benchmark_rows to anon;
alter publication supabase_realtime add table public.benchmark_rows;
create policy benchmark_read on realtime.messages for select to anon using (true);
create policy benchmark_write on realtime.messages for insert to anon with check (true);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value beside the genuine server's (None: never measured), and on what conditions that one holds."""

    name: str
    ours: float
    unit: str
    genuine: float | None = None
    conditions: str = ""
    less_is_better: bool = False
    goal: float | None = None

    def __str__(self) -> str:
        values = "".join(f"{_number(value):>12}" for value in (self.ours, self.genuine, self.aim))
        return f"{self.name:<36}{values} {self.unit:<8}{self._ratio():>8} {self._verdict():>6}  {self.conditions}"

    @property
    def aim(self) -> float | None:
        """The goal; without one of its own, the genuine server's value."""
        return self.genuine if self.goal is None else self.goal

    @property
    def missed(self) -> bool:
        """Whether the value is worse than the goal."""
        return self.aim is not None and (self.ours > self.aim if self.less_is_better else self.ours < self.aim)

    def _verdict(self) -> str:
        return "-" if self.aim is None else "missed" if self.missed else "met"

    def _ratio(self) -> str:
        if self.genuine is None:
            return "-"
        better, worse = (self.genuine, self.ours) if self.less_is_better else (self.ours, self.genuine)
        return f"{better / worse:.1f}x"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}"


@dataclass(frozen=True, slots=True)
class Fanout:
    """One sender and so many receivers, and what the genuine server did."""

    receivers: int
    window: int
    paced_per_s: Sequence[int]
    genuine_per_s: float | None = None
    flooded_on: str = ""
    genuine_p99_ms: float | None = None
    paced_on: str = ""
    goal_per_s: float | None = None


FANOUTS = (
    Fanout(1, 2_000, (30_000,), 47_000, "50 in flight", 11.7, "30,000 deliveries/s", 150_000),
    Fanout(50, 2_000, (5_000, 10_000), 304_000, "200 in flight", 7.0, "244,000 deliveries/s", 3_000_000),
    Fanout(1_000, 500, (250, 500)),
)


def _join(topic: str, *, private: bool = False, bindings: Sequence[dict[str, str]] = ()) -> bytes:
    config = {"private": private, "postgres_changes": list(bindings)}
    return msgspec.json.encode(["1", "1", topic, "phx_join", {"config": config}])


async def _timed(action: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await action()
    return (time.perf_counter() - started) * 1000


async def _asked(client: RawClient, text: bytes, answer: bytes) -> None:
    client.transport.write(text_frame(text))
    await client.answered(answer)


async def _times(target: Target) -> AsyncIterator[Row]:
    """One client at a time: connect, join, join to the confirmation of a binding, a broadcast to itself and back."""
    clients: list[RawClient] = []

    async def one() -> None:
        clients.append(await connect(target))

    yield Row("connect p50", await _median(one), "ms", 2.2, less_is_better=True)
    joins = iter(range(10_000))
    public = lambda: _asked(clients[next(joins) % SAMPLES], _join(f"realtime:t{next(joins)}"), b"phx_reply")  # noqa: E731
    yield Row("join p50, public", await _median(public), "ms", 1.2, less_is_better=True)
    private = lambda: _asked(clients[0], _join(f"realtime:p{next(joins)}", private=True), b"phx_reply")  # noqa: E731
    yield Row("join p50, private", await _median(private, 50), "ms", 3.5, less_is_better=True)
    binding = [{"event": "*", "schema": "public", "table": "benchmark_rows"}]
    bound = lambda: _asked(clients[1], _join(f"realtime:c{next(joins)}", bindings=binding), b"Subscribed to Post")  # noqa: E731
    yield Row("join to subscribed, changes, p50", await _median(bound, 50), "ms", 4.0, less_is_better=True)
    for client in clients:
        client.transport.abort()


async def _median(action: Callable[[], Awaitable[object]], samples: int = SAMPLES) -> float:
    return statistics.median([await _timed(action) for _ in range(samples)])


async def _joins(target: Target, channels: int, *, private: bool, genuine: float) -> Row:
    """How many joins a second when every socket sends all of its joins at once."""
    per_s = statistics.median([await _joins_per_s(target, 100, channels, private=private) for _ in range(REPEATS)])
    name = f"joins, {'private' if private else 'public'}, 100 sockets x {channels}"
    return Row(name, per_s, "joins/s", genuine, "50 to 1,000 sockets")


async def _joins_per_s(target: Target, sockets: int, channels: int, *, private: bool) -> float:
    clients = [await connect(target) for _ in range(sockets)]
    frames = b"".join(text_frame(_join(f"realtime:{n}", private=private)) for n in range(channels))

    async def joined(client: RawClient) -> None:
        client.transport.write(frames)
        for _ in range(channels):
            await client.answered(b'"status":"ok"')

    elapsed_ms = await _timed(lambda: asyncio.gather(*map(joined, clients)))
    for client in clients:
        client.transport.abort()
    return sockets * channels / elapsed_ms * 1000


class Broadcasting:
    """A sender and its receivers on a private channel."""

    def __init__(self, sender: RawClient, crowd: Crowd, fanout: Fanout, topic: str) -> None:
        self._sender = sender
        self._crowd = crowd
        self._fanout = fanout
        self._topic = topic
        self._frame_bytes = delivered_bytes(topic)

    async def flood(self) -> Row:
        """Deliveries a second while the window is always full."""
        rate = statistics.median([await self._flooded() for _ in range(REPEATS)])
        name = f"broadcast 1 to {self._fanout.receivers:,}, flood"
        fanout = self._fanout
        return Row(name, rate, "del./s", fanout.genuine_per_s, fanout.flooded_on, goal=fanout.goal_per_s)

    async def _flooded(self) -> float:
        await self._crowd.restart(self._frame_bytes, 0)
        frame, sent = push(self._topic, 0.0), 0
        started = time.monotonic()
        while time.monotonic() < started + SECONDS:
            free = self._fanout.window - int(sent - self._arrived())
            self._sender.transport.write(frame * free)
            sent += free
            await asyncio.sleep(POLL_S)
        await self._all_arrived(sent)
        return sent * self._fanout.receivers / (time.monotonic() - started)

    async def paced(self, per_s: int) -> tuple[Row, Row]:
        """Median and 99th percentile of the delay at a fixed rate."""
        delays = [await self._delays(per_s) for _ in range(REPEATS)]
        p50, p99 = (statistics.median(values) for values in zip(*delays, strict=True))
        name = f"1 to {self._fanout.receivers:,}, {per_s * self._fanout.receivers:,} del./s"
        genuine, conditions = self._fanout.genuine_p99_ms, self._fanout.paced_on
        return Row(f"{name}, p50", p50, "ms"), Row(f"{name}, p99", p99, "ms", genuine, conditions, less_is_better=True)

    async def _delays(self, per_s: int) -> tuple[float, float]:
        """Median and 99th percentile in one run."""
        expected = per_s * self._fanout.receivers * SECONDS
        # An odd stride, lest only the frames of one place in a burst are looked at.
        await self._crowd.restart(self._frame_bytes, int(expected / SAMPLED_FRAMES) // 2 * 2 + 1)
        await self._all_arrived(await self._send_paced(per_s))
        ranked = sorted(latency * 1000 for latency in await self._crowd.latencies())
        return statistics.median(ranked), ranked[round(0.99 * (len(ranked) - 1))]

    async def _send_paced(self, per_s: int) -> int:
        started, sent = time.monotonic() + 0.01, 0
        while (now := time.monotonic()) < started + SECONDS:
            due = int((now - started) * per_s)
            if due > sent:
                self._sender.transport.write(b"".join(push(self._topic, started + n / per_s) for n in range(sent, due)))
                sent = due
            await asyncio.sleep(0)
        return sent

    def _arrived(self) -> float:
        """Frames, on average over the receivers."""
        return self._crowd.received_bytes / self._frame_bytes / self._fanout.receivers

    async def _all_arrived(self, frames: int) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self._arrived() < frames:  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(POLL_S)


async def _round_trip(target: Target) -> AsyncIterator[Row]:
    """One broadcast at a time, from one client to another."""
    topic = "realtime:round-trip"
    sender, receiver = await connect(target), await connect(target)
    for client in (sender, receiver):
        await _asked(client, _join(topic, private=True), b'"status":"ok"')
    frame = push(topic, 0.0)

    async def once() -> None:
        sender.transport.write(frame)
        await receiver.answered(b'"broadcast"')

    ranked = sorted([await _timed(once) for _ in range(3_000)])
    conditions = "0.2 to 0.8 ms"
    yield Row("broadcast, one at a time, p50", statistics.median(ranked), "ms", 0.2, conditions, less_is_better=True)
    yield Row("broadcast, one at a time, p99", ranked[int(0.99 * len(ranked))], "ms")
    for client in (sender, receiver):
        client.transport.abort()


async def _fan_out(target: Target, fanout: Fanout) -> AsyncIterator[Row]:
    topic = f"realtime:fan-out-{fanout.receivers}"
    join = _join(topic, private=True)
    sender = await connect(target)
    await _asked(sender, join, b'"status":"ok"')
    async with Crowd(target, processes=min(PROCESSES, fanout.receivers)) as crowd:
        await crowd.join(fanout.receivers, join)
        broadcasting = Broadcasting(sender, crowd, fanout, topic)
        yield await broadcasting.flood()
        for per_s in fanout.paced_per_s:
            for row in await broadcasting.paced(per_s):
                yield row
    sender.transport.abort()


async def _memory(lab: Lab) -> AsyncIterator[Row]:
    """What the server's resident memory grows by, for each connection that joined a channel and is idle."""
    server = psutil.Process(lab.pid)
    async with Crowd(lab.target, processes=PROCESSES) as crowd:
        join = _join("realtime:idle", private=True)
        await crowd.join(100, join)  # what is made once is there now
        before = server.memory_info().rss
        await crowd.join(IDLE_CONNECTIONS, join)
        grown = server.memory_info().rss - before
    name = f"memory, {IDLE_CONNECTIONS:,} connections"
    each, goal = grown / IDLE_CONNECTIONS / 1024, GOAL_BYTES / 1024
    yield Row(name, each, "KiB each", 57.0, "57 to 96 KiB", less_is_better=True, goal=goal)


@asynccontextmanager
async def _lab() -> AsyncIterator[Lab]:
    """A lab whose quotas count but do not stop this."""
    limits = replace(
        Limits(), users=20_000, events_per_s=1e12, joins_per_s=1e9, channels_per_client=1_000, presence_events_per_s=1e9
    )
    async with Lab(LabSettings(realtime=RealtimeSettings(limits=limits))) as lab:
        async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
            await connection.execute(SETUP.encode())
        yield lab


async def _speed(lab: Lab) -> AsyncIterator[Row]:
    async for row in _times(lab.target):
        yield row
    yield await _joins(lab.target, 80, private=False, genuine=7_000)
    yield await _joins(lab.target, 10, private=True, genuine=500)
    async for row in _round_trip(lab.target):
        yield row
    for fanout in FANOUTS:
        async for row in _fan_out(lab.target, fanout):
            yield row


async def _main() -> None:
    rows: list[Row] = []
    head = f"{'':<36}{'lab':>12}{'genuine':>12}{'goal':>12} {'':<8}{'better':>8} {'':>6}"
    print(f"{head}  the genuine server's conditions")
    for measure in (_memory, _speed):  # a lab for each, as the memory of one that was busy tells little
        async with _lab() as lab:
            started, waited_s = time.monotonic(), _waited_s(lab)
            async for row in measure(lab):
                print(row, flush=True)
                rows.append(row)
            share = (_waited_s(lab) - waited_s) / (time.monotonic() - started)
    print(_summary(rows))
    if share:
        print(f"{share:.0%} of the time the lab waited for a core that something else had; much of that spoils delays")


def _summary(rows: Sequence[Row]) -> str:
    judged, missed = [row for row in rows if row.aim is not None], [row.name for row in rows if row.missed]
    score = f"{len(judged) - len(missed)} of {len(judged)} goals met"
    return f"{score}; missed: {'; '.join(missed)}" if missed else score


def _waited_s(lab: Lab) -> float:
    """How long the lab was ready to run and did not; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{lab.pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def main() -> None:
    """Print the table."""
    print(f"Broadcasts of {BODY_BYTES} bytes, protocol 2.0.0, private channels, {PROCESSES} receiving processes")
    asyncio.run(_main())


if __name__ == "__main__":
    main()
