"""`workbook review`: what an application does with Realtime, what is wrong with it, and a plan with measured gains."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from helpers.results import save_result, write_atomically
from helpers.review.faces import as_json, as_sarif, as_text, schema
from helpers.review.findings import Severity
from helpers.review.plan.model import Plan
from helpers.review.reviewing import Review, review

__all__ = ["review_command", "write_plan"]

#: Exit codes. 2 (the input) and 130 (interrupted) are those of every command.
CLEAN, FAILURES, WARNINGS = 0, 1, 3
#: How a line begins, and its style on a terminal.
STYLES = {"✗": "bold red", "!": "yellow", "·": "cyan", "–": "dim"}


def review_command(arguments: argparse.Namespace) -> int:
    """Review, print, and tell the outcome by the exit code.

    Args:
        arguments: `path`, `json`, `json_schema`, `sarif` (a file or None), `all`, `plan` (whether), `usage` (a file or
            None), `out` (a folder for diffs and SQL, or None).

    Raises:
        WorkbookError: there is nothing at the path, a file cannot be written, or the lab did not start.
        KeyboardInterrupt: Ctrl-C, or SIGTERM; everything that was started is gone by then.
    """
    if arguments.json_schema:
        _print(schema().rstrip())
        return CLEAN
    found = review(arguments.path)
    plan = asyncio.run(_planned(found, arguments)) if arguments.plan or arguments.out else None
    if arguments.sarif:
        write_atomically(arguments.sarif, as_sarif(found).encode())
    if arguments.out and plan is not None:
        write_plan(plan, arguments.out)
    text = as_json(found, plan) if arguments.json else as_text(found, plan, everything=arguments.all)
    _print(text.rstrip())
    if plan is not None:
        _keep_for_report(found, plan)
    return _exit_code(found)


def _keep_for_report(found: Review, plan: Plan) -> None:
    """Among the results, from which notebook 04 makes the report."""
    from helpers.review.reviewed import reviewed

    save_result("review", reviewed(found, plan))


def _exit_code(found: Review) -> int:
    severities = {finding.severity for finding in found.findings}
    return FAILURES if Severity.FAILURE in severities else WARNINGS if Severity.WARNING in severities else CLEAN


async def _planned(found: Review, arguments: argparse.Namespace) -> Plan:
    """Measure the plan in a lab; SIGTERM ends that as Ctrl-C does: in order."""
    from helpers.review.plan.planning import make_plan
    from helpers.review.plan.usage import Usage

    usage = Usage.from_toml(arguments.usage) if arguments.usage else None
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # where there are no such signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await make_plan(found.inventory, found.findings, usage=usage)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def write_plan(plan: Plan, folder: Path) -> None:
    """A patch for each change, in order, and one migration; nothing where there is nothing to write."""
    for number, change in enumerate(plan.changes, 1):
        if change.diff:
            name = re.sub(r"[^\w.]+", "-", change.id)  # an id holds a path
            write_atomically(folder / f"{number:02}-{name}.patch", change.diff.encode())
    statements = [f"-- {change.title}\n{change.sql}" for change in plan.changes if change.sql]
    if statements:
        write_atomically(folder / "migration.sql", ("\n\n".join(statements) + "\n").encode())


def _print(text: str) -> None:
    """To standard output, coloured only on a terminal that wants it. A reader that goes away early is no error."""
    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    console = Console(highlight=False, color_system=None if plain else "auto")
    try:
        for number, line in enumerate(text.splitlines()):
            console.print(Text(line, "bold" if number == 0 else STYLES.get(line[:1], "")), soft_wrap=True)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be flushed at the end
