"""`workbook run` in the shell."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import time
from pathlib import Path

from rich.console import Console

from helpers import session
from helpers.places import repository_root
from helpers.run.light import without_address_grammar
from helpers.run.settings import Settings

__all__ = ["run_command"]


def run_command(arguments: argparse.Namespace) -> int:
    """Run the workbook, and say where report and notebooks are.

    Args:
        arguments: `target` (``"lab"``, ``"env"`` or None), `out` and `notebooks` (folders or None), `all` (also
            those that the report does not need), `size` (of the experiments, which asks for all, or None).

    Raises:
        WorkbookError: see `run_workbook`.
        KeyboardInterrupt: Ctrl-C, or SIGTERM; everything that was started is gone by then.
    """
    which = session.which_target(arguments.target)
    if which == "env":
        session.env_target(session.read_settings())  # a mistake in .env is told before anything is begun
    settings = Settings(
        which,
        arguments.out or Path("output"),
        arguments.notebooks or repository_root() / "notebooks",
        arguments.all or arguments.size is not None,
        _checked_size(arguments.size),
    )
    console = Console()
    began = time.monotonic()
    out = asyncio.run(_until_terminated(settings, console))
    _print_places(console, out, time.monotonic() - began)
    return 0


def _checked_size(size: str | None) -> str | None:
    """A mistake in it is told before anything is begun."""
    if size is None:
        return None
    from helpers.experiments import experiment_size  # imports all that measures; who does not ask need not wait for it

    return experiment_size(size)


async def _until_terminated(settings: Settings, console: Console) -> Path:
    """SIGTERM ends a run as Ctrl-C does: in order."""
    with without_address_grammar():  # Jupyter takes long to import all the same; a wrong URL need not wait for it
        from helpers.run.workbook import run_workbook

    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # where there are no such signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await run_workbook(settings, console)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _print_places(console: Console, out: Path, seconds: float) -> None:
    console.print(f"\nDone in {seconds:.0f} s.", highlight=False)
    for label, name in (("Report", "report.html"), ("as Markdown", "report.md"), ("as JSON", "report.json")):
        console.print(f"  {label:<20}{out / name}", highlight=False, soft_wrap=True)
    console.print(f"  {'Executed notebooks':<20}{out / 'notebooks'}", highlight=False, soft_wrap=True)
    console.print("\nTo step through them yourself: [bold]uv run jupyter lab notebooks[/bold]", highlight=False)
