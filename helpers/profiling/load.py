"""The parent's side of the writing process."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import Self

import msgspec
import psycopg
from psycopg import sql

from helpers.database_url import libpq_url, without_password
from helpers.errors import FailureError
from helpers.profiling.worker import Worker, WorkerGone
from helpers.profiling.workload import Workload
from helpers.profiling.writer import FINISH_LIMIT_S, Database, Order, Written
from helpers.target import Target

__all__ = ["Load", "Run"]

#: From the order to its first row: enough for the order to arrive and for the rooms to be made.
LEAD_S = 0.2

#: Interpreter start and connection to the database.
START_LIMIT_S = 30.0

CONNECT_TIMEOUT_S = 10

#: Rows of two runs are as far apart as this, so that a late change is never taken for one of a later run.
SEQUENCE_SPAN = 1 << 20


class Run(msgspec.Struct, frozen=True):
    """A workload with its place in time and in the sequence."""

    workload: Workload
    first_seq: int
    start: float


class Load(contextlib.AsyncExitStack):
    """Writes workloads to a table of the workbook, from a process of its own.

    `async with Load(target, "events") as load` connects; leaving it ends the process and empties the table.
    """

    def __init__(self, target: Target, table: str) -> None:
        super().__init__()
        if not target.database_url:
            raise ValueError("a load needs a target with a database")
        self._database = Database(libpq_url(target.database_url), target.schema, table)
        self._worker = Worker("helpers.profiling.writer")
        self._next_seq = secrets.randbelow(1 << 20) * SEQUENCE_SPAN

    async def __aenter__(self) -> Self:
        self.push_async_callback(asyncio.to_thread, self._empty_table)
        try:
            await self.enter_async_context(self._worker)
            await self._ask(self._database, START_LIMIT_S)
        except BaseException:
            await self.aclose()
            raise
        return self

    def plan(self, workload: Workload) -> Run:
        """Place a workload: its first row is due in a moment."""
        first_seq, self._next_seq = self._next_seq, self._next_seq + SEQUENCE_SPAN
        return Run(workload, first_seq, time.monotonic() + LEAD_S)

    async def carry_out(self, run: Run) -> Written:
        """Write all rows of a planned run; returns when the last one is committed.

        Raises:
            FailureError: rows could not be written.
        """
        order = Order(run.workload, run.first_seq, run.start)
        written = await self._ask(order, LEAD_S + run.workload.seconds + FINISH_LIMIT_S)
        if written.committed < run.workload.rows:
            raise self._failed(f"only {written.committed} of {run.workload.rows} rows could be committed")
        return written

    async def _ask(self, question: Database | Order, limit_s: float) -> Written:
        try:
            written = await self._worker.ask(question, Written, limit_s)
        except WorkerGone as gone:
            raise self._failed(str(gone)) from None
        if written.error:
            raise self._failed(written.error.rstrip("."))
        return written

    def _failed(self, happened: str) -> FailureError:
        tried = f"writing load into {self._database.schema}.{self._database.table}"
        happened = without_password(happened, self._database.url)
        return FailureError(tried, happened, "Check DATABASE_URL and the rights of its role")

    def _empty_table(self) -> None:
        name = sql.Identifier(self._database.schema, self._database.table)
        with (
            contextlib.suppress(psycopg.Error),  # what made the load fail is the error to show
            psycopg.connect(self._database.url, connect_timeout=CONNECT_TIMEOUT_S) as connection,
        ):
            connection.execute(sql.SQL("truncate {}").format(name))
