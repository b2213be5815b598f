"""`workbook doctor` and `workbook explain`: the diagnosis in a shell, for a person or for a program."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import groupby

from rich.console import Console
from rich.text import Text

from helpers import session, workspace
from helpers.diagnosis import Diagnosis, diagnose
from helpers.diagnosis.document import as_json, schema
from helpers.diagnosis.explaining import explain
from helpers.diagnosis.pages import AREAS, all_pages
from helpers.diagnosis.summary import as_summary
from helpers.errors import SettingsError
from helpers.review.pages import AREAS as REVIEW_AREAS
from helpers.review.pages import review_pages
from helpers.target import Target

__all__ = ["doctor_command", "explain_command"]

#: Exit codes. 2 (the input) and 130 (interrupted) are those of every command.
HEALTHY, FAILURES, WARNINGS = 0, 1, 3
#: How a line begins, and its style on a terminal.
STYLES = {"✗": "bold red", "!": "yellow", "·": "cyan", "✓": "green", "–": "dim"}


def doctor_command(arguments: argparse.Namespace) -> int:
    """Diagnose, print, and tell the outcome by the exit code.

    Args:
        arguments: `target` (``"lab"``, ``"env"`` or None), `table` (names or None), `project` (a folder or None),
            `repeats`, `watch` (seconds or None), `json`, `json_schema`, `all`.

    Raises:
        WorkbookError: `.env` or an option cannot be used, or the lab did not start.
        KeyboardInterrupt: Ctrl-C, or SIGTERM; everything that was started is gone by then.
    """
    if arguments.json_schema:
        _print(schema().rstrip())
        return HEALTHY
    _check(arguments)
    diagnosis = asyncio.run(_until_terminated(arguments))
    _print(as_json(diagnosis).rstrip() if arguments.json else as_summary(diagnosis, everything=arguments.all))
    return FAILURES if diagnosis.failures else WARNINGS if diagnosis.warnings else HEALTHY


def explain_command(arguments: argparse.Namespace) -> int:
    """Print the pages that fit `text`, or without one the name and the title of each rule."""
    if not arguments.text:
        _print(_index())
        return HEALTHY
    explanation = explain(" ".join(arguments.text), review_pages())
    _print(str(explanation))
    return HEALTHY if explanation.pages else FAILURES


def _index() -> str:
    areas = list(dict.fromkeys((*AREAS.values(), *REVIEW_AREAS.values())))
    pages = sorted((*all_pages(), *review_pages()), key=lambda page: areas.index(page.area))
    parts = groupby(pages, lambda page: page.area)
    return "\n\n".join("\n".join([area, *(f"  {page.id:<30} {page.title}" for page in pages)]) for area, pages in parts)


def _check(arguments: argparse.Namespace) -> None:
    """Options that no diagnosis could be made with are told before anything is begun."""
    folder, tried = arguments.project, "reading the options"
    if folder is not None and not folder.is_dir():
        raise SettingsError(tried, f"--project {folder} is not a folder", "Name the folder of your application")
    if arguments.repeats < 1:
        raise SettingsError(tried, f"--repeats {arguments.repeats} is no number of runs", "Take 1 or more")
    if arguments.watch is not None and not 0 < arguments.watch < math.inf:
        raise SettingsError(tried, f"--watch {arguments.watch:g} is no time", "Take seconds, for example 60")


async def _until_terminated(arguments: argparse.Namespace) -> Diagnosis:
    """SIGTERM ends a diagnosis as Ctrl-C does: in order."""
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # where there are no such signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        with _progress() as report:
            async with _target(arguments.target, report) as target:
                return await diagnose(
                    target,
                    tables=arguments.table,
                    repeats=arguments.repeats,
                    progress=report,
                    project=arguments.project,
                    watch_s=arguments.watch,
                )
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@asynccontextmanager
async def _target(asked: str | None, report: Callable[[str], None]) -> AsyncIterator[Target]:
    """The project as `.env` names it, in which nothing is written; or a lab of its own with the workbook's tables."""
    if session.which_target(asked) == "env":
        yield replace(session.env_target(session.read_settings()), writes_allowed=False)
        return
    from helpers.lab import Lab  # imports the web stack, which a project does not need

    report("Starting the lab")
    async with Lab() as lab:
        await workspace.fill(lab.target)
        yield lab.target


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is being done, on the last line of a terminal; nowhere else."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda line: None
        return
    with console.status("") as status:
        yield lambda line: status.update(Text(line))


def _print(text: str) -> None:
    """To standard output, coloured only on a terminal that wants it. A reader that goes away early is no error."""
    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    console = Console(highlight=False, color_system=None if plain else "auto")
    try:
        for number, line in enumerate(text.splitlines()):
            style = "bold" if number == 0 else STYLES.get(line[:1], "")
            console.print(Text(line, style), soft_wrap=True)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be flushed at the end
