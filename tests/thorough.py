"""How often something is tried, and how many of something there are: enough for a fault to show, or all that was meant.

`WORKBOOK_THOROUGH=yes` takes all of it, and several times the time.
"""

from __future__ import annotations

import os

__all__ = ["THOROUGH", "so_many"]

THOROUGH = os.environ.get("WORKBOOK_THOROUGH") == "yes"


def so_many(quick: int, thorough: int) -> int:
    """The first number, or the second in a thorough run."""
    return thorough if THOROUGH else quick
