"""A run: every notebook or nothing, and no secret, no process and no table left behind."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import nbformat
import psutil
import psycopg
import pytest
from rich.console import Console

from helpers import session
from helpers.errors import RunError
from helpers.lab import Lab
from helpers.run.settings import Settings
from helpers.run.workbook import run_workbook
from tests.run.conftest import REPORT, wait_for, write_notebook


@pytest.fixture
async def borrowed_lab(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Runs in this process take the tests' lab instead of starting one each."""
    monkeypatch.setattr(session, "_session", None)

    async def open_lab() -> session._Session:
        return session._Session(lab.target)

    monkeypatch.setattr(session, "_open_lab", open_lab)
    return lab


async def run(notebooks: Path, out: Path, *, everything: bool = False, size: str | None = None) -> str:
    """Run a folder of notebooks; what the person saw."""
    seen = io.StringIO()
    await run_workbook(Settings("lab", out, notebooks, everything, size), Console(file=seen, width=120))
    return seen.getvalue()


def outputs(notebook: Path) -> str:
    """All outputs of a notebook as one text."""
    cells = nbformat.read(notebook, as_version=4).cells
    return json.dumps([cell.outputs for cell in cells if cell.cell_type == "code"])


async def test_all_notebooks_are_run(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """A run leaves report and executed notebooks, shows a bar for each, and changes no notebook of the repository."""
    before = (notebooks / "00_first.ipynb").read_bytes()
    seen = await run(notebooks, tmp_path / "out")
    assert "first" in outputs(tmp_path / "out" / "notebooks" / "00_first.ipynb")
    assert (tmp_path / "out" / "report.html").read_text() == "made by a test"
    assert "00_first.ipynb" in seen
    assert "2/2" in seen
    assert (notebooks / "00_first.ipynb").read_bytes() == before
    assert [path.name for path in (tmp_path / "out").glob(".run-*")] == []


async def test_experiments_are_run_on_demand(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """They follow the other notebooks, in the size that was asked for, and lie in a folder of their own."""
    write_notebook(notebooks / "experiments" / "10_size.ipynb", "import os\nprint('size', os.environ['WORKBOOK_SIZE'])")
    made = tmp_path / "out" / "notebooks" / "experiments" / "10_size.ipynb"
    await run(notebooks, tmp_path / "out")
    assert not made.exists()
    await run(notebooks, tmp_path / "out", everything=True, size="full")
    assert "size full" in outputs(made)


async def test_notebooks_that_the_report_does_not_need_wait_to_be_asked_for(
    borrowed_lab: Lab, notebooks: Path, tmp_path: Path
) -> None:
    """They say so in their metadata."""
    write_notebook(notebooks / "05_more.ipynb", "print('more')")
    book = nbformat.read(notebooks / "05_more.ipynb", as_version=4)
    book.metadata["workbook_on_demand"] = True
    nbformat.write(book, notebooks / "05_more.ipynb")
    seen = await run(notebooks, tmp_path / "out")
    assert "05_more" not in seen
    (notebooks / "experiments").mkdir()
    write_notebook(notebooks / "experiments" / "10_more.ipynb", "1 + 1")
    seen = await run(notebooks, tmp_path / "out", everything=True)
    assert "05_more" in seen


async def test_notebook_gets_the_target_of_the_run(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """`connect` in a notebook gives the target that the run has opened, without any key in the kernel's variables."""
    code = """
from helpers.session import connect, disconnect
import os
target = await connect()
print(target, target.writes_allowed, sorted(name for name in os.environ if "KEY" in name or name == "DATABASE_URL"))
await disconnect()
"""
    write_notebook(notebooks / "01_target.ipynb", code)
    await run(notebooks, tmp_path / "out")
    expected = f"{borrowed_lab.target} True []"
    assert expected in outputs(tmp_path / "out" / "notebooks" / "01_target.ipynb")


async def test_failing_cell_stops_the_run(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """The error names notebook, cell, code and reason; the notebook is kept as far as it came, the rest is not run."""
    write_notebook(notebooks / "01_bad.ipynb", "print('so far')", "x = 1\nx / 0", "print('never')")
    out = tmp_path / "out"
    with pytest.raises(RunError) as caught:
        await run(notebooks, out)
    message = str(caught.value)
    assert "01_bad.ipynb" in message
    assert "cell 4" in message
    assert "x / 0" in message
    assert "ZeroDivisionError: division by zero" in message
    assert str(out / "failed" / "01_bad.ipynb") in message
    assert "so far" in outputs(out / "failed" / "01_bad.ipynb")
    assert "ZeroDivisionError" in outputs(out / "failed" / "01_bad.ipynb")
    assert sorted(path.name for path in out.iterdir()) == [".lock", "failed"]


async def test_next_run_clears_the_failure(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """After a run that succeeds no failed notebook lies about."""
    write_notebook(notebooks / "01_bad.ipynb", "1 / 0")
    with pytest.raises(RunError):
        await run(notebooks, tmp_path / "out")
    (notebooks / "01_bad.ipynb").unlink()
    await run(notebooks, tmp_path / "out")
    assert not (tmp_path / "out" / "failed").exists()


async def test_error_of_the_workbook_shows_its_advice(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """An error of ours in a notebook is shown as its sentence and advice, without a stack trace."""
    code = "from helpers.profiling import Constant, Workload\nWorkload(rate=Constant(10**9))"
    write_notebook(notebooks / "01_bad.ipynb", code)
    with pytest.raises(RunError, match="Choose per_s above 0 and at most 50,000"):
        await run(notebooks, tmp_path / "out")
    assert "Traceback" not in outputs(tmp_path / "out" / "failed" / "01_bad.ipynb")


async def test_dead_kernel(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """A kernel that dies stops the run with the cell that killed it."""
    write_notebook(notebooks / "01_dies.ipynb", "import os\nos._exit(1)")
    with pytest.raises(RunError, match=r"its kernel died"):
        await run(notebooks, tmp_path / "out")


async def test_cell_that_hangs(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """A cell that takes longer than its notebook allows stops the run."""
    write_notebook(notebooks / "01_hangs.ipynb", "import time\ntime.sleep(60)")
    book = nbformat.read(notebooks / "01_hangs.ipynb", as_version=4)
    book.metadata["execution"] = {"timeout": 1}
    nbformat.write(book, notebooks / "01_hangs.ipynb")
    with pytest.raises(RunError, match="longer than 1 s"):
        await run(notebooks, tmp_path / "out")
    assert [child for child in psutil.Process().children() if "ipykernel" in " ".join(child.cmdline())] == []


async def test_deliberate_failure_is_allowed(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """A cell that is tagged to raise may raise."""
    write_notebook(notebooks / "01_raises.ipynb", "1 / 0")
    book = nbformat.read(notebooks / "01_raises.ipynb", as_version=4)
    book.cells[1].metadata["tags"] = ["raises-exception"]
    nbformat.write(book, notebooks / "01_raises.ipynb")
    await run(notebooks, tmp_path / "out")


async def test_secrets_stay_inside(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """Keys and passwords that a cell prints, or writes into results or report, are masked in all that is left."""
    code = """
from helpers.session import connect
from helpers.results import results_dir
target = await connect()
print(target.secret_key, target.database_url, target.jwt_secret)
results_dir().mkdir(parents=True, exist_ok=True)
(results_dir() / "x.json").write_text(f'"{target.secret_key}"')
"""
    write_notebook(notebooks / "01_leaks.ipynb", code)
    leak = """
from helpers.session import connect
(folder / "report.md").write_text((await connect()).jwt_secret)
"""
    write_notebook(notebooks / "04_report.ipynb", REPORT, leak)
    await run(notebooks, tmp_path / "out")
    left = "".join(path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file())
    target = borrowed_lab.target
    password = psycopg.conninfo.conninfo_to_dict(target.database_url or "")["password"]
    for secret in (target.secret_key, target.database_url, target.jwt_secret, password):
        assert str(secret) not in left
    assert "sb_secret_…" in left


async def test_secret_in_a_failure(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """The message about a failed cell, and the notebook that is kept, hold no secret either."""
    write_notebook(
        notebooks / "01_bad.ipynb",
        "from helpers.session import connect\ntarget = await connect()\nraise ValueError(target.secret_key)",
    )
    with pytest.raises(RunError) as caught:
        await run(notebooks, tmp_path / "out")
    assert str(borrowed_lab.target.secret_key) not in str(caught.value)
    assert str(borrowed_lab.target.secret_key) not in (tmp_path / "out" / "failed" / "01_bad.ipynb").read_text()


async def test_run_without_a_report(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """Notebooks that write no report are no success."""
    (notebooks / "04_report.ipynb").unlink()
    with pytest.raises(RunError, match="no notebook wrote one"):
        await run(notebooks, tmp_path / "out")


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": 1}'])
async def test_notebook_that_is_none(borrowed_lab: Lab, notebooks: Path, tmp_path: Path, content: str) -> None:
    """A file that is no notebook is told before anything is begun."""
    (notebooks / "01_broken.ipynb").write_text(content)
    with pytest.raises(RunError, match=r"01_broken.ipynb is not a notebook"):
        await run(notebooks, tmp_path / "out")
    assert not (tmp_path / "out").exists()


async def test_folder_without_notebooks(borrowed_lab: Lab, tmp_path: Path) -> None:
    """An empty folder is one clear message."""
    with pytest.raises(RunError, match="there is none"):
        await run(tmp_path, tmp_path / "out")


async def test_cancelled_run_leaves_nothing(borrowed_lab: Lab, notebooks: Path, tmp_path: Path) -> None:
    """A run that is cancelled in the middle of a cell ends its kernel and publishes nothing."""
    started = tmp_path / "started"
    write_notebook(notebooks / "01_long.ipynb", f"import time\nopen({str(started)!r}, 'w').close()\ntime.sleep(60)")
    task = asyncio.create_task(run(notebooks, tmp_path / "out"))
    await asyncio.to_thread(wait_for, started.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [child for child in psutil.Process().children() if "ipykernel" in " ".join(child.cmdline())] == []
    assert not (tmp_path / "out").exists()
