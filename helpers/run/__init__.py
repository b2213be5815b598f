"""`workbook run`: notebooks in their order, and the report, all or nothing."""

from __future__ import annotations

from helpers.run.command import run_command
from helpers.run.settings import Settings

__all__ = ["Settings", "run_command"]
