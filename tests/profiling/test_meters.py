"""CPU time and memory of client, server and database."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace

import psutil
import psycopg
import pytest

from helpers.client import RealtimeClient
from helpers.errors import FailureError
from helpers.lab import Lab
from helpers.profiling.meters import Meters
from helpers.profiling.processes import cpu_s, find_processes
from helpers.target import Target, TargetKind

MIB = 1 << 20
#: Makes PostgreSQL compute for a while: some 0.1 s on a machine of today.
COMPUTE = "select sum(sqrt(n)) from generate_series(1, 1000000) n"


def burn(seconds: float) -> None:
    """Use that much CPU time of this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_the_clients_cpu_and_memory_are_told(target: Target) -> None:
    """What this process computes and allocates is in the client's figures."""
    async with Meters(target) as meters:
        before = await meters.read()
        held = bytearray(os.urandom(32 * MIB))
        burn(0.2)
    usage = meters.usage
    assert usage.client_cpu_s >= 0.2
    assert usage.seconds >= usage.client_cpu_s / 2
    assert usage.client_memory_bytes - before.client_memory_bytes > len(held) * 0.9
    assert usage.notes == ()


async def test_the_databases_work_is_the_databases(target: Target) -> None:
    """What one query of a connection of ours computes is counted while the connection is open and after it ended."""
    assert target.database_url is not None
    async with Meters(target) as meters, await psycopg.AsyncConnection.connect(target.database_url) as connection:
        await connection.execute(COMPUTE)
        open_s = (await meters.read()).database_cpu_s
    closed_s = meters.usage.database_cpu_s
    assert open_s is not None and closed_s is not None
    assert open_s > 0.02
    assert closed_s >= open_s - 0.03  # what has ended is known to 10 ms, for user and system time each


async def test_the_servers_work_is_the_servers(target: Target) -> None:
    """Joins cost the lab process CPU, and not PostgreSQL as much."""
    async with Meters(target) as meters, RealtimeClient(target) as client:
        for number in range(60):
            channel = client.channel(f"meters:{number}")
            await channel.subscribe()
            await channel.leave()
    usage = meters.usage
    assert usage.server_cpu_s is not None and usage.database_cpu_s is not None
    assert usage.server_cpu_s > 0
    assert usage.server_memory_bytes is not None and usage.server_memory_bytes > 10 * MIB
    assert usage.rest_memory_bytes is not None and usage.rest_memory_bytes > 10 * MIB
    assert usage.database_memory_bytes is not None and usage.database_memory_bytes > 2 * MIB


async def test_a_lab_is_found_by_its_ports(lab: Lab) -> None:
    """By its front door's port, and by its database's where something else is in front of it."""
    assert find_processes(lab.target).server.pid == lab.pid
    elsewhere = replace(lab.target, api_url="http://127.0.0.1:9")
    assert find_processes(elsewhere).server.pid == lab.pid


@pytest.mark.parametrize(
    ("api_url", "why"),
    [
        ("https://abcdefghijklmnopqrst.supabase.co", "they run on abcdefghijklmnopqrst.supabase.co"),
        ("http://127.0.0.1:9", "no lab that this account may look at has the port 9"),
    ],
)
async def test_what_is_not_ours_is_not_known(api_url: str, why: str) -> None:
    """The figures of a target that is no lab are None, with a sentence why; those of the client are there."""
    target = Target(TargetKind.HOSTED, api_url, "sb_publishable_x")
    async with Meters(target) as meters:
        burn(0.01)
    usage = meters.usage
    assert (usage.server_cpu_s, usage.rest_cpu_s, usage.database_cpu_s) == (None, None, None)
    assert (usage.server_memory_bytes, usage.rest_memory_bytes, usage.database_memory_bytes) == (None, None, None)
    assert usage.client_cpu_s >= 0.01 and usage.client_memory_bytes > MIB
    (note,) = usage.notes
    assert why in note


async def test_a_lab_that_ends_meanwhile_is_told() -> None:
    """A server that dies while it is measured leaves None and a sentence, not a number."""
    async with Lab() as lab:
        async with Meters(lab.target) as meters:
            await lab.stop()
        assert meters.usage.server_cpu_s is None
        assert "ended while it was measured" in meters.usage.notes[0]


async def test_another_process_can_be_the_client(target: Target) -> None:
    """The client may be a process of its own; one that has ended is an error that says so."""
    busy = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        async with Meters(target, client_pid=busy.pid) as meters:
            until = cpu_s(psutil.Process(busy.pid)) + 0.05
            while cpu_s(psutil.Process(busy.pid)) < until:
                pass
            assert (await meters.read()).client_cpu_s >= 0.05
    finally:
        busy.kill()
        await busy.wait()
    with pytest.raises(FailureError, match=f"process {busy.pid} has ended"):
        await Meters(target, client_pid=busy.pid).__aenter__()
