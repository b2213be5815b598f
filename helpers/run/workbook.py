"""A whole run: lab or project, notebooks in order, report, output folder."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import textwrap
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console

from helpers import session
from helpers.errors import RunError
from helpers.results import write_atomically
from helpers.run.folder import OutputFolder, open_folder
from helpers.run.kernel import CellFailed, execute
from helpers.run.progress import Bars
from helpers.run.secrets import SECRET_VARIABLES, Redactor
from helpers.run.settings import Settings
from helpers.session import Which
from helpers.target import Target

__all__ = ["run_workbook"]

#: What nbformat raises for JSON that it did not expect, beside its own errors.
_NO_NOTEBOOK = (ValueError, AttributeError, KeyError, TypeError)

#: The folder, in that of the notebooks, of those that a run takes on demand; others say so in their metadata.
EXPERIMENTS = "experiments"
ON_DEMAND = "workbook_on_demand"
#: Run last.
REPORT = "04_report.ipynb"

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


async def run_workbook(settings: Settings, console: Console) -> Path:
    """Execute the notebooks and publish report, notebooks and results; returns the output folder.

    Nothing is published unless everything succeeded. However it ends, lab, kernels and tables of the workbook are gone.

    Raises:
        RunError: a notebook failed, or the folder cannot be used.
        TargetError, ConnectionFailed, LabError, NodeError, PrismaError: there is nothing to run against.
    """
    notebooks = _read_all(settings.notebooks)
    if settings.everything:
        notebooks |= _read_all(settings.notebooks, EXPERIMENTS)
    else:
        notebooks = {name: book for name, book in notebooks.items() if not book.metadata.get(ON_DEMAND)}
    with open_folder(settings.out) as folder:
        async with _target(settings.which, console) as target:
            folder.begin_with("monitoring", str(target))  # days of watching are not lost to a notebook's minute
            await _Run(folder, target, settings, console).execute_all(notebooks)
        folder.publish()
    return folder.path


def _read_all(home: Path, part: str = "") -> dict[str, Any]:
    """The notebooks of a folder in `home`, in order, by their names from there."""
    folder = home / part
    tried = f"reading the notebooks in {folder}"
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        try:
            found[str(Path(part, path.name))] = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        except (*_NO_NOTEBOOK, nbformat.ValidationError):
            raise RunError(tried, f"{path.name} is not a notebook", "Restore it from the repository") from None
    if not found:
        raise RunError(tried, "there is none", "Run it from a clone of the repository")
    return found


@contextlib.asynccontextmanager
async def _target(which: Which, console: Console) -> AsyncIterator[Target]:
    """The target of the whole run, with the workbook's tables in it."""
    try:
        with console.status("Starting the lab …" if which == "lab" else "Connecting to the project …"):
            target = await session.connect(which)
        yield target
    finally:
        await session.disconnect()


class _Run:
    """Executes notebooks against one target, into one staging folder."""

    def __init__(self, folder: OutputFolder, target: Target, settings: Settings, console: Console) -> None:
        self._folder = folder
        self._target = target
        self._settings = settings
        self._console = console
        self._redactor = Redactor(target)

    async def execute_all(self, notebooks: Mapping[str, Any]) -> None:
        """Execute in order, stop at the first failure.

        Raises:
            RunError: with the failing cell, its error, and where the notebook lies as far as it came.
        """
        notebooks = dict(sorted(notebooks.items(), key=lambda item: item[0] == REPORT))  # it tells what the others saw
        cells = {name: sum(cell.cell_type == "code" for cell in book.cells) for name, book in notebooks.items()}
        with Bars(cells, self._console) as bars, tempfile.TemporaryDirectory(prefix="workbook-") as scratch:
            environment = self._environment()
            for name, book in notebooks.items():
                bars.begin(name)
                await self._execute(name, book, environment, Path(scratch), bars)
        self._redactor.clean(self._folder.staging)
        if not (self._folder.staging / "report.html").exists():
            raise RunError("writing the report", "no notebook wrote one", "Restore 04_report.ipynb from the repository")

    async def _execute(self, name: str, book: Any, environment: Mapping[str, str], scratch: Path, bars: Bars) -> None:
        written = self._folder.staging / "notebooks" / name
        try:
            await execute(
                book, (self._settings.notebooks / name).parent, environment, scratch, lambda: bars.advance(name)
            )
        except CellFailed as failed:
            self._write(book, written)
            raise _stopped(name, failed, self._redactor, self._folder.keep_failed(written)) from None
        self._write(book, written)

    def _write(self, book: Any, path: Path) -> None:
        """Without secrets, and with the place where things will lie in the end."""
        text: str = nbformat.writes(book)  # type: ignore[no-untyped-call]
        text = text.replace(str(self._folder.staging), str(self._folder.path))
        write_atomically(path, self._redactor(text).encode())

    def _environment(self) -> dict[str, str]:
        """Everything but the secrets of the shell, and the target of this run."""
        kept = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
        return {
            **kept,
            **session.lend(self._target),
            "WORKBOOK_RESULTS_DIR": str(self._folder.staging / "results"),
            "WORKBOOK_REPORT_DIR": str(self._folder.staging),
            "DO_NOT_TRACK": "1",
        } | ({"WORKBOOK_SIZE": self._settings.size} if self._settings.size else {})


def _stopped(name: str, failed: CellFailed, redactor: Redactor, kept: Path) -> RunError:
    source = textwrap.indent(failed.source, "    ")
    reason = _COLOUR.sub("", redactor(failed.reason)).rstrip(".")
    return RunError(
        f"running {name}",
        f"cell {failed.number} failed\n\n{source}\n\n{reason}",
        f"See the notebook as far as it came: {kept}",
    )
