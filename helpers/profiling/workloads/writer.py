"""The measuring process's side of the writing process."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import NamedTuple, Self

import psycopg
from psycopg import sql

from helpers.database_url import libpq_url, without_password
from helpers.errors import FailureError
from helpers.profiling.worker import Worker, WorkerGone
from helpers.profiling.workloads.orders import Prepare, Prepared, Start, Written
from helpers.profiling.workloads.senders.sender import FINISH_LIMIT_S
from helpers.profiling.workloads.workload import TABLE, Workload
from helpers.target import Target

__all__ = ["LEAD_S", "Planned", "Writer"]

#: From the order to the first message: enough for the order to arrive.
LEAD_S = 0.2

#: Interpreter start, connection and, for Prisma, the start of its engine.
START_LIMIT_S = 60.0

CONNECT_TIMEOUT_S = 10

#: Numbers of two runs are as far apart as this, so that a late message is never taken for one of a later run.
SEQUENCE_SPAN = 1 << 20


class Planned(NamedTuple):
    """A workload that is ready to be written.

    Attributes:
        first_seq: number of its first message, as it travels.
        topics: of its channels, without prefix.
        keys: `id` of the rows that will be deleted, in the order of the messages that do it.
        full_identity: whether the table has replica identity full.
    """

    workload: Workload
    first_seq: int
    topics: tuple[str, ...]
    keys: tuple[int, ...]
    full_identity: bool


class Writer(contextlib.AsyncExitStack):
    """Writes workloads to a target, from a process of its own.

    `async with Writer(target) as writer` starts it; leaving it ends the process, and empties the workbook's own table.
    One writer can write one workload after another, which saves the start of the process.
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._worker = Worker("helpers.profiling.workloads.process")
        self._next_seq = secrets.randbelow(1 << 20) * SEQUENCE_SPAN
        self._used_table = False

    async def __aenter__(self) -> Self:
        self.push_async_callback(self._empty_table)
        try:
            await self.enter_async_context(self._worker)
        except BaseException:
            await self.aclose()
            raise
        return self

    @property
    def pid(self) -> int | None:
        """Of the writing process."""
        return self._worker.pid

    async def prepare(self, workload: Workload) -> Planned:
        """Connect by the workload's route, and make ready. Do it before anybody listens: rows may be inserted.

        Raises:
            FailureError: it cannot be written, with the target's reason.
        """
        first_seq, self._next_seq = self._next_seq, self._next_seq + SEQUENCE_SPAN
        run = secrets.token_hex(4)
        channels = range(workload.channels if workload.is_broadcast else 0)
        topics = tuple(f"workbook:{run}:{number}" for number in channels)
        self._used_table |= not workload.is_broadcast and workload.table == TABLE
        order = Prepare(self._target, workload, first_seq, topics)
        try:
            prepared = await self._worker.ask(order, Prepared, START_LIMIT_S)
        except WorkerGone as gone:
            raise self._failed(workload, str(gone)) from None
        if prepared.error:
            raise self._failed(workload, prepared.error.rstrip("."))
        return Planned(workload, first_seq, topics, prepared.keys, prepared.full_identity)

    async def carry_out(self, planned: Planned, at: float) -> Written:
        """Write what was prepared, the first message at `at`; returns when the last one is answered.

        Raises:
            FailureError: the writing process is gone.
        """
        try:
            limit_s = LEAD_S + planned.workload.seconds + 2 * FINISH_LIMIT_S
            return await self._worker.ask(Start(at), Written, limit_s)
        except WorkerGone as gone:
            raise self._failed(planned.workload, str(gone)) from None

    def _failed(self, workload: Workload, happened: str) -> FailureError:
        what = "broadcasts" if workload.is_broadcast else f"rows into {self._target.schema}.{workload.table}"
        if self._target.database_url:
            happened = without_password(happened, self._target.database_url)
        advice = "Check that the target is up, and what its keys and the role in DATABASE_URL may do"
        return FailureError(f"writing {what} by the route {workload.route}", happened, advice)

    async def _empty_table(self) -> None:
        if self._used_table and self._target.database_url:
            await asyncio.to_thread(_truncate, self._target.database_url, self._target.schema)


def _truncate(database_url: str, schema: str) -> None:
    with (
        contextlib.suppress(psycopg.Error),  # what made the load fail is the error to show
        psycopg.connect(libpq_url(database_url), connect_timeout=CONNECT_TIMEOUT_S) as connection,
    ):
        connection.execute(sql.SQL("truncate {}").format(sql.Identifier(schema, TABLE)))
