"""`workbook run` in a shell: each mistake is one clear message, and nothing is left behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import psycopg
import pytest

from helpers.cli import main
from helpers.lab import Lab
from tests.run.conftest import descendants_of, wait_for, write_notebook

Shell = Callable[..., "subprocess.Popen[str]"]

KEY = "sb_publishable_abcdefghijklmnop"


def fails(shell: Shell, tmp_path: Path, env: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run against the project of `env`; exit code and message. Checks what holds for every mistake."""
    out = tmp_path / "out"
    process = shell("run", "--target", "env", "--out", str(out), *arguments, env=env)
    seen, message = process.communicate(timeout=60)
    assert "Traceback" not in seen + message
    assert "What to do:" in message
    assert not out.exists()
    assert descendants_of(str(tmp_path)) == []
    return process.returncode, " ".join(message.split())


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "SUPABASE_URL is not set"),
        ("supabase.co", "is not a web address"),
        ("ftp://x.supabase.co", "is not a web address"),
        ("http://:99999", "is not a web address"),
    ],
)
def test_wrong_url(shell: Shell, tmp_path: Path, url: str, says: str) -> None:
    """A URL that is none is told with an example of a right one."""
    code, message = fails(shell, tmp_path, {"SUPABASE_URL": url, "SUPABASE_PUBLISHABLE_KEY": KEY})
    assert code == 2
    assert says in message


@pytest.mark.parametrize("key", ["", "abcdefgh", "eyJonly.two", "sb_secret_abcdefghijklmnop"])
def test_malformed_key(shell: Shell, tmp_path: Path, key: str) -> None:
    """A key that cannot be one is told without being shown."""
    code, message = fails(shell, tmp_path, {"SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_PUBLISHABLE_KEY": key})
    assert code == 2
    assert "publishable key" in message
    assert not key or key not in message


def test_unreachable_host(shell: Shell, tmp_path: Path) -> None:
    """A host where nothing answers is told with its address."""
    with socket.socket() as nobody:  # bound, so that nobody else takes the port; not listening, so that it refuses
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        code, message = fails(shell, tmp_path, {"SUPABASE_URL": url, "SUPABASE_PUBLISHABLE_KEY": KEY})
    assert code == 1
    assert url in message


def test_unknown_host(shell: Shell, tmp_path: Path) -> None:
    """A name without an address is told."""
    env = {"SUPABASE_URL": "https://no-such-project.invalid", "SUPABASE_PUBLISHABLE_KEY": KEY}
    code, message = fails(shell, tmp_path, env)
    assert code == 1
    assert "no-such-project.invalid" in message


async def test_wrong_key(shell: Shell, tmp_path: Path, lab: Lab) -> None:
    """A key of another project is refused by the server; the message shows the answer and masks the key."""
    foreign = jwt.encode({"role": "anon", "exp": 4_000_000_000}, "another project's secret, not this one", "HS256")
    env = {"SUPABASE_URL": lab.target.api_url, "SUPABASE_PUBLISHABLE_KEY": foreign}
    code, message = fails(shell, tmp_path, env)
    assert code == 2
    assert "401" in message
    assert foreign not in message


class _NoRealtime(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_error(404, "Not Found")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web_server() -> Iterator[str]:
    """A web server that knows nothing of Realtime."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _NoRealtime)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_project_without_realtime(shell: Shell, tmp_path: Path, web_server: str) -> None:
    """A server without Realtime is told apart from one that does not answer."""
    code, message = fails(shell, tmp_path, {"SUPABASE_URL": web_server, "SUPABASE_PUBLISHABLE_KEY": KEY})
    assert code == 2
    assert "HTTP status 404" in message
    assert "Check SUPABASE_URL" in message


def test_server_that_says_nothing(shell: Shell, tmp_path: Path) -> None:
    """A port that takes connections and never answers does not hang the run."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        code, message = fails(shell, tmp_path, {"SUPABASE_URL": url, "SUPABASE_PUBLISHABLE_KEY": KEY})
    assert code == 1
    assert url in message


def test_corrupt_env_file(shell: Shell, tmp_path: Path) -> None:
    """A corrupt .env is told by file and line."""
    file = tmp_path / "broken.env"
    file.write_text("SUPABASE_URL=http://127.0.0.1:1\nthis is no assignment\n")
    code, message = fails(shell, tmp_path, {"WORKBOOK_ENV_FILE": str(file)})
    assert code == 2
    assert f"{file}: line 2" in message


def test_size_of_no_kind(shell: Shell) -> None:
    """A size that there is not is told at once, with those that there are."""
    process = shell("run", "--target", "lab", "--size", "huge")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "there is no size 'huge'" in said
    assert "small or full" in said
    assert "Traceback" not in said


def test_output_below_a_file(shell: Shell, tmp_path: Path, notebooks: Path) -> None:
    """An output folder that cannot be made is told before the lab is started, also to root."""
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "out")
    process = shell("run", "--target", "lab", "--notebooks", str(notebooks), "--out", out)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--out" in message
    assert "Traceback" not in message
    assert descendants_of(str(tmp_path)) == []


def long_run(shell: Shell, tmp_path: Path, notebooks: Path) -> subprocess.Popen[str]:
    """A run that is in the middle of a cell, with lab and kernel."""
    started = tmp_path / "started"
    write_notebook(notebooks / "01_long.ipynb", f"import time\nopen({str(started)!r}, 'w').close()\ntime.sleep(120)")
    arguments = ("run", "--target", "lab", "--notebooks", str(notebooks), "--out", str(tmp_path / "out"))
    process = shell(*arguments)
    wait_for(lambda: started.exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def test_two_runs_at_once(shell: Shell, tmp_path: Path, notebooks: Path) -> None:
    """The second run in the same folder ends with a clear message and does not disturb the first."""
    first = long_run(shell, tmp_path, notebooks)
    arguments = ("run", "--target", "lab", "--notebooks", str(notebooks), "--out", str(tmp_path / "out"))
    second = shell(*arguments)
    _, message = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "another run is writing there" in " ".join(message.split())
    assert first.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_nothing(shell: Shell, tmp_path: Path, notebooks: Path, number: signal.Signals) -> None:
    """Ctrl-C in the middle of a cell ends kernel and lab, publishes nothing, and says so in one line."""
    process = long_run(shell, tmp_path, notebooks)
    assert len(descendants_of(str(tmp_path))) > 2  # lab and kernel are there
    process.send_signal(number)
    _, message = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in message
    assert "Interrupted" in message
    wait_for(lambda: descendants_of(str(tmp_path)) == [], 30)
    assert not (tmp_path / "out").exists()


def test_killed_run_leaves_no_process(shell: Shell, tmp_path: Path, notebooks: Path) -> None:
    """Even kill -9 leaves no kernel and no lab, and the next run finds the folder free."""
    process = long_run(shell, tmp_path, notebooks)
    process.kill()
    process.wait()
    wait_for(lambda: descendants_of(str(tmp_path)) == [], 30)
    (notebooks / "01_long.ipynb").unlink()
    again = shell("run", "--target", "lab", "--notebooks", str(notebooks), "--out", str(tmp_path / "out"))
    seen, message = again.communicate(timeout=60)
    assert again.returncode == 0, message
    assert "report.html" in seen
    assert "jupyter lab notebooks" in seen
    assert [path.name for path in (tmp_path / "out").glob(".run-*")] == []


async def test_run_on_a_project(shell: Shell, tmp_path: Path, notebooks: Path, lab: Lab) -> None:
    """On a project the tables live in a schema of their own, and are gone afterwards."""
    env = project(lab)
    code = """
from helpers.session import connect, disconnect
target = await connect()
print(target, target.schema)
import psycopg
with psycopg.connect(target.database_url) as connection:
    print(connection.execute("select count(*) from workbook.rooms").fetchone())
await disconnect()
"""
    write_notebook(notebooks / "01_project.ipynb", code)
    arguments = ("run", "--target", "env", "--notebooks", str(notebooks), "--out", str(tmp_path / "out"))
    process = shell(*arguments, env=env)
    _, message = process.communicate(timeout=120)
    assert process.returncode == 0, message
    done = json.loads((tmp_path / "out" / "notebooks" / "01_project.ipynb").read_text())
    assert f"local at {lab.target.api_url} workbook" in json.dumps(done)
    assert "(5,)" in json.dumps(done)
    assert not has_schema(lab, "workbook")


async def test_failed_run_drops_its_tables(shell: Shell, tmp_path: Path, notebooks: Path, lab: Lab) -> None:
    """A run that fails on a project leaves no tables there."""
    write_notebook(notebooks / "01_bad.ipynb", "1 / 0")
    arguments = ("run", "--target", "env", "--notebooks", str(notebooks), "--out", str(tmp_path / "out"))
    process = shell(*arguments, env=project(lab))
    _, message = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "ZeroDivisionError" in message
    assert not has_schema(lab, "workbook")


@pytest.mark.parametrize("schema", ["public", "somebody_elses"])
async def test_schema_of_somebody_else(shell: Shell, tmp_path: Path, lab: Lab, schema: str) -> None:
    """A schema that the workbook did not make is never used, and so never dropped."""
    with psycopg.connect(lab.target.database_url or "", autocommit=True) as connection:
        connection.execute("create schema if not exists somebody_elses")
        code, message = fails(shell, tmp_path, {**project(lab), "WORKBOOK_SCHEMA": schema})
        assert code == 2
        assert "WORKBOOK_SCHEMA" in message
        assert has_schema(lab, schema)
        connection.execute("drop schema somebody_elses")


async def test_wrong_database_url(shell: Shell, tmp_path: Path, lab: Lab) -> None:
    """A database that refuses is told without its password."""
    url = "postgresql://postgres:my-hidden-word@127.0.0.1:1/postgres"
    code, message = fails(shell, tmp_path, {**project(lab), "DATABASE_URL": url})
    assert code == 2
    assert "DATABASE_URL" in message
    assert "my-hidden-word" not in message


def project(lab: Lab) -> dict[str, str]:
    """The variables that name a lab as if it were somebody's project."""
    target = lab.target
    return {
        "SUPABASE_URL": target.api_url,
        "SUPABASE_PUBLISHABLE_KEY": target.publishable_key,
        "SUPABASE_SECRET_KEY": target.secret_key or "",
        "DATABASE_URL": target.database_url or "",
        "WORKBOOK_ALLOW_WRITES": "yes",
    }


def has_schema(lab: Lab, name: str) -> bool:
    with psycopg.connect(lab.target.database_url or "") as connection:
        return connection.execute("select 1 from pg_namespace where nspname = %s", [name]).fetchone() is not None


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """`workbook --help` ends with 0 and names every command."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    seen = capsys.readouterr().out
    assert "run" in seen
    assert "lab" in seen


def test_help_imports_little() -> None:
    """`workbook --help` is instant because it imports nothing that is large."""
    code = "import sys, helpers.cli; print([m for m in ('pandas', 'aiohttp', 'nbclient') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run", "--target", "moon"]])
def test_wrong_arguments(arguments: list[str]) -> None:
    """Arguments that mean nothing end with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
