"""A fleet on Dask: what its workers measured is one result, and nobody who is missing or differs is averaged away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio

from helpers.errors import ConnectionFailed, RunError, SettingsError
from helpers.places import repository_root
from helpers.profiling.histogram import RELATIVE_ERROR, Histogram
from helpers.profiling.receiving import Dask, Fleet, Gathered, Listening, cluster, remote
from helpers.target import Target
from tests.profiling.receiving.test_fleet import MESSAGES, is_running, order, send

SHIFT_S = 5.0
PERCENTS = (1, 25, 50, 75, 90, 95, 99, 99.9, 100)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dask() -> AsyncIterator[Dask]:
    """Three workers on this machine."""
    async with Dask(workers=3) as opened:
        yield opened


@asynccontextmanager
async def party(tmp_path: Path, **told: object) -> AsyncIterator[str]:
    """A scheduler or worker in a process of its own; yields its address."""
    command = (sys.executable, "-m", "tests.profiling.receiving.dask_party", json.dumps(told))
    environment = os.environ | {"DASK_TEMPORARY_DIRECTORY": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment)
    try:
        yield await _line(process)
    finally:
        process.kill()
        await process.wait()


async def _line(process: Process) -> str:
    assert process.stdout is not None and process.stderr is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    return line.decode().strip() or pytest.fail((await process.stderr.read()).decode())


async def received(target: Target, dask: Dask, topic: str, listening: Listening | None = None) -> Gathered:
    """What a fleet on that cluster receives of a broadcast."""
    async with Fleet(listening or order(target, topic, limit_s=2), on=dask) as fleet:
        at, result = fleet.start()
        await send(target, topic, at)
        return await result


async def test_merged_percentiles_are_those_of_the_pooled_samples(wide: Target, dask: Dask) -> None:
    """Three workers keep histograms and, for once, every latency: both tell the same, worker by worker and as one."""
    listening = Listening(target=wide, channels=("pool",), sockets=31, messages=MESSAGES, limit_s=10, keep_sample=True)
    found = await received(wide, dask, "pool", listening)
    assert (found.lost, found.duplicated, found.gone, found.failures) == (0, 0, (), {})
    assert [part.streams for part in found.parts] == [11, 10, 10]
    assert len({member.name for member in found.members}) == 3
    pooled = np.concatenate([part.latencies_s for part in found.parts])
    assert found.latency.count == pooled.size == 31 * MESSAGES
    whole = Histogram()
    whole.record_many(pooled)
    for percent in PERCENTS:
        merged = found.latency.percentile_s(percent)
        assert merged == whole.percentile_s(percent)
        exact = float(np.percentile(pooled, percent, method="inverted_cdf"))
        assert merged == pytest.approx(exact, rel=RELATIVE_ERROR)
    assert found.latency.max_s == pooled.max() and found.latency.mean_s == pytest.approx(pooled.mean())


async def test_the_start_is_one_moment_and_all_is_in_one_recording(wide: Target, dask: Dask) -> None:
    """Nobody receives before it; sizes, streams, lateness and order of members are kept."""
    async with Fleet(order(wide, "one"), on=dask) as fleet:
        assert fleet.joined == 30
        at, result = fleet.start()
        await send(wide, "one", at)
        found = await result
    assert min(part.first_at for part in found.parts) >= at
    run = found.recording("fleet", run=3)
    assert (run.label, run.run, run.sent, run.expected, run.received, run.lost) == ("fleet", 3, 50, 1_500, 1_500, 0)
    assert run.payload_bytes == sum(stream.payload_bytes for stream in run.streams) > 1_500 * 40
    assert len({stream.socket for stream in run.streams}) == 30 and run.wire_bytes > run.payload_bytes
    assert run.harness is not None and run.harness.cpu_percent > 0
    assert all(member.skew.is_one_clock for member in found.members)
    assert list(found.to_frame().index)[-1] == "all" and len(found.to_frame()) == 4


async def test_a_worker_that_dies_is_told_and_what_it_missed_is_lost(wide: Target) -> None:
    """Its share is in the result as lost, the others' stands; another fleet can follow; nothing is left over."""
    before = _dask_folders()
    async with Dask(workers=3) as dask:
        async with Fleet(order(wide, "dying", limit_s=2), on=dask) as fleet:
            pids = fleet.pids
            at, result = fleet.start()
            os.kill(pids[1], signal.SIGKILL)
            await send(wide, "dying", at)
            found = await result
        assert len(found.gone) == 1 and "worker 2 of 3" in found.gone[0] and "before it reported" in found.gone[0]
        assert (found.streams, found.joined, found.lost) == (30, 20, 10 * MESSAGES)
        assert any(note.endswith("the 500 messages for it count as lost") for note in found.notes)
        assert found.recording("x").lost == 10 * MESSAGES
        again = await received(wide, dask, "again")
        assert again.received >= 20 * MESSAGES
    assert not any(map(is_running, pids))
    assert _dask_folders() == before


def _dask_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("*dask*"))


async def test_a_worker_that_stands_still_is_told(wide: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for no longer than its limit, neither by the measurement nor at the end."""
    async with Dask(workers=2) as dask:
        async with Fleet(order(wide, "still"), on=dask) as fleet:
            pid = fleet.pids[0]
        os.kill(pid, signal.SIGSTOP)
        for limit in ("INTRODUCE_LIMIT_S", "CONNECT_LIMIT_S", "CLOSE_LIMIT_S"):
            monkeypatch.setattr(remote, limit, 1.0)
        found = await received(wide, dask, "still")
    assert len(found.gone) == 1 and "did not answer within 1 s" in found.gone[0]
    assert (found.joined, found.lost) == (15, 15 * MESSAGES)
    assert not is_running(pid)


async def test_a_clock_that_is_ahead_is_found_within_its_uncertainty(wide: Target, tmp_path: Path) -> None:
    """Of two workers one reads a clock that is 5 s ahead: the skew is measured, told, and not in the latencies."""
    async with (
        party(tmp_path) as scheduler,
        party(tmp_path, scheduler=scheduler),
        party(tmp_path, scheduler=scheduler, clock_ahead_s=SHIFT_S) as ahead,
        Dask(scheduler=scheduler) as there,
    ):
        found = await received(wide, there, "skew")
    shifted, even = sorted(found.members, key=lambda member: ahead not in member.name)
    assert even.skew.is_one_clock
    assert shifted.skew.exchanges > 0 and shifted.skew.moved_s == 0
    assert abs(shifted.skew.offset_s - SHIFT_S) <= shifted.skew.uncertainty_s < 0.5
    assert (found.lost, found.joined) == (0, 30)
    assert found.latency.max_s < SHIFT_S - 1
    assert found.seconds < SHIFT_S - 1
    assert any(f"{ahead}): its clock is 5,0" in note or "its clock is 4,9" in note for note in found.notes)
    assert "ahead (±" in found.to_frame().loc[shifted.name, "clock"]


async def test_fewer_workers_than_asked_and_one_of_another_version(wide: Target, tmp_path: Path) -> None:
    """Who is not there, and who cannot be trusted to measure alike, is told with its share of the messages."""
    other = {"supabase-realtime-workbook": "0.0.1"}
    async with (
        party(tmp_path) as scheduler,
        party(tmp_path, scheduler=scheduler),
        party(tmp_path, scheduler=scheduler, versions=other) as old,
        Dask(workers=3, scheduler=scheduler) as there,
    ):
        found = await received(wide, there, "fewer")
    assert (found.joined, found.streams, found.lost) == (10, 30, 20 * MESSAGES)
    assert len(found.gone) == 2
    assert any("the scheduler has fewer workers than were asked for" in gone for gone in found.gone)
    assert any(old in gone and "another version: supabase-realtime-workbook 0.0.1" in gone for gone in found.gone)


async def test_a_scheduler_of_another_version_is_refused(tmp_path: Path) -> None:
    """Before anybody joins, with both versions."""
    async with party(tmp_path, versions={"distributed": "2020.1.0"}) as scheduler:
        with pytest.raises(RunError, match=r"another version: distributed 2020\.1\.0 and here"):
            await Dask(scheduler=scheduler).__aenter__()


async def test_a_scheduler_without_workers_is_told(wide: Target, tmp_path: Path) -> None:
    """With what starts one."""
    async with party(tmp_path) as scheduler, Dask(scheduler=scheduler) as there:
        with pytest.raises(RunError, match="has no workers"):
            await Fleet(order(wide, "nobody"), on=there).__aenter__()


async def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nobody answers, and one that is none."""
    monkeypatch.setattr(remote, "CONNECT_LIMIT_S", 1.0)
    with pytest.raises(ConnectionFailed, match="dask scheduler"):
        await Dask(scheduler="tcp://127.0.0.1:1").__aenter__()
    with pytest.raises(SettingsError, match="Give its address"):
        await Dask(scheduler="nonsense://x").__aenter__()


async def test_bad_plans_are_refused(wide: Target) -> None:
    """Before anything is started."""
    for workers in (0, cluster.MAX_WORKERS + 1):
        with pytest.raises(SettingsError):
            Dask(workers)
    with pytest.raises(SettingsError, match="not open"):
        await Fleet(order(wide, "closed"), on=Dask(1)).__aenter__()
    with pytest.raises(SettingsError, match="would be kept"):
        Fleet(Listening(target=wide, channels=("a",), sockets=100, messages=10**5, limit_s=1, keep_sample=True))


async def test_leaving_early_ends_what_workers_do(wide: Target, dask: Dask) -> None:
    """An interruption closes their sockets, and the workers serve the next fleet."""
    with contextlib.suppress(KeyboardInterrupt):
        async with Fleet(order(wide, "interrupted"), on=dask) as fleet:
            (pid, *_) = fleet.pids
            raise KeyboardInterrupt
    await _until(lambda: all(connection.raddr[1:] != (wide.port,) for connection in _connections(pid)))
    assert (await received(wide, dask, "after")).lost == 0


def _connections(pid: int) -> list[psutil._ntuples.pconn]:
    return psutil.Process(pid).net_connections(kind="tcp")


async def _until(holds: Callable[[], bool], limit_s: float = 20) -> None:
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110 - other processes decide when
            await asyncio.sleep(0.05)


async def test_a_driver_that_is_killed_leaves_no_worker() -> None:
    """Without a chance to clean up."""
    code = (
        "import asyncio\n"
        "from helpers.profiling.receiving import Dask\n"
        "async def main():\n"
        "    async with Dask(2) as dask:\n"
        "        print('open', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    driver = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE, cwd=repository_root())
    assert driver.stdout is not None
    assert await asyncio.wait_for(driver.stdout.readline(), 60)
    pids = [child.pid for child in psutil.Process(driver.pid).children(recursive=True)]
    driver.kill()
    await driver.wait()
    assert len(pids) >= 2
    await _until(lambda: not any(map(is_running, pids)))


def test_dask_is_imported_when_it_is_needed() -> None:
    """It takes a second, which nobody else should wait for."""
    code = "import sys, helpers.profiling.receiving; print([m for m in ('dask', 'distributed') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=repository_root(), text=True).strip() == "[]"
