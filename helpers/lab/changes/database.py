"""Connections to the lab's database."""

from __future__ import annotations

import psycopg
from psycopg import AsyncConnection

__all__ = ["connect"]


async def connect(database: str, application: str, statement_timeout_s: float) -> AsyncConnection:
    """A connection in autocommit whose text output is that of the payloads: ISO times in UTC, bytes in hex.

    Raises:
        psycopg.OperationalError: when the database does not answer within 10 s.
    """
    options = {
        "statement_timeout": str(round(statement_timeout_s * 1000)),
        "timezone": "UTC",
        "datestyle": "ISO",
        "intervalstyle": "postgres",
        "bytea_output": "hex",
        "extra_float_digits": "1",
        "search_path": "public,extensions,realtime",
        "log_min_messages": "fatal",  # each look at a slot would say so in the log
    }
    return await psycopg.AsyncConnection.connect(
        database,
        autocommit=True,
        application_name=application,
        connect_timeout=10,
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
    )
