"""A mirror whose disk is full says so, and goes on when there is room."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
from pathlib import Path

import msgspec
import psycopg
import pytest

from helpers.resilience import install_change_log
from helpers.target import Target
from tests.faults.full_disk_process import Order, Report

ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0

#: Runs in a mount namespace of its own, with 2 MB for the mirror.
_SMALL_DISK = """
place=$1; shift
mount -t tmpfs -o size=2m,mode=1777 tmpfs "$place" || exit 77
"$@"
"""


async def test_a_mirror_on_a_full_disk(target: Target) -> None:
    """It stops with advice, its file is whole, and with room again it has every row without a new snapshot."""
    assert target.database_url is not None
    place, table = Path(tempfile.mkdtemp(dir="/tmp")), f"full_{secrets.token_hex(4)}"
    place.chmod(0o755)  # noqa: ASYNC240 - a moment
    async with await psycopg.AsyncConnection.connect(target.database_url, autocommit=True) as connection:
        await connection.execute(f"create table {table} (id bigint primary key, body text)".encode())
        await connection.execute(f"insert into {table} select g, 'first' from generate_series(1, 100) g".encode())
        await install_change_log(connection, [table])
        process = await _start(place, Order(target.as_service(), table, str(place)))
        try:
            await _hear(process, "full")
            large = f"insert into {table} select g, repeat('x', 1000) from generate_series(101, 600) g"
            await connection.execute(large.encode())
            stopped = await _hear(process, "stopped")
            caught_up = await _hear(process, "caught up")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            place.rmdir()  # noqa: ASYNC240
            await connection.execute(f"drop table {table}".encode())
    assert "full" in stopped.error[1]
    assert "free space" in stopped.error[2]
    assert set(stopped.ids) >= set(range(1, 101))
    assert caught_up.ids == tuple(range(1, 601))
    assert caught_up.error == ("0 snapshots",)


async def _start(place: Path, order: Order) -> asyncio.subprocess.Process:
    inside, back = ["unshare", "--mount"], []
    if os.geteuid() != 0:  # become root of a namespace to mount, and oneself again to work
        inside += ["--map-root-user"]
        back = ["unshare", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
    command = [*inside, "sh", "-c", _SMALL_DISK, "sh", str(place)]
    command += [*back, sys.executable, "-m", "tests.faults.full_disk_process"]
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    try:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, **pipes)  # type: ignore[arg-type]
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    return process


async def _hear(process: asyncio.subprocess.Process, what: str) -> Report:
    """Its next report, which has to be that one."""
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        line = await process.stdout.readline()
        if not line and await process.wait() == 77:
            pytest.skip("a file system cannot be mounted here")
    report = msgspec.json.decode(line, type=Report)
    assert report.what == what, report
    return report
