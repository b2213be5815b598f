"""A lab starts, lives beside others, and leaves nothing behind, whatever ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from jupyter_client.manager import AsyncKernelManager
from websockets.asyncio.client import connect

from helpers.errors import LabError
from helpers.lab import Lab
from helpers.lab.lab import _new_log
from tests.lab.footprint import Footprint, until_falsy

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 60.0

#: A parent that starts a lab, tells of it, and waits to be killed.
_PARENT = """
import asyncio, json, sys
from helpers.lab import Lab

async def main():
    lab = await Lab.start()
    print(json.dumps({"pid": lab.pid, "info": lab.info}), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""

#: The same, with a fork that holds copies of all its pipes and lives on.
_FORKING_PARENT = """
import asyncio, json, os, time
from helpers.lab import Lab

async def main():
    lab = await Lab.start()
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    print(json.dumps({"pid": lab.pid, "info": lab.info, "child": child}), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""

#: A parent that forgets to stop its lab.
_FORGETFUL_PARENT = """
import asyncio, json
from helpers.lab import Lab

lab = asyncio.run(Lab.start())
print(json.dumps({"pid": lab.pid, "info": lab.info}), flush=True)
"""


_spawned: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _nothing_spawned_stays() -> Iterator[None]:
    """Also after a test that failed."""
    yield
    while _spawned:
        with _spawned.pop() as process:
            process.kill()


def spawn(*arguments: str) -> subprocess.Popen[str]:
    """Run this Python with those arguments, from the repository, until the end of the test at most."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=pipe, stderr=pipe, text=True)
    _spawned.append(process)
    return process


def existing(folders: Iterable[str]) -> list[str]:
    """Those that are there."""
    return [folder for folder in folders if Path(folder).exists()]


async def first_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The first line that a process prints, as JSON."""
    assert process.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_LIMIT)
    said: dict[str, Any] = json.loads(line)
    return said


async def test_context_leaves_nothing_behind() -> None:
    """Leaving the context ends every process, frees both ports and removes folder and log."""
    async with Lab() as lab:
        footprint = Footprint.of_lab(lab)
        assert len(footprint.processes) >= 4, "lab process, leash, PostgreSQL, Node"
        assert len(footprint.left()) == len(footprint.processes) + 3
    assert footprint.left() == []
    assert not lab.log.exists()


async def test_error_inside_context_leaves_nothing_behind() -> None:
    """An exception in the context passes through, and the lab ends."""
    with pytest.raises(ZeroDivisionError):
        async with Lab() as lab:
            footprint = Footprint.of_lab(lab)
            _ = 1 / 0
    assert footprint.left() == []


async def test_stop_twice() -> None:
    """To stop a lab that has been stopped does nothing."""
    lab = await Lab.start()
    footprint = Footprint.of_lab(lab)
    await lab.stop()
    await lab.stop()
    assert footprint.left() == []


@pytest.mark.parametrize("moment", ["node", "postgres"])
async def test_cancelled_start_leaves_nothing_behind(moment: str) -> None:
    """A start that is cancelled half-way ends what it had started, and removes its folder."""
    before = set(psutil.Process().children(recursive=True))
    folders: set[str] = set()

    def started() -> list[str]:
        lines = []
        for process in set(psutil.Process().children(recursive=True)) - before:
            with contextlib.suppress(psutil.Error):
                lines.append(" ".join(process.cmdline()))
        folders.update(re.findall(r"/\S*workbook-lab-\w+", " ".join(lines)))
        return lines

    starting = asyncio.create_task(Lab.start())
    assert not await until_falsy(lambda: not any(f"bin/{moment}" in line for line in started()), within=30.0)
    assert not starting.done()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert started() == []
    assert existing(folders) == []


async def test_command_interrupted_while_it_starts() -> None:
    """Ctrl-C while `workbook lab` starts ends it with 130, in one sentence, with nothing left."""
    command = spawn("-m", "helpers", "lab", "--json")
    top = psutil.Process(command.pid)
    assert not await until_falsy(lambda: len(top.children(recursive=True)) < 3, within=30.0)
    processes = top.children(recursive=True)
    command.send_signal(signal.SIGINT)
    output, errors = command.communicate(timeout=60)
    assert (command.returncode, output) == (130, "")
    assert "Traceback" not in errors
    assert not await until_falsy(lambda: [process for process in processes if process.is_running()], within=5.0)


async def test_two_labs_side_by_side() -> None:
    """Two labs have ports, keys and databases of their own; a key of one opens nothing in the other."""
    async with Lab() as one, Lab() as two:
        for name in ("api_url", "database_url", "publishable_key", "anon_key", "jwt_secret", "db_socket_dir"):
            assert one.info[name] != two.info[name]
        with psycopg.connect(one.info["database_url"], autocommit=True) as connection:
            connection.execute("create table only_here ()")
        with psycopg.connect(two.info["database_url"], autocommit=True) as connection:
            assert connection.execute("select to_regclass('only_here')").fetchone() == (None,)
        async with httpx.AsyncClient(base_url=two.info["api_url"]) as client:
            for key in ("publishable_key", "secret_key", "anon_key", "service_role_key"):
                answer = await client.get("/auth/v1/health", headers={"apikey": one.info[key]})
                assert answer.status_code == 401


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_parent_ended_by_signal(number: signal.Signals) -> None:
    """Whatever signal ends the parent, no process, port or folder is left after 5 s."""
    parent = spawn("-c", _PARENT)
    said = await first_line(parent)
    footprint = Footprint.of(said["pid"], said["info"])
    parent.send_signal(number)
    parent.wait(10)
    assert await footprint.gone(within=5.0) == []


async def test_parent_killed_while_others_are_connected() -> None:
    """A client of another process, which has joined nothing and does not go, cannot keep the lab alive."""
    parent = spawn("-c", _PARENT)
    said = await first_line(parent)
    footprint = Footprint.of(said["pid"], said["info"])
    url = said["info"]["api_url"].replace("http", "ws", 1) + "/realtime/v1/websocket"
    async with connect(f"{url}?apikey={said['info']['publishable_key']}", proxy=None):
        parent.kill()
        parent.wait(10)
        assert await footprint.gone(within=5.0) == []


async def test_parent_killed_whose_fork_lives() -> None:
    """A fork of the parent that holds a copy of the pipe does not keep the lab alive."""
    parent = spawn("-c", _FORKING_PARENT)
    said = await first_line(parent)
    footprint = Footprint.of(said["pid"], said["info"])
    try:
        parent.kill()
        parent.wait(10)
        assert psutil.pid_exists(said["child"])
        assert await footprint.gone(within=5.0) == []
    finally:
        os.kill(said["child"], signal.SIGKILL)


async def test_parent_that_forgets() -> None:
    """An interpreter that ends without stopping its lab leaves nothing behind."""
    parent = spawn("-c", _FORGETFUL_PARENT)
    said = await first_line(parent)
    footprint = Footprint(
        processes=(), ports=tuple(_port(said["info"][name]) for name in ("api_url", "database_url")),
        folder=Path(said["info"]["db_socket_dir"]),
    )  # fmt: skip
    assert parent.wait(20) == 0
    assert await footprint.gone(within=5.0) == []
    assert not psutil.pid_exists(said["pid"])


@pytest.mark.parametrize("victim", ["lab", "lab and leash"])
async def test_lab_process_killed(victim: str) -> None:
    """When the lab process itself is killed, PostgreSQL and Node end; the leash removes the folder."""
    lab = await Lab.start()
    footprint = Footprint.of_lab(lab)
    top, *children = footprint.processes
    if victim == "lab and leash":
        if not sys.platform.startswith("linux"):
            pytest.skip("without a leash, only Linux ends the children of a killed process")
        next(child for child in children if "leash.py" in " ".join(child.cmdline())).kill()
    top.kill()
    left = await footprint.gone(within=5.0)
    if victim == "lab":
        assert left == []
    else:
        assert left == [f"folder {footprint.folder}"]
        shutil.rmtree(footprint.folder)
    assert not lab.running
    await lab.stop()


@pytest.mark.parametrize("name", ["postgres", "node"])
async def test_service_dies(name: str) -> None:
    """A lab one of whose services dies ends as a whole, and says which it was in its log."""
    lab = await Lab.start()
    footprint = Footprint.of_lab(lab)
    service = next(child for child in footprint.processes[1:] if Path(child.exe()).name == name)
    service.kill()
    assert await footprint.gone(within=5.0) == []
    assert "ended by itself, so the lab ends" in lab.log.read_text()
    await lab.stop()


@pytest.mark.parametrize("now", [True, False], ids=["killed", "asked to end"])
async def test_kernel_restart(now: bool) -> None:
    """A notebook whose kernel is restarted leaves no lab behind."""
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel(cwd=str(ROOT))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=START_LIMIT)
        said: list[str] = []
        code = (
            "import json; from helpers.lab import Lab; lab = await Lab.start()\nprint(json.dumps([lab.pid, lab.info]))"
        )
        await client.execute_interactive(
            code, timeout=START_LIMIT, output_hook=lambda message: said.append(message["content"].get("text", ""))
        )
        pid, info = json.loads("".join(said))
        footprint = Footprint.of(pid, info)
        await manager.restart_kernel(now=now)
        assert await footprint.gone(within=5.0) == []
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def test_command_serves_until_interrupted() -> None:
    """`workbook lab --json` prints one line when ready, and ends with 0 and nothing left after Ctrl-C."""
    command = spawn("-m", "helpers", "lab", "--json")
    info = await first_line(command)
    wanted = {"api_url", "anon_key", "service_role_key", "publishable_key", "secret_key", "jwt_secret", "database_url"}
    assert wanted <= set(info)
    lab = next(child for child in psutil.Process(command.pid).children() if "helpers.lab.process" in child.cmdline())
    footprint = Footprint.of(lab.pid, info)
    async with httpx.AsyncClient(base_url=info["api_url"]) as client:
        answer = await client.get("/auth/v1/health", headers={"apikey": info["publishable_key"]})
        assert answer.status_code == 200
    command.send_signal(signal.SIGINT)
    rest, _ = command.communicate(timeout=60)
    assert (command.returncode, rest) == (0, "")
    assert footprint.left() == []


async def test_command_prints_for_people() -> None:
    """Without --json the command prints URL, keys and database URL in full, and says when it has ended."""
    command = spawn("-m", "helpers", "lab")
    assert command.stdout is not None
    lines: list[str] = []
    while not any("Log" in line for line in lines):
        lines.append(await asyncio.wait_for(asyncio.to_thread(command.stdout.readline), START_LIMIT))
    command.send_signal(signal.SIGTERM)
    rest, _ = command.communicate(timeout=60)
    text = "".join(lines)
    for mark in ("http://127.0.0.1:", "sb_publishable_", "sb_secret_", "eyJ", "postgresql://postgres:"):
        assert mark in text
    assert (command.returncode, rest) == (0, "The lab has ended.\n")


async def test_command_whose_lab_dies() -> None:
    """`workbook lab` whose lab breaks ends with 1 and names the log."""
    command = spawn("-m", "helpers", "lab", "--json")
    await first_line(command)
    lab = next(child for child in psutil.Process(command.pid).children() if "helpers.lab.process" in child.cmdline())
    lab.kill()
    _, errors = command.communicate(timeout=60)
    assert command.returncode == LabError.exit_code
    assert "one of its processes ended" in errors
    assert ".log" in errors
    assert "Traceback" not in errors


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def test_logs_of_the_dead_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest make room for new ones, but none of a lab that may still run."""
    monkeypatch.setenv("WORKBOOK_CACHE_DIR", str(tmp_path))
    logs = tmp_path / "logs"
    logs.mkdir()
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, alive = int(ended.stdout), os.getpid()
    for number in range(30):
        (logs / f"lab-20260101T0000{number:02}-{alive if number == 3 else dead}-1.log").touch()
    _new_log()
    left = sorted(log.name for log in logs.iterdir())
    assert len(left) == 21
    assert left[0] == f"lab-20260101T000003-{alive}-1.log"
