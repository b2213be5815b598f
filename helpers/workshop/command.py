"""`workbook new-workshop` in the shell."""

from __future__ import annotations

import argparse

from rich.console import Console

from helpers.workshop.making import new_workshop

__all__ = ["workshop_command"]


def workshop_command(arguments: argparse.Namespace) -> int:
    """Make the folder and say how to go on.

    Args:
        arguments: `folder`.

    Raises:
        WorkbookError: see `new_workshop`.
    """
    written = new_workshop(arguments.folder)
    notebooks = sum(path.suffix == ".ipynb" for path in written)
    console = Console(highlight=False)
    console.print(f"{notebooks} notebooks without solutions are in {arguments.folder}.", soft_wrap=True)
    console.print(f"Open them with: uv run jupyter lab {arguments.folder}/notebooks", soft_wrap=True)
    return 0
