"""`workbook new-workshop` and `workbook site` in the shell."""

from __future__ import annotations

import argparse

from rich.console import Console

from helpers.workshop.making import new_workshop
from helpers.workshop.site import make_site

__all__ = ["site_command", "workshop_command"]


def site_command(arguments: argparse.Namespace) -> int:
    """Make the site and say where it begins.

    Args:
        arguments: `out`, `executed` (folders).

    Raises:
        WorkbookError: see `make_site`.
    """
    page = make_site(arguments.out, arguments.executed)
    Console(highlight=False).print(str(page), soft_wrap=True)
    return 0


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
