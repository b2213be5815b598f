"""Replica identity: how much of the old row an UPDATE or DELETE carries, in the log and to subscribers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

from helpers.errors import FailureError
from helpers.experiments.cpu import CpuClock
from helpers.experiments.crowd import Crowd, Receipt, Seat
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.filter_answers import identity_answer
from helpers.experiments.quick_lab import quick_target, wait_setting
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.experiments.tables import OwnTable, ReplicaIdentity, own_table
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Audience, Burst, Workload, permit
from helpers.target import Target, TargetKind
from helpers.wire.events import Change
from helpers.wire.join import ChangeBinding

__all__ = ["compare_replica_identities"]

QUESTION = "What does replica identity full cost, and what does it bring, for UPDATE and DELETE?"
UPDATE_BYTES, DELETE_BYTES = "UPDATE message", "DELETE message"
UPDATE_LOG, DELETE_LOG = "log of an UPDATE", "log of a DELETE"
WHOLE, OLD, FILTERED = "UPDATEs that bring the large column", "columns of a deleted row", "DELETEs through a filter"
SERVER, DATABASE, LATENCY = "server CPU", "database CPU", "latency p50"
METRICS = (
    Metric(UPDATE_BYTES, "bytes"),
    Metric(DELETE_BYTES, "bytes"),
    Metric(UPDATE_LOG, "bytes of WAL"),
    Metric(DELETE_LOG, "bytes of WAL"),
    Metric(WHOLE, "%", higher_is_better=True, most=100.0),
    Metric(OLD, "columns", higher_is_better=True),
    Metric(FILTERED, "%", higher_is_better=True, most=100.0),
    Metric(SERVER, "µs a change"),
    Metric(DATABASE, "µs a change"),
    Metric(LATENCY, "ms"),
)
ROUNDS = {Size.SMALL: 3, Size.FULL: 15}

#: Rows of a run; each is inserted, updated and deleted once, and each of these goes to two subscribers at most. Where
#: quotas count, all of it within one second stays below that of the free plan.
ROWS, GENTLE_ROWS = 40, 10
#: Large enough to be stored apart (TOAST), so that an UPDATE of another column leaves it untouched.
LARGE_BYTES = 4_000
QUIET_S = 15.0


@dataclass(frozen=True, slots=True)
class _Identity:
    """A table's replica identity, and whether a policy is in force (that lets everybody see everything)."""

    replica_identity: ReplicaIdentity
    secured: bool = False


IDENTITIES: Mapping[str, _Identity] = {
    "default": _Identity("default"),
    "full": _Identity("full"),
    "full, with policies": _Identity("full", secured=True),
}


async def compare_replica_identities(
    target: Target, *, size: Size | str | None = None, rounds: int | None = None, above_quota: bool | None = None
) -> Experiment | Skipped:
    """Update a small column of rows that have a large one, and delete them.

    One subscriber listens to the whole table, another one with a filter on a column that is not the key. In place of
    the lab it takes a lab of its own, which waits less.

    Raises:
        SettingsError: an unknown size, or more than the target's plan allows without `above_quota`.
        ConnectionFailed, JoinFailed: the target refused a subscription.
    """
    chosen = experiment_size(size)
    if not (target.writes_allowed and target.database_url):
        because = "the workbook may not write to this target (set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes)"
        return Skipped(QUESTION, because)
    rows = ROWS if target.kind is TargetKind.LAB else GENTLE_ROWS
    _permit(target, rows, above_quota)
    async with quick_target(target) as place, _arms(place, rows) as arms:
        return await run_rounds(
            "replica identities",
            QUESTION,
            place,
            arms,
            metrics=METRICS,
            rounds=rounds or ROUNDS[chosen],
            size=chosen,
            answer=identity_answer,
            settings={"rows": rows, "bytes of the large column": LARGE_BYTES, **wait_setting(place)},
        )


def _permit(target: Target, rows: int, above_quota: bool | None) -> None:
    """A run's three statements, each with the row that marks its end, should they all come within one second."""
    workload = Workload(rate=Burst(size=3 * (rows + 1), every_s=1.0), seconds=1.0, body_bytes=LARGE_BYTES)
    permit(target, workload, Audience(subscribers=2), above_quota=above_quota)


@asynccontextmanager
async def _arms(target: Target, rows: int) -> AsyncIterator[Mapping[str, Arm]]:
    async with AsyncExitStack() as stack:
        clock = await CpuClock.of(target)
        arms: dict[str, Arm] = {}
        for name, identity in IDENTITIES.items():
            table = await stack.enter_async_context(
                own_table(
                    target,
                    policies=("true",) if identity.secured else (),
                    replica_identity=identity.replica_identity,
                )
            )
            await table.run(f"alter table {table.quoted} alter column body set storage external")
            whole = ChangeBinding("*", table.schema, table.name)
            filtered = ChangeBinding("*", table.schema, table.name, filter="room_id=eq.1")
            crowd = await stack.enter_async_context(Crowd(target, (Seat((whole,)), Seat((filtered,)))))
            arms[name] = partial(_run, table, crowd, clock, rows)
        yield arms


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came of a statement.

    Attributes:
        receipts: of both subscribers. log_bytes: by which the log has grown. start: just before it was sent.
    """

    receipts: Sequence[Receipt]
    log_bytes: int
    start: float

    def of(self, seat: int, kind: str) -> list[Change]:
        return [change for place, change in self.receipts if (place, change.type) == (seat, kind)]


async def _run(table: OwnTable, crowd: Crowd, clock: CpuClock, rows: int, number: int) -> Outcome:
    await table.empty()
    insert = f"insert into {table.quoted} (seq, room_id, body) select n, n % 2, repeat('x', {LARGE_BYTES})"
    await _hear(crowd, table, f"{insert} from generate_series(1, {rows}) n")
    before = await clock.read()
    updated = await _hear(crowd, table, f"update {table.quoted} set seq = seq + 1 where seq > 0")
    deleted = await _hear(crowd, table, f"delete from {table.quoted} where seq > 0")
    used = (await clock.read()).since(before)
    return Outcome(
        _values(updated, deleted, rows)
        | {
            SERVER: _each_us(used.server_s, rows),
            DATABASE: _each_us(used.database_s, rows),
        }
    )


def _values(updated: _Heard, deleted: _Heard, rows: int) -> dict[str, float | None]:
    updates, deletes = updated.of(0, "UPDATE"), deleted.of(0, "DELETE")
    return {
        UPDATE_BYTES: _mean([change.size_bytes for change in updates]),
        DELETE_BYTES: _mean([change.size_bytes for change in deletes]),
        UPDATE_LOG: updated.log_bytes / rows,
        DELETE_LOG: deleted.log_bytes / rows,
        WHOLE: _mean([100 * ("body" in change.record) for change in updates]),
        OLD: _mean([len(change.old_record) for change in deletes]),
        FILTERED: 100 * len(deleted.of(1, "DELETE")) / (rows // 2),
        LATENCY: median([1e3 * (change.received_at - updated.start) for change in updates]) if updates else None,
    }


async def _hear(crowd: Crowd, table: OwnTable, statement: str) -> _Heard:
    """A row that both subscribers get follows the statement: changes keep their order, so what has not come before
    that row was not sent."""
    crowd.forget()
    log, start = await _log_position(table), time.monotonic()
    await table.run(statement)
    grown = await _log_position(table) - log
    await table.run(f"insert into {table.quoted} (seq, room_id) values (-1, 1)")
    if not await crowd.hear_all(_is_marker, QUIET_S):
        raise FailureError("listening to changes", f"nothing came for {QUIET_S:g} s", "Run the diagnosis")
    return _Heard(tuple(crowd.receipts), grown, start)


def _is_marker(change: Change) -> bool:
    return change.type == "INSERT" and change.record.get("seq") == -1


async def _log_position(table: OwnTable) -> int:
    """Bytes that the database has written to its log since it was made."""
    (row,) = await table.run("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes")
    return int(row["bytes"])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _each_us(seconds: float | None, rows: int) -> float | None:
    """Of an update and a deletion of every row, for each of them."""
    return None if seconds is None else 1e6 * seconds / (2 * rows)
