"""`workbook compare`: two reports beside each other in a shell."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from helpers.errors import InputError
from helpers.report.comparing import Verdict, compare
from helpers.report.document import read_json
from helpers.report.model import Report

__all__ = ["compare_command"]


def compare_command(arguments: argparse.Namespace) -> int:
    """Print what changed.

    Args:
        arguments: `before` and `after`, paths of two `report.json`.

    Returns:
        1 if a figure became worse, else 0.

    Raises:
        InputError: a file cannot be read, or holds no report.
    """
    found = compare(_read(arguments.before), _read(arguments.after))
    Console(highlight=False, markup=False).print(str(found), soft_wrap=True)
    return 1 if any(change.verdict is Verdict.WORSE for change in found.changes) else 0


def _read(path: Path) -> Report:
    try:
        return read_json(path.read_bytes(), str(path))
    except OSError as error:
        tried, happened = f"reading the report {path}", error.strerror or str(error)
        raise InputError(tried, happened, "Name the report.json of a run: output/report.json") from None
