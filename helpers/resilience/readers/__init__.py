"""Ways to read what was committed."""

from __future__ import annotations

from helpers.resilience.readers.rest import RestLogReader, RestRowReader
from helpers.resilience.readers.sql import SqlLogReader, SqlRowReader

__all__ = ["RestLogReader", "RestRowReader", "SqlLogReader", "SqlRowReader"]
