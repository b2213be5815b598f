"""The engine's process: which one, who may ask it, when it ends, and what it says when it cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from helpers.errors import PrismaError, SettingsError
from helpers.node import node_executable, npm_parts
from helpers.places import repository_root
from helpers.prisma import EngineKind, Prisma, choose_engine, prisma_client, statements_sent
from helpers.prisma.engines import ENGINE_COMMIT
from helpers.prisma.generate import client_folder
from helpers.target import Target

ROOT = repository_root()


def engine_process(client: Prisma) -> psutil.Process:
    return psutil.Process(client._engine.process.pid)


def until(condition: Callable[[], bool], limit_s: float = 5.0) -> bool:
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What looks like Prisma's binary: it takes the flags of the real one, and has the engine run on Node."""
    engine = tmp_path / "query-engine"
    os.mkfifo(tmp_path / "endless")
    script = ROOT / "helpers" / "prisma_engine" / "query-engine.mjs"
    lines = (
        "#!/bin/sh",
        f'[ "$1" = --version ] && echo query-engine {ENGINE_COMMIT} && exit',
        '[ "$1 $2 $3" = "--enable-metrics --enable-raw-queries --port" ] || exit 9',
        f'exec 0<>"{tmp_path}/endless"',  # the binary does not look at its standard input
        f'exec "{node_executable()}" "{script}" --parts "{npm_parts()}" --port "$4"',
    )
    engine.write_text("\n".join(lines))
    engine.chmod(0o755)
    monkeypatch.setenv("PRISMA_QUERY_ENGINE_BINARY", str(engine))
    return engine


def test_auto_takes_the_native_engine_where_there_is_one(native: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of another version is passed over."""
    monkeypatch.setenv("PRISMA_ENGINE", "auto")
    assert choose_engine().kind is EngineKind.NATIVE
    native.write_text("#!/bin/sh\necho query-engine 0000000000000000000000000000000000000000\n")
    assert choose_engine().kind is EngineKind.WASM


def test_wasm_is_taken_where_it_is_asked_for(native: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although a native engine is there."""
    monkeypatch.setenv("PRISMA_ENGINE", "wasm")
    assert choose_engine().kind is EngineKind.WASM


def test_native_without_a_binary_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded behind anybody's back."""
    monkeypatch.setenv("PRISMA_ENGINE", "native")
    monkeypatch.setenv("PRISMA_BINARY_CACHE_DIR", str(tmp_path))
    with pytest.raises(PrismaError, match="prisma py fetch"):
        choose_engine()


def test_an_unknown_engine_is_a_mistake_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """And names what can be set."""
    monkeypatch.setenv("PRISMA_ENGINE", "rust")
    with pytest.raises(SettingsError, match="auto, native or wasm"):
        choose_engine()


async def test_a_native_engine_runs_on_a_leash(native: Path, chat: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started with the binary's own flags, and ended with its client."""
    monkeypatch.setenv("PRISMA_ENGINE", "native")
    client = await prisma_client(chat)
    assert await client.room.count() >= 5
    leash = engine_process(client)
    [engine] = leash.children()
    assert "leash.py" in " ".join(leash.cmdline())
    await client.disconnect()
    assert until(lambda: gone(leash.pid) and gone(engine.pid))


async def test_the_engine_listens_on_loopback_and_asks_for_a_token(client: Prisma) -> None:
    """Another account of the machine could reach the port, but not use it."""
    ports = [link.laddr for link in engine_process(client).net_connections() if link.status == psutil.CONN_LISTEN]
    assert [address.ip for address in ports] == ["127.0.0.1"]
    async with httpx.AsyncClient(trust_env=False) as stranger:
        for path in ("/", "/status", "/metrics", "/transaction/start"):
            assert (await stranger.post(f"http://127.0.0.1:{ports[0].port}{path}", content="{}")).status_code == 401


async def test_no_secret_is_on_the_engines_command_line(client: Prisma, chat: Target) -> None:
    """Every account of the machine can read command lines."""
    line = " ".join(engine_process(client).cmdline())
    assert "postgresql://" not in line
    assert client._engine.headers["authorization"].removeprefix("Bearer ") not in line


async def test_an_interrupt_of_the_notebook_does_not_reach_the_engine(client: Prisma) -> None:
    """Jupyter interrupts the whole process group; the engine has a session of its own."""
    assert os.getsid(engine_process(client).pid) != os.getsid(0)


async def test_statements_are_counted(client: Prisma) -> None:
    """One for a count, and four for a batch of many rows: begin, delete, insert, commit."""
    before = await statements_sent(client)
    await client.event.count()
    assert await statements_sent(client) - before <= 2  # a new connection is set up with one more
    rows = [{"roomId": 1, "seq": n} for n in range(50)]
    before = await statements_sent(client)
    async with client.batch_() as batch:
        batch.event.delete_many(where={"roomId": 1})
        batch.event.create_many(data=rows)
    assert await statements_sent(client) - before <= 5
    await client.event.delete_many()


async def test_transactions_do_not_wait_for_each_other_for_ever(client: Prisma) -> None:
    """More transactions than queries may be in flight: each can go on, and none holds up the rest."""

    async def one(n: int) -> int:
        async with client.tx() as tx:
            await tx.event.create(data={"roomId": 2, "seq": n})
            return int(await tx.event.count(where={"roomId": 2, "seq": n}))

    async with asyncio.timeout(20):
        assert await asyncio.gather(*[one(n) for n in range(8)]) == [1] * 8
    await client.event.delete_many()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u:s3cretword@127.0.0.1:1/db", "Can't reach database server at `127.0.0.1:1`"),
        (
            "postgresql://u:s3cretword@no-such-host.invalid/db",
            "Can't reach database server at `no-such-host.invalid:5432`",
        ),
    ],
)
async def test_no_database_is_told_at_once(target: Target, url: str, reason: str) -> None:
    """With the engine's own reason instead of a general one after ten seconds, and without the password."""
    started = time.monotonic()
    with pytest.raises(PrismaError) as caught:
        await prisma_client(replace(target, database_url=url))
    assert reason in str(caught.value)
    assert "s3cretword" not in str(caught.value)
    assert time.monotonic() - started < 9


async def test_a_wrong_database_and_a_wrong_password_are_told_apart(target: Target) -> None:
    """As Prisma's own engine tells them."""
    assert target.database_url
    with pytest.raises(PrismaError, match="Database `nothing` does not exist"):
        await prisma_client(replace(target, database_url=target.database_url.rpartition("/")[0] + "/nothing"))
    scheme, _, rest = target.database_url.partition("://")
    wrong = f"{scheme}://nobody:wrong@{rest.rpartition('@')[2]}"
    with pytest.raises(PrismaError, match=r"Authentication failed .* `nobody`"):
        await prisma_client(replace(target, database_url=wrong))


async def test_without_a_database_url_it_says_what_to_set(target: Target) -> None:
    """Before anything is generated or started."""
    with pytest.raises(PrismaError, match="Set DATABASE_URL"):
        await prisma_client(replace(target, database_url=None))


SCRIPT = """
import asyncio, sys
from helpers.prisma import prisma_client
from helpers.target import Target, TargetKind

async def main():
    url = sys.stdin.readline().strip()
    target = Target(TargetKind.LAB, "http://127.0.0.1:1", "key", database_url=url, schema="prisma_chat")
    client = await prisma_client(target)
    print(client._engine.process.pid, await client.room.count(), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("engine", ["wasm", "native"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_engine_dies_with_its_python_process(
    native: Path, chat: Target, number: signal.Signals, engine: str
) -> None:
    """However that one ends."""
    assert chat.database_url
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, text=True, start_new_session=True,
        env=os.environ | {"PRISMA_ENGINE": engine},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as python:  # fmt: skip
        assert python.stdin and python.stdout
        print(chat.database_url, file=python.stdin, flush=True)
        pid, rooms = map(int, python.stdout.readline().split())
        assert rooms >= 5
        family = [pid, *(child.pid for child in psutil.Process(pid).children())]
        assert len(family) == (1 if engine == "wasm" else 2)
        python.send_signal(number)
        assert until(lambda: all(map(gone, family))), "the engine has outlived its Python process"


def test_two_processes_generate_one_client(tmp_path: Path) -> None:
    """One generates, the other waits for it, and neither leaves anything half-made."""
    (tmp_path / "npm").symlink_to(npm_parts().parent)
    code = "from helpers.prisma.generate import client_folder; print(client_folder())"
    environment = os.environ | {"WORKBOOK_CACHE_DIR": str(tmp_path)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    [folder] = {Path(out.strip()) for out, _ in told}
    assert "".join(errors for _, errors in told).count("Generating the Prisma client") == 1
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name, f"{folder.name}.lock"]


def test_a_schema_that_is_not_valid_is_told_in_prismas_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of it is kept."""
    parts = npm_parts()
    monkeypatch.setenv("WORKBOOK_CACHE_DIR", str(tmp_path))
    (tmp_path / "npm").symlink_to(parts.parent)
    schema = tmp_path / "schema.prisma"
    text = (ROOT / "data" / "prisma" / "schema.prisma").read_text()
    schema.write_text(text.replace("author    String", "author    Strng"))
    with pytest.raises(PrismaError, match='Type "Strng" is neither a built-in type'):
        client_folder(schema, report=lambda _: None)
    assert [path.suffix for path in (tmp_path / "prisma").iterdir()] == [".lock"]
