"""`workbook watch` and `workbook alerts`: monitoring in the shell."""

from __future__ import annotations

from helpers.watch.command import alerts_command, watch_command

__all__ = ["alerts_command", "watch_command"]
