"""Ways to read what was committed."""

from __future__ import annotations

from helpers.resilience.readers.rest import RestLogReader
from helpers.resilience.readers.sql import SqlLogReader

__all__ = ["RestLogReader", "SqlLogReader"]
