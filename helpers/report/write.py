"""Writes a report to a folder: Markdown with its pictures, one HTML page, and JSON."""

from __future__ import annotations

import os
from pathlib import Path

from helpers.places import repository_root
from helpers.report.build import build_report
from helpers.report.document import as_json
from helpers.report.html import as_html
from helpers.report.inputs import Inputs
from helpers.report.markdown import as_markdown
from helpers.report.pictures import pictures
from helpers.results import write_atomically

__all__ = ["report_dir", "write_report"]


def report_dir() -> Path:
    """Where the report goes: `WORKBOOK_REPORT_DIR`, else `output` in the repository."""
    override = os.environ.get("WORKBOOK_REPORT_DIR")
    return Path(override) if override else repository_root() / "output"


def write_report(folder: Path | None = None) -> Path:
    """Make the report from the results and write `report.md`, `report.html`, `report.json` and `pictures/`.

    Returns:
        The folder.

    Raises:
        RunError: nothing has been measured yet, or the folder cannot be written.
    """
    folder = folder or report_dir()
    inputs = Inputs.load()
    report, drawn = build_report(inputs), pictures(inputs)
    for picture in drawn:
        write_atomically(folder / "pictures" / f"{picture.name}.png", picture.light_png)
    write_atomically(folder / "report.md", as_markdown(report, drawn).encode())
    write_atomically(folder / "report.html", as_html(report, drawn).encode())
    write_atomically(folder / "report.json", as_json(report))
    return folder
