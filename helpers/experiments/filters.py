"""What a filter is worth: against the full table, on a column with an index, with lists, with fewer columns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from helpers.experiments.bursts import Burst, run_burst
from helpers.experiments.cpu import CpuClock
from helpers.experiments.crowd import Crowd, Seat
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.filter_answers import filter_answer, select_answer
from helpers.experiments.quick_lab import quick_target, wait_setting
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.experiments.tables import OwnTable, own_table
from helpers.profiling.ledger import Bools
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Audience, Workload, permit
from helpers.profiling.workloads import Burst as BurstRate
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding

__all__ = ["BYTES", "LISTS", "Scale", "compare_filters", "compare_selects"]

#: Rooms that rows go to in turns, as many as an `in` list may name (supabase/realtime, `subscription_check_filters`).
ROOMS = 100
#: Lengths of the lists.
LISTS = (2, 20, 100)

#: Before anything counts: the first change of a table is dearer, as everybody has to get to know it.
WARM_ROWS = 10

BYTES, MESSAGES = "bytes", "messages"
SERVER, DATABASE, CLIENT, LATENCY = "server CPU", "database CPU", "client CPU", "latency p50"
METRICS = (
    Metric(MESSAGES, "a change, all subscribers"),
    Metric(BYTES, "bytes a change and subscriber"),
    Metric(SERVER, "µs a change"),
    Metric(DATABASE, "µs a change"),
    Metric(CLIENT, "µs a change"),
    Metric(LATENCY, "ms"),
)
ROUNDS = {Size.SMALL: 4, Size.FULL: 20}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: subscribers, rows of a burst, and the text in each row."""

    subscribers: int
    rows: int
    body_bytes: int

    @classmethod
    def of(cls, target: Target, body_bytes: int) -> Scale:
        """In the lab ten subscribers; elsewhere one, and no more rows than the free plan lets through in a second."""
        return cls(10, 500, body_bytes) if target.kind is TargetKind.LAB else cls(1, 90, body_bytes)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to subscribe.

    Attributes:
        rooms: how many rooms a subscriber names, None for no filter. indexed: whether the column has an index.
        select: the columns asked for, None for all.
    """

    rooms: int | None = None
    indexed: bool = False
    select: tuple[str, ...] | None = None

    def filter_of(self, subscriber: int) -> str | None:
        """Each subscriber begins with a room of its own."""
        if self.rooms is None:
            return None
        rooms = [str((subscriber + number) % ROOMS) for number in range(self.rooms)]
        return f"room_id=eq.{rooms[0]}" if self.rooms == 1 else f"room_id=in.({','.join(rooms)})"

    def wanted(self, scale: Scale) -> Bools:
        """Which subscriber should get which row of a burst."""
        subscribers, rows = np.arange(scale.subscribers)[:, None], np.arange(scale.rows)
        wanted: Bools = (rows - subscribers) % ROOMS < (ROOMS if self.rooms is None else self.rooms)
        return wanted


FILTERS: Mapping[str, _Way] = {
    "full table": _Way(),
    "one room": _Way(1),
    "one room, index": _Way(1, indexed=True),
    **{f"in, {rooms} rooms": _Way(rooms) for rooms in LISTS},
}
SELECTS: Mapping[str, _Way] = {"all columns": _Way(), "three columns": _Way(select=("id", "seq", "room_id"))}


async def compare_filters(
    target: Target, *, size: Size | str | None = None, rounds: int | None = None, above_quota: bool | None = None
) -> Experiment | Skipped:
    """Rows go to a hundred rooms in turns; subscribers want all of them, one, or a list.

    In place of the lab it takes a lab of its own, which waits less and has no quotas.

    Raises:
        SettingsError: an unknown size, or more than the target's plan allows without `above_quota`.
        ConnectionFailed, JoinFailed: the target refused a subscription.
    """
    question = "What does a filter spare, and does an index on its column, or a longer list, change that?"
    return await _compare("filters", question, target, FILTERS, size, rounds, above_quota, 400, filter_answer)


async def compare_selects(
    target: Target, *, size: Size | str | None = None, rounds: int | None = None, above_quota: bool | None = None
) -> Experiment | Skipped:
    """Rows with 2 kB of text, to subscribers who take all columns or three small ones.

    Raises:
        As `compare_filters`.
    """
    question = "What does it spare to select the necessary columns only?"
    return await _compare("selects", question, target, SELECTS, size, rounds, above_quota, 2_000, select_answer)


async def _compare(
    name: str,
    question: str,
    target: Target,
    ways: Mapping[str, _Way],
    size: Size | str | None,
    rounds: int | None,
    above_quota: bool | None,
    body_bytes: int,
    answer: Callable[[Experiment], str],
) -> Experiment | Skipped:
    chosen = experiment_size(size)
    if not (target.writes_allowed and target.database_url):
        because = "the workbook may not write to this target (set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes)"
        return Skipped(question, because)
    scale = Scale.of(target, body_bytes)
    _permit(target, scale, above_quota)
    async with quick_target(target) as place, _arms(place, ways, scale) as arms:
        return await run_rounds(
            name,
            question,
            place,
            arms,
            metrics=METRICS,
            rounds=rounds or ROUNDS[chosen],
            size=chosen,
            answer=answer,
            settings={**asdict(scale), **wait_setting(place)},
        )


def _permit(target: Target, scale: Scale, above_quota: bool | None) -> None:
    """Of all ways, the full table takes most of the quota."""
    burst = BurstRate(size=scale.rows, every_s=1.0)
    workload = Workload(rate=burst, seconds=1.0, body_bytes=scale.body_bytes, rooms=ROOMS, first_room=0)
    permit(target, workload, Audience(subscribers=scale.subscribers), above_quota=above_quota)


@asynccontextmanager
async def _arms(target: Target, ways: Mapping[str, _Way], scale: Scale) -> AsyncIterator[Mapping[str, Arm]]:
    """A table for each way, so that everybody can stay subscribed and gets only the changes of that way."""
    async with AsyncExitStack() as stack:
        clock = await CpuClock.of(target)
        arms: dict[str, Arm] = {}
        for name, way in ways.items():
            table = await stack.enter_async_context(own_table(target, indexes=("room_id",) if way.indexed else ()))
            crowd = await stack.enter_async_context(Crowd(target, _seats(table, way, scale.subscribers)))
            arms[name] = partial(_run, name, way, scale, table, crowd, clock)
            await _run(name, way, replace(scale, rows=WARM_ROWS), table, crowd, clock, 0)
        yield arms


def _seats(table: OwnTable, way: _Way, subscribers: int) -> Sequence[Seat]:
    binding = ChangeBinding("INSERT", table.schema, table.name, select=way.select)
    return [Seat((replace(binding, filter=way.filter_of(number)),)) for number in range(subscribers)]


async def _run(
    name: str, way: _Way, scale: Scale, table: OwnTable, crowd: Crowd, clock: CpuClock, number: int
) -> Outcome:
    write = partial(_write, table, scale)
    burst = await run_burst(crowd, clock, write, label=name, table=table.name, wanted=way.wanted(scale))
    lost = burst.recording.lost
    notes = (f"{lost:,} changes did not arrive",) if lost else ()
    return Outcome(_values(burst, scale), burst.recording, notes)


def _values(burst: Burst, scale: Scale) -> dict[str, float | None]:
    cpu = {SERVER: burst.cpu.server_s, DATABASE: burst.cpu.database_s, CLIENT: burst.client_cpu_s}
    return {
        MESSAGES: burst.recording.received / scale.rows,
        BYTES: burst.recording.wire_bytes / scale.rows / scale.subscribers,
        LATENCY: burst.latency_p50_ms,
        **{metric: None if seconds is None else 1e6 * seconds / scale.rows for metric, seconds in cpu.items()},
    }


async def _write(table: OwnTable, scale: Scale) -> int:
    """In one transaction, rows of which the rooms get one in turns."""
    (row,) = await table.run(
        f"""
        with written as (
            insert into {table.quoted} (seq, room_id, body)
            select turn, turn %% {ROOMS}, repeat('x', %s) from generate_series(0, %s) turn
            returning id
        )
        select min(id) as first from written
        """,
        [scale.body_bytes, scale.rows - 1],
    )
    return int(row["first"])
