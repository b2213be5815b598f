"""A mirror of a table that is being written to, against the lab."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from helpers.lab.network import network
from helpers.resilience import ResilientClient, trim_change_log
from helpers.sync.mirroring import MemoryStore, SqliteStore, TableMirror
from tests.resilience.quick import QUICK
from tests.sync.mirroring.conftest import Source


@contextlib.asynccontextmanager
async def running(mirror: TableMirror) -> AsyncIterator[TableMirror]:
    """Mirror within the block."""
    task = asyncio.create_task(mirror.run())
    try:
        yield mirror
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_equals_the_table_after_reconnects(source: Source) -> None:
    """Snapshot, stream, catch-up and poll make one history, while somebody writes and links are cut."""
    await source.write(2)
    store = MemoryStore()
    async with (
        network(source.target) as via,
        ResilientClient(via.target, settings=QUICK) as client,
        running(source.mirror(client, store)) as mirror,
    ):
        writing = asyncio.create_task(source.write(40))
        while not writing.done():
            await asyncio.sleep(0.25)
            via.cut()
        await writing
        await mirror.caught_up()
        assert store.rows == await source.rows()
        assert mirror.snapshots == 1
        assert mirror.repeated == 0


async def test_a_file_goes_on_where_it_was(source: Source, tmp_path: Path) -> None:
    """What was committed while nobody mirrored is applied after the restart, without another snapshot."""
    for part in range(2):
        await source.write(5)
        async with (
            SqliteStore(tmp_path / "copy.db", source.table) as store,
            ResilientClient(source.target, settings=QUICK) as client,
            running(source.mirror(client, store)) as mirror,
        ):
            await mirror.caught_up()
            assert mirror.snapshots == (1 if part == 0 else 0)
            kept = {(row["id"],): as_told(row) for row in await store.rows()}
            assert kept == await source.rows()


async def test_a_log_that_was_trimmed_is_replaced_by_a_snapshot(source: Source) -> None:
    """Who was away for too long reads the table anew, and says so."""
    store = MemoryStore()
    for _ in range(2):
        await source.write(3)
        async with (
            ResilientClient(source.target, settings=QUICK) as client,
            running(source.mirror(client, store)) as mirror,
        ):
            await mirror.caught_up()
            assert store.rows == await source.rows()
            assert mirror.snapshots == 1
        await source.write(1)
        await trim_change_log(source.connection, 0)


async def test_truncate_empties_it(source: Source) -> None:
    """Realtime has no event for it; the log has."""
    await source.write(2)
    store = MemoryStore()
    async with (
        ResilientClient(source.target, settings=QUICK) as client,
        running(source.mirror(client, store)) as mirror,
    ):
        await mirror.caught_up()
        assert store.rows
        await source.run("truncate {}")
        await mirror.caught_up()
        assert store.rows == {}


async def test_the_settings_of_whoever_writes_change_no_word(source: Source) -> None:
    """Times are told in UTC, bytes in hexadecimal and doubles with all digits, by log and snapshot alike."""
    await source.run("alter table {} add column ratio double precision default 0.1::float8 + 0.2")
    odd = "set timezone = 'Asia/Kolkata'; set bytea_output = 'escape'; set extra_float_digits = -3"
    await source.connection.execute(odd.encode())
    await source.write(1)
    store = MemoryStore()
    async with (
        ResilientClient(source.target, settings=QUICK) as client,
        running(source.mirror(client, store)) as mirror,
    ):
        await mirror.caught_up()
        await source.write(2)
        await mirror.caught_up()
    await source.connection.execute(b"reset timezone; reset bytea_output; reset extra_float_digits")
    assert store.rows == await source.rows()


def as_told(row: dict[str, Any]) -> dict[str, Any]:
    """A row of SQLite as PostgreSQL tells it."""
    told = dict(row)
    told["amount"] = Decimal(row["amount"])
    told["meta"], told["tags"] = json.loads(row["meta"]), json.loads(row["tags"])
    return told
