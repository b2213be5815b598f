"""Profiling against the lab: the accounts are right, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
import psutil
import psycopg
import pytest

from helpers.errors import FailureError, SettingsError
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling import (
    Comparison,
    Constant,
    Profile,
    Profiling,
    Skipped,
    Workload,
    compare_subscriptions,
    profile_broadcast,
    profile_connection,
    profile_memory,
    profile_subscription,
)
from helpers.profiling.workloads.writer import LEAD_S, Writer
from helpers.results import load_result, load_saved, save_result
from helpers.target import Target, TargetKind
from helpers.workspace import fill

FILTER = "room_id=eq.123"


def workers() -> list[psutil.Process]:
    """Writing and probing processes of this one."""
    ours = ("helpers.profiling", "helpers.probes")
    children = psutil.Process().children()
    return [child for child in children if any(name in " ".join(child.cmdline()) for name in ours)]


def rows(target: Target) -> int:
    with psycopg.connect(target.database_url or "") as connection:
        (count,) = connection.execute("select count(*) from events").fetchone() or (0,)
        return int(count)


async def test_filtered_subscription(tables: Target) -> None:
    """With a filter only wanted rows arrive, all of them, once each and in order."""
    profile = await profile_subscription(tables, filter=FILTER, seconds=1, rate_per_s=80)
    assert isinstance(profile, Profile)
    assert (profile.sent, profile.expected, profile.received) == (80, 20, 20)
    assert (profile.wasted, profile.lost, profile.duplicated, profile.reordered) == (0, 0, 0, 0)
    assert profile.latency_ms is not None
    assert profile.latency_ms.n == 20
    assert profile.payload_bytes is not None
    assert profile.payload_bytes.mean > 400
    assert profile.wire_bytes_in > 20 * profile.payload_bytes.mean * 0.99


async def test_full_table_subscription(tables: Target) -> None:
    """Without a filter everything arrives, and what the application did not want is counted as wasted."""
    profile = await profile_subscription(tables, interest=FILTER, seconds=1, rate_per_s=80)
    assert isinstance(profile, Profile)
    assert (profile.expected, profile.received, profile.wasted, profile.lost) == (80, 80, 60, 0)
    assert len(profile.latencies_ms) == 20


async def test_rows_that_do_not_arrive_are_lost() -> None:
    """Over its event limit Realtime drops changes without a word; the account says how many."""
    settings = RealtimeSettings(limits=Limits(events_per_s=20, channels_per_client=100), rate_tick_s=0.2, rate_ticks=2)
    async with Lab(LabSettings(realtime=settings)) as lab:
        await fill(lab.target)
        profile = await profile_subscription(lab.target, seconds=2, rate_per_s=200)
    assert isinstance(profile, Profile)
    assert profile.received < 400
    assert profile.lost == 400 - profile.received


async def test_comparison(tables: Target) -> None:
    """Full table against filter: a quarter of the messages and bytes, shown in pairs, and saved as it was."""
    comparison = await compare_subscriptions(tables, filter=FILTER, seconds=0.5, rate_per_s=80, repeats=2)
    assert isinstance(comparison, Comparison)
    assert len(comparison.pairs) == 2
    messages = comparison.gain("messages")
    assert messages is not None
    assert messages.change_percent == pytest.approx(-75)
    assert messages.n == 2
    received = comparison.gain("bytes received")
    assert received is not None
    assert -80 < received.change_percent < -70
    assert comparison.full.received == sum(full.received for full, _ in comparison.pairs) == 80
    assert list(comparison.to_frame().columns) == ["full table", f"filter {FILTER}"]
    assert "n = 2 pairs" in str(comparison)


async def test_profiling_is_saved_whole(tables: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """What is read back equals what was measured, with target, time and versions beside it."""
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(tmp_path))
    profiling = Profiling.of(
        await profile_connection(tables, repeats=2),
        await compare_subscriptions(tables, seconds=0.3, rate_per_s=40, repeats=2),
        await profile_broadcast(tables, rates_per_s=[50], seconds=0.5),
    )
    save_result("profiling", profiling)
    assert load_result("profiling", Profiling) == profiling
    saved = load_saved("profiling", Profiling)
    assert saved.target == str(tables)
    assert saved.versions["python"]
    assert str(tables.secret_key) not in msgspec.json.encode(saved).decode()


async def test_nothing_is_left_behind(tables: Target) -> None:
    """After a measurement the rows and the writing process are gone."""
    await profile_subscription(tables, seconds=0.2, rate_per_s=50)
    assert rows(tables) == 0
    assert workers() == []


async def test_cancelled_measurement_leaves_nothing(tables: Target) -> None:
    """A measurement that is interrupted in the middle ends its writing process and removes its rows."""
    task = asyncio.create_task(profile_subscription(tables, seconds=20, rate_per_s=50))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while not rows(tables):  # noqa: ASYNC110 - the rows appear in another process
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert workers() == []
    assert rows(tables) == 0


async def test_writer_ends_with_its_parent(tables: Target) -> None:
    """Even kill -9 of the measuring process leaves no writing process."""
    code = """
import asyncio, msgspec, sys, time
from helpers.profiling.workloads import Constant, Workload, Writer
from helpers.target import Target
async def main():
    async with Writer(msgspec.json.decode(sys.stdin.readline(), type=Target)) as writer:
        print(writer.pid, flush=True)
        planned = await writer.prepare(Workload(rate=Constant(10), seconds=60))
        await writer.carry_out(planned, time.monotonic())
asyncio.run(main())
"""
    command = [sys.executable, "-c", code]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: ASYNC220 - returns at once
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(msgspec.json.encode(tables) + b"\n")
    parent.stdin.flush()
    writer = psutil.Process(int(await asyncio.to_thread(parent.stdout.readline)))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    with pytest.raises(psutil.NoSuchProcess):
        for _ in range(100):
            writer.status()
            await asyncio.sleep(0.05)


async def test_every_row_is_a_transaction_at_its_time(tables: Target) -> None:
    """The writer commits every row by itself, in order, and says how late it was."""
    async with Writer(tables) as writer:
        planned = await writer.prepare(Workload(rate=Constant(500), seconds=0.5, rooms=3))
        written = await writer.carry_out(planned, time.monotonic() + LEAD_S)
        with psycopg.connect(tables.database_url or "") as connection:
            found = connection.execute("select seq, room_id, xmin::text from events order by id").fetchall()
    assert (written.accepted, written.missing) == (250, ())
    assert 0 <= written.late_p99_ms <= written.late_max_ms
    assert [seq - planned.first_seq for seq, _, _ in found] == list(range(250))
    assert [room for _, room, _ in found] == [123 + index % 3 for index in range(250)]
    assert len({transaction for _, _, transaction in found}) == 250


async def test_load_that_cannot_be_written(tables: Target) -> None:
    """A table that is not there gives one clear message, and no process is left."""
    with pytest.raises(FailureError, match="does not exist"):
        await profile_subscription(replace(tables, schema="nowhere"), seconds=0.2)
    assert workers() == []


async def test_broadcast(tables: Target) -> None:
    """Broadcasts on one channel all arrive, in order, at the rate at which they were sent."""
    profile = await profile_broadcast(tables, rates_per_s=[100, 200], seconds=0.5)
    assert [(step.sent, step.received, step.lost, step.reordered) for step in profile.steps] == [
        (50, 50, 0, 0),
        (100, 100, 0, 0),
    ]
    assert profile.best is profile.steps[1]
    assert profile.at(150) is profile.steps[1]
    assert profile.at(1_000) is profile.steps[1]


async def test_broadcast_is_gentle_with_projects(tables: Target) -> None:
    """On a target that is not the lab the default rate fits the free plan."""
    profile = await profile_broadcast(replace(tables, kind=TargetKind.HOSTED), seconds=0.5)
    assert [step.rate_per_s for step in profile.steps] == [40]


async def test_broadcast_cut_off_by_the_limit() -> None:
    """A channel that the server closes is an outcome with the server's words, and not an error."""
    settings = RealtimeSettings(limits=Limits(events_per_s=20), rate_tick_s=0.2, rate_ticks=2)
    async with Lab(LabSettings(realtime=settings)) as lab:
        profile = await profile_broadcast(lab.target, rates_per_s=[400], seconds=2)
    (step,) = profile.steps
    assert step.lost > 0
    assert profile.best is None


async def test_connection(tables: Target) -> None:
    """Every connection and heartbeat is counted, the failed ones with their reason."""
    profile = await profile_connection(tables, repeats=3, heartbeats=2)
    assert (profile.attempts, profile.succeeded, profile.heartbeats, profile.answered) == (80, 80, 6, 6)
    assert profile.connect_ms is not None
    assert profile.join_ms is not None
    assert (profile.connect_ms.n, profile.join_ms.n) == (80, 3)
    assert profile.connect_ms.p95_ci95 is not None
    assert profile.connect_ms.p95_ci95[1] is not None
    assert profile.ready_ms is not None
    refused = await profile_connection(replace(tables, api_url="http://127.0.0.1:1"), repeats=2)
    assert (refused.attempts, refused.succeeded, refused.connect_ms) == (2, 0, None)
    assert len(refused.failures) == 1


async def test_memory(tables: Target) -> None:
    """A subscription takes memory, and one on a socket of its own takes more."""
    profile = await profile_memory(tables, subscriptions=12, step=3)
    assert 0 < profile.shared_socket_kib.low <= profile.shared_socket_kib.high < profile.own_socket_kib.low
    assert profile.own_socket_kib.n == 5
    assert workers() == []


@pytest.mark.parametrize(
    "measure",
    [profile_subscription, compare_subscriptions],
)
async def test_target_without_writes(tables: Target, measure: Callable[..., Awaitable[object]]) -> None:
    """Where nothing may be written, the result is one sentence that says what to set."""
    skipped = await measure(replace(tables, writes_allowed=False))
    assert isinstance(skipped, Skipped)
    assert "WORKBOOK_ALLOW_WRITES=yes" in str(skipped)
    assert len(skipped.to_frame()) == 1


async def test_reading_measurements_need_no_writes(tables: Target) -> None:
    """Connections, broadcasts and memory are measured on any target."""
    reader = replace(tables, writes_allowed=False, database_url=None)
    assert (await profile_connection(reader, repeats=2)).ready_ms is None
    assert (await profile_memory(reader, subscriptions=6, step=3)).own_socket_kib.per_subscription > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"table": "messages"}, "Profile 'events'"),
        ({"filter": "room_id=gt.1"}, "room_id=eq.123"),
        ({"filter": "body=eq.x"}, "room_id=eq.123"),
        ({"filter": "nonsense"}, "room_id=eq.123"),
        ({"filter": "room_id=not.eq.1"}, "room_id=eq.123"),
        ({"rate_per_s": 1e9}, "Choose per_s"),
        ({"repeats": 1}, "at least 2"),
    ],
)
async def test_plan_that_cannot_be_measured(tables: Target, arguments: dict[str, object], says: str) -> None:
    """A table, filter or load that cannot be measured is told before anything is begun."""
    with pytest.raises(SettingsError, match=says):
        await compare_subscriptions(tables, **arguments)  # type: ignore[arg-type]
    assert workers() == []
