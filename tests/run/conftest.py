"""Small notebooks, and a place to run them in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

#: Writes what 04_report would write, without measuring anything.
REPORT = """
import os
from pathlib import Path
folder = Path(os.environ["WORKBOOK_REPORT_DIR"])
for name in ("report.md", "report.html", "report.json"):
    (folder / name).write_text("made by a test")
"""


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook with a line of prose before each code cell."""
    parts = [part for cell in cells for part in (new_markdown_cell("Look:"), new_code_cell(cell))]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=parts), path)


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """A folder with one notebook that works and one that writes the report."""
    folder = tmp_path / "notebooks"
    write_notebook(folder / "00_first.ipynb", "print('first')", "1 + 1")
    write_notebook(folder / "04_report.ipynb", REPORT)
    return folder


def wait_for(condition: Callable[[], object], limit_s: float = 60.0) -> None:
    """Wait until something is so. Blocking."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {limit_s:.0f} s"
        time.sleep(0.05)


def descendants_of(marker: str) -> list[psutil.Process]:
    """Processes that carry a marker in their environment: whoever was started from a run, however detached."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("WORKBOOK_TEST_MARKER") == marker:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `workbook …` in an environment that names no project; ends what is still there afterwards."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "WORKBOOK_"))}
        cache = {name: value for name, value in os.environ.items() if name == "WORKBOOK_CACHE_DIR"}
        chosen = {
            **kept,
            **cache,
            "WORKBOOK_ENV_FILE": str(tmp_path / "none.env"),
            "WORKBOOK_TEST_MARKER": str(tmp_path),
            "COLUMNS": "200",
            **(env or {}),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers", *arguments],
            env=chosen,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
