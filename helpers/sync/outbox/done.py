"""The server's memory of idempotency keys: what makes a write that is sent twice be done once."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

__all__ = ["drop_done_writes", "install_done_writes", "trim_done_writes"]


async def install_done_writes(connection: psycopg.AsyncConnection[Any], *, schema: str = "public") -> None:
    """Make the table `done_writes` in the schema of the tables that are written to. Again, it changes nothing."""
    text = (files("helpers.sync.outbox") / "sql" / "done_writes.sql").read_text()
    await connection.execute(text.replace("{schema}", sql.Identifier(schema).as_string(connection)).encode())


async def drop_done_writes(connection: psycopg.AsyncConnection[Any], *, schema: str = "public") -> None:
    """Remove it: what is sent again afterwards is done again."""
    await connection.execute(sql.SQL("drop table if exists {}.done_writes").format(sql.Identifier(schema)))


async def trim_done_writes(
    connection: psycopg.AsyncConnection[Any], older_than_s: float, *, schema: str = "public"
) -> int:
    """Forget keys that are older; returns how many. Outboxes that were away for longer may do a write twice."""
    query = sql.SQL("delete from {}.done_writes where at < now() - make_interval(secs => %s)")
    return (await connection.execute(query.format(sql.Identifier(schema)), [older_than_s])).rowcount
