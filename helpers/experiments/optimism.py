"""How long a user waits to see a write, and how long it takes to be the server's."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

from helpers.database_url import libpq_url
from helpers.errors import FailureError
from helpers.prisma import json_type, prisma_client
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.profiling.results import Skipped
from helpers.resilience import (
    ResilientClient,
    drop_change_log,
    install_change_log,
    leave_change_log,
    logged_tables,
)
from helpers.results import utc_now
from helpers.sync import Converter
from helpers.sync.optimistic import OptimisticTable, StoreEvent, What
from helpers.sync.outbox import Outbox, drop_done_writes, install_done_writes
from helpers.target import Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Optimism", "measure_optimism"]

#: Of these writes every fifth is one that the server refuses.
WRITES = 20
REFUSED_ONE_OF = 5

PAUSE_S = 0.05
LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Optimism:
    """What became of some writes.

    Attributes:
        shown_ms: from the click until the row was shown and on the disk. settled_ms: until it had come back.
        taken_back_ms: until a refused one was gone. is_equal: whether view and table were, in the end.
    """

    target: str
    taken_at: str
    shown_ms: tuple[float, ...]
    settled_ms: tuple[float, ...]
    taken_back_ms: tuple[float, ...]
    is_equal: bool

    def to_frame(self) -> pd.DataFrame:
        """One row for each step, in milliseconds."""
        import pandas as pd

        steps = {"shown": self.shown_ms, "the server's": self.settled_ms, "taken back": self.taken_back_ms}
        return pd.DataFrame(
            {"step": step, "median (ms)": float(np.median(times)), "slowest (ms)": max(times), "n": len(times)}
            for step, times in steps.items()
            if times
        ).set_index("step")

    @property
    def answer(self) -> str:
        """What these writes say."""
        shown, settled = float(np.median(self.shown_ms)), float(np.median(self.settled_ms))
        return (
            f"A write is shown after {shown:.1f} ms and is the server's after {settled:.0f} ms (medians); "
            f"{len(self.taken_back_ms)} that the server refused were taken back; "
            f"in the end view and table are {'equal' if self.is_equal else 'NOT equal'}."
        )

    def __str__(self) -> str:
        return f"{self.to_frame().round(1).to_string()}\n{self.answer}"

    def _repr_html_(self) -> str:
        return str(self.to_frame().round(1).to_html()) + f"<p><strong>{self.answer}</strong></p>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


@dataclass(slots=True)
class _Watch:
    """When what happened to which write."""

    clicked: dict[str, float] = field(default_factory=dict)
    settled: dict[str, float] = field(default_factory=dict)
    refused: dict[str, float] = field(default_factory=dict)

    def enter(self, event: StoreEvent) -> None:
        if event.write is not None and event.what is What.SETTLED:
            self.settled[event.write.id] = time.monotonic()
        if event.write is not None and event.what is What.REJECTED:
            self.refused[event.write.id] = time.monotonic()

    def took_ms(self, ends: dict[str, float]) -> tuple[float, ...]:
        return tuple(1000 * (end - self.clicked[write_id]) for write_id, end in ends.items())


async def measure_optimism(target: Target, *, writes: int = WRITES) -> Optimism | Skipped:
    """Write through an optimistic table, and time what is seen of it.

    Raises:
        FailureError: something did not happen in time. PrismaError: no client, or no connection.
    """
    if not target.writes_allowed or target.database_url is None or target.secret_key is None:
        return Skipped("Optimism", "it needs DATABASE_URL, the secret key and WORKBOOK_ALLOW_WRITES=yes")
    room, watch = secrets.randbelow(2**40) + 2**40, _Watch()
    async with _equipped(target) as connection, _opened(target) as table:
        table.store.on_event(watch.enter)
        try:
            taken = await _made(connection, target, room)
            shown = [await _shown_ms(table, watch, _values(room, number, taken)) for number in range(writes)]
            await _until(lambda: not table.store.pending, "waiting for the writes to come back")
            is_equal = await _is_equal(connection, target, table, room)
        finally:
            await connection.execute(f'delete from "{target.schema}".events where room_id = {room}'.encode())
    times = watch.took_ms(watch.settled), watch.took_ms(watch.refused)
    return Optimism(str(target), utc_now(), tuple(shown), *times, is_equal)


async def _made(connection: psycopg.AsyncConnection, target: Target, room: int) -> int:
    """The key of a row that is there: a second one with it will be refused."""
    query = f'insert into "{target.schema}".events (room_id) values ({room}) returning id'
    row = await (await connection.execute(query.encode())).fetchone()
    assert row is not None
    return int(row[0])


def _values(room: int, number: int, taken: int) -> dict[str, Any]:
    values = {"room_id": room, "seq": number, "body": "at once"}
    return values | ({"id": taken} if number % REFUSED_ONE_OF == REFUSED_ONE_OF - 1 else {})


async def _shown_ms(table: OptimisticTable, watch: _Watch, values: dict[str, Any]) -> float:
    """Write; how long it took until that was shown and kept."""
    begun = time.monotonic()
    write = await table.insert(values)
    watch.clicked[write.id] = begun
    took_ms = 1000 * (time.monotonic() - begun)
    await asyncio.sleep(PAUSE_S)
    return took_ms


async def _is_equal(connection: psycopg.AsyncConnection, target: Target, table: OptimisticTable, room: int) -> bool:
    await table.mirror.caught_up()
    query = f'select id from "{target.schema}".events where room_id = {room}'
    found = {(row[0],) for row in await (await connection.execute(query.encode())).fetchall()}
    return found == {key for key, row in table.store.view.items() if row["room_id"] == room}


@contextlib.asynccontextmanager
async def _equipped(target: Target) -> AsyncIterator[psycopg.AsyncConnection]:
    """The table `events` under a change log, with done writes beside it; what was not there before goes again."""
    assert target.database_url is not None
    async with await psycopg.AsyncConnection.connect(libpq_url(target.database_url), autocommit=True) as connection:
        query = "select to_regclass(%s), to_regclass(%s)"
        names = [f"{target.schema}.change_log", f"{target.schema}.done_writes"]
        had = await (await connection.execute(query, names)).fetchone() or (None, None)
        was_logged = "events" in await logged_tables(connection, schema=target.schema)
        await install_change_log(connection, ["events"], schema=target.schema)
        await install_done_writes(connection, schema=target.schema)
        try:
            yield connection
        finally:
            if had[0] is None:
                await drop_change_log(connection, schema=target.schema)
            elif not was_logged:
                await leave_change_log(connection, ["events"], schema=target.schema)
            if had[1] is None:
                await drop_done_writes(connection, schema=target.schema)


@contextlib.asynccontextmanager
async def _opened(target: Target) -> AsyncIterator[OptimisticTable]:
    client = await prisma_client(target)
    try:
        converter = Converter.of(read_datamodel(SCHEMA), "events", json_type(client))
        with tempfile.TemporaryDirectory(prefix="workbook-outbox-") as folder:
            async with (
                Outbox(Path(folder) / "outbox.db") as outbox,
                ResilientClient(target.as_service()) as resilient,
                _running(OptimisticTable(resilient, client, converter, outbox)) as table,
            ):
                yield table
    finally:
        await client.disconnect()


@contextlib.asynccontextmanager
async def _running(table: OptimisticTable) -> AsyncIterator[OptimisticTable]:
    task = asyncio.create_task(table.run(), name="optimistic table")
    try:
        await _until(lambda: bool(table.mirror.snapshots) or task.done(), "reading the table")
        if task.done():
            task.result()
        await table.mirror.caught_up(LIMIT_S)
        yield table
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until(happened: Callable[[], bool], tried: str) -> None:
    try:
        async with asyncio.timeout(LIMIT_S):
            while not happened():  # noqa: ASYNC110 - what is awaited has no events in common
                await asyncio.sleep(0.005)
    except TimeoutError:
        happened_not = f"it did not happen within {LIMIT_S:g} s"
        raise FailureError(tried, happened_not, "Run `workbook doctor`") from None
