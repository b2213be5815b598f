"""Runs notebooks as they are checked: every claim is asked, however many of them do not hold.

A reader's run stops at the first claim that is not so. Here cells that ask go on, so that one run tells all of them.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from helpers.run.kernel import CellFailed, execute
from helpers.workshop.learner import EXERCISE, GOES_ON, learner_version

__all__ = ["Outcome", "run_notebook"]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ASKS = re.compile(r"^\s*(expect\(|assert )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one notebook in one run.

    Attributes:
        run: its number, from 1.
        asked: cells that ask something of the run, or of an exercise's answer.
        wrong: what was said by those that do not hold, each with the cell's id.
        stopped: the cell that ended the notebook before its time; empty if none did.
    """

    notebook: str
    run: int
    seconds: float
    asked: int
    wrong: tuple[str, ...]
    stopped: str = ""

    @property
    def holds(self) -> bool:
        """Whether it ran to its end and every claim was so."""
        return not self.wrong and not self.stopped

    def __str__(self) -> str:
        said = f"run {self.run}  {self.notebook:<36}{self.seconds:6.1f} s  "
        counted = f"{self.asked - len(self.wrong)} of {self.asked} hold"
        return "\n".join([said + (self.stopped or counted), *(f"       {claim}" for claim in self.wrong)])


async def run_notebook(path: Path, run: int, kept: Path, *, learners: bool = False) -> Outcome:
    """Run a notebook in a kernel of its own, on a lab of its own.

    Args:
        run: its number.
        kept: a folder for results and report, in which a later notebook finds those of earlier ones.
        learners: take the version without solutions: each exercise then has to be told from a solved one.

    Raises:
        RunError: there is no learners' version of it.
    """
    book = _read(path, learners=learners)
    asking = [cell for cell in book.cells if cell.cell_type == "code" and _asks(cell)]
    for cell in asking:
        cell.metadata.tags = [*cell.metadata.get("tags", []), GOES_ON]
    began, stopped = time.monotonic(), ""
    with tempfile.TemporaryDirectory(prefix="workbook-checks-") as scratch:
        try:
            await execute(book, path.parent, _environment(kept), Path(scratch), lambda: None)
        except CellFailed as failed:
            stopped = f"stopped at cell {failed.number}: {_COLOUR.sub('', failed.reason).splitlines()[0]}"
    told = ((cell, _error(cell)) for cell in asking)
    wrong = [_wrong(cell, error, unsolved=learners) for cell, error in told]
    return Outcome(path.stem, run, time.monotonic() - began, len(asking), tuple(filter(None, wrong)), stopped)


def _read(path: Path, *, learners: bool) -> Any:
    source: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return nbformat.reads(json.dumps(learner_version(source) if learners else source), as_version=4)


def _asks(cell: Any) -> bool:
    return bool(_ASKS.search(cell.source)) or EXERCISE in cell.metadata.get("tags", [])


def _error(cell: Any) -> str:
    """The first line of what a cell raised; empty if it raised nothing."""
    raised = [f"{out.ename}: {out.evalue}" for out in cell.outputs if out.output_type == "error"]
    return _COLOUR.sub("", raised[0]).splitlines()[0] if raised else ""


def _wrong(cell: Any, error: str, *, unsolved: bool) -> str:
    """What is wrong with a cell that asks, by what it raised; empty if nothing is."""
    if not (unsolved and EXERCISE in cell.metadata.get("tags", [])):
        return f"{cell.id}: {error}" if error else ""
    return "" if error else f"{cell.id}: the exercise passes without an answer"


def _environment(kept: Path) -> dict[str, str]:
    """The lab is the target, whatever the shell names: only there a claim that is not so is an error."""
    places = {"WORKBOOK_RESULTS_DIR": str(kept / "results"), "WORKBOOK_REPORT_DIR": str(kept)}
    return {**os.environ, **places, "WORKBOOK_TARGET": "lab", "DO_NOT_TRACK": "1"}
