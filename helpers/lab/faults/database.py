"""Faults of PostgreSQL, and of what is set up in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from helpers.errors import LabError
from helpers.lab.faults.scene import Scene

__all__ = ["connections_ended", "crash", "payload_too_large", "publication_altered", "slot_lost"]

#: Crash recovery of a small database takes less than a second.
_RECOVERY_LIMIT_S = 30.0

#: Above the 1 MiB that a change may have.
_LARGE_BYTES = 1_200_000


@asynccontextmanager
async def crash(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    """Killing any of its processes makes PostgreSQL end all of them and recover from its log, as after a crash."""
    connection = await scene.connection()
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    with contextlib.suppress(psycopg.Error):
        await connection.close()
    await _until_back(scene)
    yield


@asynccontextmanager
async def connections_ended(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    await _terminate(scene, "select pid from pg_stat_activity where backend_type = 'client backend' "
                     "and pid <> pg_backend_pid()")  # fmt: skip
    yield


@asynccontextmanager
async def slot_lost(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    """Whoever reads a temporary slot takes it along when it ends; what was written since the last look is lost."""
    await _terminate(scene, "select active_pid from pg_replication_slots where active_pid is not null")
    yield


@asynccontextmanager
async def publication_altered(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    """All tables leave the publication, and come back; the server looks at it every 60 s unless told otherwise."""
    rows = await _run(scene, "select format('%I.%I', schemaname, tablename) from pg_publication_tables "
                      "where pubname = 'supabase_realtime'")  # fmt: skip
    tables = ", ".join(row[0] for row in rows)
    await _run(scene, f"alter publication supabase_realtime drop table {tables}")
    try:
        yield
    finally:
        await _run(scene, f"alter publication supabase_realtime add table {tables}")


@asynccontextmanager
async def payload_too_large(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    """A row of a table under a change log grows beyond the limit, and shrinks again at the end."""
    found = await _run(scene, _LOGGED_TEXT)
    for table, column in found[:1]:
        row = f"where ctid = (select ctid from {table} limit 1)"
        await _run(scene, f"update {table} set {column} = repeat('large ', {_LARGE_BYTES // 6}) {row}")
    yield
    for table, column in found[:1]:
        await _run(scene, f"update {table} set {column} = 'small' where length({column}) >= {_LARGE_BYTES - 6}")


#: Tables with a change log's trigger, and a column of text in each that no index is over.
_LOGGED_TEXT = """
    select t.tgrelid::regclass::text, quote_ident(a.attname) from pg_trigger t
    join pg_attribute a on a.attrelid = t.tgrelid and a.attnum > 0 and a.atttypid = 'text'::regtype
    where t.tgname = 'workbook_record_change'
    and not exists (select from pg_index i where i.indrelid = a.attrelid and a.attnum = any(i.indkey))
"""


async def _terminate(scene: Scene, pids: str) -> None:
    """As `pg_terminate_backend` does, which may not touch a superuser's processes."""
    for (pid,) in await _run(scene, pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


async def _run(scene: Scene, statement: str) -> list[tuple[Any, ...]]:
    async with await scene.connection() as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


async def _until_back(scene: Scene) -> None:
    try:
        async with asyncio.timeout(_RECOVERY_LIMIT_S):
            while True:
                try:
                    await _run(scene, "select 1")
                except psycopg.Error:
                    await asyncio.sleep(0.05)
                else:
                    return
    except TimeoutError:
        happened = f"PostgreSQL is not back after {_RECOVERY_LIMIT_S:.0f} s"
        raise LabError("crashing PostgreSQL", happened, f"Look into {scene.lab.log}") from None
