"""What is committed: no outputs, no secrets, no addresses of package hosts, nothing unexpected at the top level."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {"notebooks", "helpers", "data", "tests", "environment.yml", "pyproject.toml", "requirements.txt"}
PAPERS = {"README.md", "LICENSE", "CHANGELOG.md"}
#: Spelled in pieces, so that this file does not hold what it looks for.
PACKAGE_HOSTS = [name + end for name, end in (("pypi", ".org"), ("pythonhosted", ".org"), ("npmjs", ".org"))]
SECRET_KEY = r"sb_secret_[A-Za-z0-9_-]{20,}"
SIGNED_TOKEN = r"eyJ[A-Za-z0-9_-]{30,}\.eyJ[A-Za-z0-9_-]{30,}\.[A-Za-z0-9_-]{30,}"
REAL_SECRET = re.compile(f"{SECRET_KEY}|{SIGNED_TOKEN}")


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("git, or the repository's .git folder, is missing: cannot tell which files are committed")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_the_top_level_holds_only_the_agreed_folders_and_files() -> None:
    """A newcomer sees at the top what the design says, and nothing else."""
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} - TOP_LEVEL - PAPERS == set()


def test_no_address_of_a_package_host_is_committed() -> None:
    """Pins and locks name packages and hashes, never where they are downloaded from."""
    assert [(path, host) for path, text in texts() for host in PACKAGE_HOSTS if host in text] == []


def test_no_secret_is_committed() -> None:
    """No file holds something shaped like a real secret key or a signed token."""
    assert [path for path, text in texts() if REAL_SECRET.search(text)] == []


def notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").rglob("*.ipynb"))


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    """Notebooks hold prose and code; outputs are made by whoever runs them."""
    cells = json.loads(path.read_text())["cells"]
    assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_is_mostly_prose_and_short_cells(path: Path) -> None:
    """At least two cells in five are prose, and no code cell is longer than twelve lines."""
    cells = json.loads(path.read_text())["cells"]
    prose = [cell for cell in cells if cell["cell_type"] == "markdown"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(prose) >= 0.4 * len(cells)
    assert [cell["id"] for cell in code if len("".join(cell["source"]).splitlines()) > 12] == []
