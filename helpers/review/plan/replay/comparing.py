"""The same use of an application before and after a change, in turns, in a lab: what it costs, and what is shown when.

Each arm has tables of its own and clients in a process of their own. In every round all clients connect anew and join,
then rows are written as the usage says, and everything counts until the last change is shown. Both arms of a round get
the same writes. Before anything is measured it is checked that both show the same: a change that shows something else
is no optimisation.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
import psycopg

from helpers.errors import FailureError, SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.lab import Lab
from helpers.profiling.meters import Meters
from helpers.profiling.meters import Usage as Metered
from helpers.profiling.worker import Worker, WorkerGone
from helpers.review.plan.replay.casting import seat_orders
from helpers.review.plan.replay.orders import Answer, Begin, Collect, Gather, Hear, Leave, Order, Records
from helpers.review.plan.replay.script import (
    Rows,
    Seat,
    Write,
    expected_messages,
    seats_of,
    shown_changes,
    write_script,
)
from helpers.review.plan.replay.shapes import Shape
from helpers.review.plan.replay.stage import Stage, open_stage
from helpers.review.plan.replay.subscriptions import Kind, SubscriptionSet
from helpers.review.plan.replay.values import person_id, plain_type
from helpers.review.plan.usage import Usage

__all__ = ["METRICS", "Arrangement", "Scale", "compare_arrangements"]

BEFORE = "before"

MESSAGES, BYTES, REQUESTS, UPDATES = "messages", "bytes", "requests", "state updates"
LATENCY = "latency p50"
CLIENT, SERVER, REST, DATABASE = "client CPU", "server CPU", "REST CPU", "database CPU"
CONNECTIONS, CHANNELS, JOINING = "connections", "channels", "server CPU to join"
METRICS = (
    Metric(MESSAGES, "a change, all users"),
    Metric(BYTES, "B a change, all users"),
    Metric(REQUESTS, "for 100 changes, all users"),
    Metric(UPDATES, "a change, all users"),
    Metric(LATENCY, "ms"),
    Metric(CLIENT, "µs a change, all users"),
    Metric(SERVER, "µs a change"),
    Metric(REST, "µs a change"),
    Metric(DATABASE, "µs a change"),
    Metric(CONNECTIONS, "open"),
    Metric(CHANNELS, "joined"),
    Metric(JOINING, "ms"),
)

ANSWER_LIMIT_S = 120.0
A = TypeVar("A", Answer, Records)

#: An idle server looks for changes every 0.5 s: when nothing has come for so long, nothing comes.
QUIET_S, HEAR_LIMIT_S = 3.0, 30.0
#: From the order to begin to the first write.
LEAD_S = 0.1

#: Of fewer changes nobody can tell how often they come together.
FEWEST_LIFELIKE = 8

_TRIED = "replaying subscriptions"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """An application, or a part of it, as it is or as it would be.

    Attributes:
        shapes: its tables, those that policies ask included.
        subscriptions: of its clients.
    """

    shapes: tuple[Shape, ...]
    subscriptions: SubscriptionSet

    @property
    def published(self) -> tuple[str, ...]:
        """Tables that somebody subscribes to by `postgres_changes`."""
        wishes = self.subscriptions.wishes
        return tuple(dict.fromkeys(wish.table for wish in wishes if not wish.broadcast))

    @property
    def broadcast(self) -> Mapping[str, frozenset[Kind]]:
        """Which changes of tables are broadcast by the database: those that somebody asked for."""
        return self.subscriptions.broadcast


class Pace(NamedTuple):
    """Of the writes of a run.

    Attributes:
        changes, seconds: how many in how long. speed: how much faster than in the application.
    """

    changes: int
    seconds: float
    speed: float


@dataclass(frozen=True, slots=True)
class Scale:
    """How much a replay does, within bounds that a laptop bears.

    Attributes:
        rounds: pairs of runs.
        seconds: for which rows are written in a run.
        least, most: changes in a run; the usage's rate is raised or lowered to stay between them.
        users: with a seat, all screens together.
        rows: that a table holds at most.
        longest_s: for which rows are written at the application's own rate, where it matters how close together they
            come: readings that are coalesced.
    """

    rounds: int = 8
    seconds: float = 1.5
    least: int = 60
    most: int = 300
    users: int = 60
    rows: int = 20_000
    longest_s: float = 12.0

    def __post_init__(self) -> None:
        bounds = (("rounds", 2, 100), ("seconds", 0.1, 60), ("least", 1, 5_000), ("most", 1, 5_000),
                  ("users", 1, 500), ("rows", 0, 200_000), ("longest_s", 0.1, 60))  # fmt: skip
        for name, low, high in bounds:
            if not low <= getattr(self, name) <= high:
                happened, advice = f"{name} is {getattr(self, name):,}", f"Choose {name} from {low:g} to {high:,}"
                raise SettingsError("planning a replay", happened, advice)

    @classmethod
    def of(cls, size: Size | str | None = None) -> Scale:
        """Small fits into a test, full is for quoting."""
        if experiment_size(size) is Size.SMALL:
            return cls(rounds=4, seconds=0.6, least=40, most=100, users=12, rows=1_000, longest_s=3.0)
        return cls()

    def pace(self, usage: Usage, tables: Sequence[str], *, lifelike: bool) -> Pace:
        """How many changes are written in a run, and how fast.

        Args:
            lifelike: whether at the application's own rate.

        Raises:
            FailureError: at that rate too few would come.
        """
        rate = sum(usage.table(table).changes_per_s for table in tables)
        if not lifelike:
            count = round(min(self.most, max(self.least, self.seconds * rate)))
            return Pace(count, self.seconds, max(1.0, count / self.seconds / rate) if rate else 1.0)
        seconds = min(self.longest_s, max(self.seconds, self.least / rate if rate else self.longest_s))
        count = round(min(self.most, seconds * rate))
        if count < FEWEST_LIFELIKE:
            happened = f"{count} changes would come in {seconds:g} s, at {rate:g} a second"
            raise FailureError(
                _TRIED, f"{happened}: too few to tell how often they come together", "State a higher rate"
            )
        return Pace(count, count / rate, 1.0)


async def compare_arrangements(
    lab: Lab,
    name: str,
    before: Arrangement,
    after: Mapping[str, Arrangement],
    usage: Usage,
    *,
    scale: Scale | None = None,
    answer: Callable[[Experiment], str] | None = None,
) -> Experiment:
    """Replay an application as it is, and as it would be after this or that change.

    Args:
        lab: whose database, server and REST are metered; it should have no quotas (see `open_lab`).
        after: by the names of the changes.
        usage: the use of its tables; how many have which screen open is said by the subscriptions.

    Returns:
        Arms "before" and those of `after`, with a contrast for each metric that both could tell.

    Raises:
        SettingsError: an arrangement would show something else than `before`.
        FailureError: the lab's database refuses the tables or policies, or clients could not connect.
    """
    scale, tables = scale or Scale.of(), before.subscriptions.tables
    lifelike = any(arrangement.subscriptions.coalesces for arrangement in (before, *after.values()))
    pace = scale.pace(usage, tables, lifelike=lifelike)
    async with AsyncExitStack() as stack:
        arms: dict[str, _Arm] = {}
        for label, arrangement in {BEFORE: before, **after}.items():
            arms[label] = await stack.enter_async_context(_open_arm(lab, arrangement, scale))
        plays = {label: partial(_play, arm, usage, tables, pace) for label, arm in arms.items()}
        for label in after:
            _check_equal(name, label, arms[BEFORE], arms[label], usage, tables, pace)
        for play in plays.values():  # the first change of a table is dearer, as everybody has to get to know it
            await play(-1)
        return await run_rounds(
            name,
            "What does it spare?",
            lab.target,
            plays,
            metrics=METRICS,
            rounds=scale.rounds,
            size=Size.SMALL if scale == Scale.of(Size.SMALL) else Size.FULL,
            answer=answer or _answer,
            settings=_settings(before, usage, scale, pace),
        )


@dataclass(slots=True)
class _Arm:
    """One arrangement that is set up."""

    lab: Lab
    stage: Stage
    seats: tuple[Seat, ...]
    worker: Worker
    subscriptions: SubscriptionSet
    tokens: list[str] = field(default_factory=list, repr=False)

    async def ask(self, order: Order) -> Answer:
        """Have the clients do something.

        Raises:
            FailureError: they could not.
        """
        answer = await self._asked(order, Answer)
        if answer.error:
            raise FailureError(_TRIED, answer.error, "Try fewer users")
        return answer

    async def records(self) -> Records:
        """What the clients have recorded."""
        return await self._asked(Collect(), Records)

    async def _asked(self, order: Order, answer: type[A]) -> A:
        try:
            return await self.worker.ask(order, answer, ANSWER_LIMIT_S)
        except WorkerGone as gone:
            raise FailureError(_TRIED, str(gone), "Try fewer users") from None


@asynccontextmanager
async def _open_arm(lab: Lab, arrangement: Arrangement, scale: Scale) -> AsyncIterator[_Arm]:
    subscriptions = arrangement.subscriptions.scaled(scale.users)
    seats = seats_of(subscriptions)
    users = 1 + max(seat.person for seat in seats)
    shapes = [_bounded(shape, scale, users) for shape in arrangement.shapes]
    async with (
        open_stage(
            lab.target, shapes, users=users, published=arrangement.published, broadcast=arrangement.broadcast
        ) as stage,
        Worker("helpers.review.plan.replay.clients") as worker,
    ):
        tokens = [lab.token(sub=person_id(person)) for person in range(users)]
        yield _Arm(lab, stage, seats, worker, subscriptions, tokens)


def _bounded(shape: Shape, scale: Scale, users: int) -> Shape:
    """Within the scale. Rows of a person's own are of as many groups as there are persons, and rows that are groups
    themselves of as many as there are rows: a share of the usage says nothing of these."""
    rows = min(shape.rows, scale.rows)
    if shape.group == shape.identity:
        return msgspec.structs.replace(shape, rows=scale.most, groups=scale.most)
    kind = next((plain_type(column.type) for column in shape.columns if column.name == shape.group), "")
    return msgspec.structs.replace(shape, rows=rows, groups=users if kind == "uuid" else shape.groups)


def _check_equal(
    name: str, label: str, before: _Arm, after: _Arm, usage: Usage, tables: Sequence[str], pace: Pace
) -> None:
    """Both show the same of the same writes, screen by screen."""
    script = write_script(usage, tables, _fresh(before.stage), changes=pace.changes, seconds=1.0, seed=0)
    for one, other in zip(before.seats, after.seats, strict=True):
        shown = [shown_changes(seat, script, arm.stage.shapes, arm.stage.persons)
                 for seat, arm in ((one, before), (other, after))]  # fmt: skip
        if shown[0] != shown[1]:
            more, fewer = len(shown[1] - shown[0]), len(shown[0] - shown[1])
            happened = f"{one.screen.name} would show {more} changes more and {fewer} fewer with {label!r}"
            raise SettingsError(f"replaying {name}", happened, "Compare subscriptions that show the same")


def _fresh(stage: Stage) -> dict[str, Rows]:
    return {name: Rows(rows.next, list(rows.alive)) for name, rows in stage.rows.items()}


async def _play(arm: _Arm, usage: Usage, tables: Sequence[str], pace: Pace, number: int) -> Outcome:
    """One run: everybody joins, rows are written, all is shown, everybody leaves."""
    script = write_script(usage, tables, arm.stage.rows, changes=pace.changes, seconds=pace.seconds, seed=number)
    seats = seat_orders(arm.stage, arm.seats, arm.tokens, speed=pace.speed)
    try:
        async with Meters(arm.lab.target, client_pid=arm.worker.pid) as meters:
            joined = await arm.ask(Gather(arm.lab.target, seats))
            joining = await meters.read()
            await arm.ask(Begin())
            began = await meters.read()
            start = await _write(arm, script)
            heard = await arm.ask(_hearing(arm, script))
            used = (await meters.read()).since(began)
        records = await arm.records()
    finally:
        await arm.ask(Leave())
    shown = _shown(arm, script)
    values = _values(joined, joining, heard, used, len(script))
    values[LATENCY] = _latency_ms(arm, records, script, start)
    return Outcome(values, notes=tuple(_notes(arm, script, heard, shown, used)))


async def _write(arm: _Arm, script: Sequence[Write]) -> float:
    """Write each row when it is due, in transactions of the application's size; returns when the first second began."""
    start = time.monotonic() + LEAD_S
    size = arm.subscriptions.rows_per_transaction
    for first in range(0, len(script), size):
        batch = script[first : first + size]
        await asyncio.sleep(max(0.0, start + batch[-1].due_s - time.monotonic()))
        try:
            await arm.stage.write(batch)
        except psycopg.Error as error:
            happened = (error.diag.message_primary or type(error).__name__).rstrip(".")
            raise FailureError(_TRIED, f"a row could not be written: {happened}", "Check the table's shape") from None
    return start


def _hearing(arm: _Arm, script: Sequence[Write]) -> Hear:
    shapes, persons = arm.stage.shapes, arm.stage.persons
    told = arm.subscriptions.broadcast
    messages = sum(expected_messages(seat, script, shapes, persons, told) for seat in arm.seats)
    return Hear(_shown(arm, script), messages, QUIET_S, HEAR_LIMIT_S)


def _shown(arm: _Arm, script: Sequence[Write]) -> int:
    """How many changes all screens together should show."""
    return sum(len(shown_changes(seat, script, arm.stage.shapes, arm.stage.persons)) for seat in arm.seats)


def _values(joined: Answer, joining: Metered, heard: Answer, used: Metered, changes: int) -> dict[str, float | None]:
    cpu = {CLIENT: used.client_cpu_s, SERVER: used.server_cpu_s, REST: used.rest_cpu_s, DATABASE: used.database_cpu_s}
    return {
        MESSAGES: heard.messages / changes,
        BYTES: heard.bytes / changes,
        REQUESTS: 100 * heard.requests / changes,
        UPDATES: heard.updates / changes,
        CONNECTIONS: float(joined.sockets),
        CHANNELS: float(joined.channels),
        JOINING: None if joining.server_cpu_s is None else 1e3 * joining.server_cpu_s,
        **{metric: None if seconds is None else 1e6 * seconds / changes for metric, seconds in cpu.items()},
    }


def _latency_ms(arm: _Arm, records: Records, script: Sequence[Write], start: float) -> float | None:
    """From when a row was due to when a screen showed it: the median over all screens and changes."""
    tables = list(arm.stage.tables)
    due = {(tables.index(write.table), write.kind, write.number): start + write.due_s for write in script}
    keys = zip(records.tables, records.kinds, records.numbers, strict=True)
    waits = [at - due[key] for key, at in zip(keys, records.at, strict=True) if key in due]
    return 1e3 * statistics.median(waits) if waits else None


def _notes(arm: _Arm, script: Sequence[Write], heard: Answer, shown: int, used: Metered) -> Iterator[str]:
    if heard.shown < shown:
        yield f"{shown - heard.shown:,} of {shown:,} changes were not shown"
    expected = _hearing(arm, script).messages
    if heard.messages != expected:
        yield f"{heard.messages:,} messages came where {expected:,} were expected"
    if heard.failures:
        yield f"{heard.failures:,} of {heard.requests:,} requests failed"
    yield from used.notes


def _settings(before: Arrangement, usage: Usage, scale: Scale, pace: Pace) -> dict[str, object]:
    tables = before.subscriptions.tables
    wished = sum(usage.table(table).changes_per_s for table in tables)
    return {
        "usage": usage.source,
        "changes a second of the application": f"{wished:g}",
        "changes in a run": pace.changes,
        "seconds of a run": f"{pace.seconds:g}",
        "times as fast as the application": f"{pace.speed:.3g}",
        "users of the application": before.subscriptions.users,
        "users in the lab": before.subscriptions.scaled(scale.users).users,
        "tables": ", ".join(tables),
    }


def _answer(experiment: Experiment) -> str:
    """What is shown to be better, and what to be worse."""
    gains = [one.gain for one in experiment.contrasts if one.gain.shown]
    return "; ".join(map(str, gains)) + "." if gains else "No difference is shown in anything that was measured."
