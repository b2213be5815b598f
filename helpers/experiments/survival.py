"""What a subscription loses while its connection is cut now and then, by how it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from helpers.client import RealtimeClient
from helpers.errors import FailureError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.experiments.tables import OwnTable, own_table
from helpers.lab.network import BLACK_HOLE, PERFECT, Network, network
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Audience, Constant, Workload, permit
from helpers.resilience import (
    BackoffSettings,
    ChangeLog,
    ResilienceSettings,
    ResilientClient,
    Rows,
    Source,
    SqlLogReader,
    SqlRowReader,
    drop_change_log,
    install_change_log,
)
from helpers.target import Target, TargetKind
from helpers.wire.events import Change
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["LOST", "NAIVE", "compare_survival"]

QUESTION = "The connection breaks every two seconds: what does a subscription lose, by how it comes back?"

NAIVE, BY_VERSION, BY_LOG = _WAYS = "reconnects", "reads rows again", "reads a change log"

LOST = Metric("rows lost", "% of the rows", most=100.0)
TWICE = Metric("rows twice", "% of the rows")
SILENCE = Metric("longest silence", "s")

#: How long somebody writes, and how many rounds there are.
SECONDS = {Size.SMALL: 4.0, Size.FULL: 20.0}
ROUNDS = {Size.SMALL: 2, Size.FULL: 10}

#: Between two rows; on a target with a quota all deliveries together stay below the free plan's 100 a second.
PAUSE_S, GENTLE_PAUSE_S = 0.02, 0.05

#: Between two cuts, and how long nothing gets through after each.
CUT_EVERY_S, CUT_FOR_S = 2.0, 1.0

#: What has not arrived so long after the last row is lost: several times the server's idle poll.
PATIENCE_S = 2.0

SETTINGS = ResilienceSettings(
    heartbeat_s=1.0,
    timeout_s=0.8,
    backoff=BackoffSettings(base_s=0.05, cap_s=0.3, spread_s=0.05),
    poll_after_s=1.0,
    audit_s=1.0,
)


@dataclass(slots=True)
class _Heard:
    """What an application has got: how often each row, and when the last one came."""

    rows: Counter[int] = field(default_factory=Counter)
    last_at: float = 0.0
    silence_s: float = 0.0

    def begin(self) -> None:
        """From now on it counts."""
        self.rows.clear()
        self.last_at, self.silence_s = time.monotonic(), 0.0

    def enter(self, seq: int) -> None:
        self._end_silence()
        self.rows[seq] += 1

    def end(self, written: int) -> None:
        """Nothing more is waited for: who has not all rows is silent until now."""
        if any(seq not in self.rows for seq in range(written)):
            self._end_silence()

    def _end_silence(self) -> None:
        now = time.monotonic()
        self.silence_s = max(self.silence_s, now - self.last_at)
        self.last_at = now

    def values(self, written: int) -> dict[str, float | None]:
        lost = sum(seq not in self.rows for seq in range(written))
        twice = sum(count - 1 for count in self.rows.values())
        return {LOST.name: 100 * lost / written, TWICE.name: 100 * twice / written, SILENCE.name: self.silence_s}


#: Listens through a network until it is cancelled.
Listener = Callable[[Target, OwnTable, _Heard], Coroutine[Any, Any, None]]


async def compare_survival(
    target: Target, *, size: Size = Size.SMALL, seconds: float | None = None, rounds: int | None = None
) -> Experiment | Skipped:
    """Write numbered rows while the connection is cut again and again, and count what three kinds of subscribers get.

    One does what most applications do: it reconnects at once, and goes on listening. Two read what they missed, by a
    version column or from a change log.

    Raises:
        SettingsError: no rounds, or it would go above the target's quota. FailureError: the database refuses.
    """
    if not target.writes_allowed or target.database_url is None:
        return Skipped("Survival", "it writes to a table of its own; set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes")
    seconds = seconds or SECONDS[size]
    workload = Workload(rate=Constant(1 / _pause_s(target)), seconds=seconds)
    permit(target, workload, Audience(subscribers=len(_WAYS)))
    async with _logged_table(target) as table:
        listeners: dict[str, Listener] = {
            NAIVE: _reconnecting,
            BY_VERSION: partial(_surviving, _rows),
            BY_LOG: partial(_surviving, _log),
        }
        together = _Together(target, table, listeners, seconds)
        arms = {name: partial(together.outcome, name) for name in listeners}
        return await run_rounds(
            "survival",
            QUESTION,
            target,
            arms,
            metrics=(LOST, TWICE, SILENCE),
            rounds=rounds or ROUNDS[size],
            size=size,
            answer=_answer,
            settings={"seconds": seconds, "cut every (s)": CUT_EVERY_S, "cut for (s)": CUT_FOR_S},
        )


@contextlib.asynccontextmanager
async def _logged_table(target: Target) -> AsyncIterator[OwnTable]:
    """A table under a change log, both of which are gone afterwards."""
    async with own_table(target) as table:
        had_log = await table.run("select to_regclass(%s) as log", [f"{target.schema}.change_log"])
        await install_change_log(table.connection, [table.name], schema=table.schema)
        try:
            yield table
        finally:
            if had_log[0]["log"] is None:
                await drop_change_log(table.connection, schema=table.schema)


class _Together:
    """All ways at the same time: the same rows, and the same cuts, each in a network of its own."""

    def __init__(self, target: Target, table: OwnTable, listeners: Mapping[str, Listener], seconds: float) -> None:
        self._target, self._table, self._listeners, self._seconds = target, table, listeners, seconds
        self._rounds: dict[int, dict[str, Outcome]] = {}

    async def outcome(self, name: str, number: int) -> Outcome:
        """Of one way in a round, which the first to ask for runs."""
        if number not in self._rounds:
            self._rounds[number] = await self._run()
        return self._rounds[number][name]

    async def _run(self) -> dict[str, Outcome]:
        await self._table.empty()
        heard = {name: _Heard() for name in self._listeners}
        async with contextlib.AsyncExitStack() as stack:
            networks = [await stack.enter_async_context(network(self._target)) for _ in heard]
            for via, (name, listen) in zip(networks, self._listeners.items(), strict=True):
                task = asyncio.create_task(listen(via.target, self._table, heard[name]))
                stack.push_async_callback(_ended, task)
            await _until_heard(self._table, list(heard.values()))
            written = await self._write(networks)
            await _until_all_or_never(list(heard.values()), written)
            for one in heard.values():
                one.end(written)
        return {name: Outcome(one.values(written)) for name, one in heard.items()}

    async def _write(self, networks: Sequence[Network]) -> int:
        cutting = asyncio.create_task(_cut(networks))
        try:
            return await _write(self._table, self._seconds, _pause_s(self._target))
        finally:
            await _ended(cutting)
            for via in networks:
                via.set(PERFECT)


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _until_heard(table: OwnTable, heard: Sequence[_Heard]) -> None:
    """Rows that do not count (their numbers are negative), until everybody has got one."""
    try:
        async with asyncio.timeout(20):
            while not all(one.rows for one in heard):
                await table.run(f"insert into {table.quoted} (seq) values (-1)")
                await asyncio.sleep(0.3)
    except TimeoutError:
        tried, happened = "waiting for a first row", "none arrived within 20 s"
        raise FailureError(tried, happened, "Run `workbook doctor`") from None
    await asyncio.sleep(0.6)  # the last of them is on its way
    for one in heard:
        one.begin()


def _pause_s(target: Target) -> float:
    return PAUSE_S if target.kind is TargetKind.LAB else GENTLE_PAUSE_S


async def _write(table: OwnTable, seconds: float, pause_s: float) -> int:
    """Rows 0, 1, 2 … at fixed times; how many."""
    begin, count = time.monotonic(), int(seconds / pause_s)
    for seq in range(count):
        await asyncio.sleep(max(0.0, begin + seq * pause_s - time.monotonic()))
        await table.run(f"insert into {table.quoted} (seq) values (%s)", [seq])
    return count


async def _cut(networks: Sequence[Network]) -> None:
    """Take the connections away, and let nothing through for a moment, as in a tunnel."""
    while True:
        for via in networks:
            via.set(BLACK_HOLE)
            via.cut()
        await asyncio.sleep(CUT_FOR_S)
        for via in networks:
            via.set(PERFECT)
        await asyncio.sleep(CUT_EVERY_S - CUT_FOR_S)


async def _until_all_or_never(heard: Sequence[_Heard], written: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while any(sum(seq >= 0 for seq in one.rows) < written for one in heard):  # noqa: ASYNC110 - a count has no events
                await asyncio.sleep(0.02)


# Ways to come back


async def _reconnecting(target: Target, table: OwnTable, heard: _Heard) -> None:
    """Connect, join, listen; and when the connection is lost, from the beginning."""
    binding = ChangeBinding("INSERT", table.schema, table.name)
    while True:
        with contextlib.suppress(FailureError):
            async with RealtimeClient(target, heartbeat_s=1.0, timeout_s=0.8) as client:
                channel = client.channel(f"survival:{table.name}", JoinConfig(changes=(binding,)))
                channel.on_event(lambda event: _enter(event, heard))
                await channel.subscribe(10)
                await client.wait_closed()
        await asyncio.sleep(0.05)


def _enter(event: object, heard: _Heard) -> None:
    if isinstance(event, Change) and "seq" in event.record:
        heard.enter(int(event.record["seq"]))


async def _surviving(
    source: Callable[[Target, OwnTable], Source], target: Target, table: OwnTable, heard: _Heard
) -> None:
    async with ResilientClient(target.as_service(), settings=SETTINGS) as client:
        async for item in client.subscribe(source(target, table)):
            heard.enter(int(item.record["seq"]))


def _rows(target: Target, table: OwnTable) -> Source:
    """Its rows are written once, so that their numbers are versions."""
    assert target.database_url is not None
    reader = SqlRowReader(target.database_url, table.name, "id", schema=table.schema)
    return Rows(reader, table.name, "id", schema=table.schema, overlap=100)


def _log(target: Target, table: OwnTable) -> Source:
    assert target.database_url is not None
    return ChangeLog(SqlLogReader(target.database_url, schema=table.schema), table.name, schema=table.schema)


def _answer(experiment: Experiment) -> str:
    lost = {arm: experiment.estimate(arm, LOST.name).mean for arm in experiment.arms}
    silence = {arm: experiment.estimate(arm, SILENCE.name).mean for arm in experiment.arms}
    losing = [f"“{arm}” lost {share:.0f} %" for arm, share in lost.items() if share > 0]
    whole = [f"“{arm}”" for arm, share in lost.items() if share == 0]
    kept = f"nothing was lost by {' and '.join(whole)}" if whole else "nobody kept everything"
    said = f"{', '.join(losing)}; {kept}" if losing else f"Nobody lost anything: {kept}"
    return f"{said}. The longest silence was {min(silence.values()):.1f} to {max(silence.values()):.1f} s (means)."
