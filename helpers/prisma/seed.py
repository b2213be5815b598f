"""The rows that every target starts with, from the files in `data/seed`."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from helpers.database_url import libpq_url, without_password
from helpers.errors import PrismaError
from helpers.places import repository_root
from helpers.target import Target

__all__ = ["SEED", "SEED_ROOM", "SEED_USERS", "seed"]

SEED = repository_root() / "data" / "seed"

#: The open room with most of the messages, of which all of SEED_USERS are members.
SEED_ROOM = 123
#: The members that the files speak of: name -> `sub` of a token that makes one of them.
SEED_USERS = {
    name: f"{number:08x}-0000-4000-8000-{number:012x}"
    for number, name in enumerate(("ada", "ben", "cleo", "dev", "eva"), start=1)
}

#: In the order of their foreign keys.
TABLES = ("rooms", "members", "messages")
#: Beyond this JavaScript rounds integers; ids that the sequences make stay below.
EXACT_IN_JAVASCRIPT = 2**53
CONNECT_TIMEOUT_S = 10

_Connection = psycopg.AsyncConnection[TupleRow]


async def seed(target: Target, folder: Path = SEED) -> int:
    """Put the seed rows into `target.schema`; rows that are there already stay as they are.

    Returns:
        How many rows were new.

    Raises:
        PrismaError: no database, or its tables are not those of the migrations.
    """
    tried = f"seeding the schema {target.schema!r}"
    if not target.database_url:
        raise PrismaError(tried, "there is no database to write to", "Set DATABASE_URL")
    url = libpq_url(target.database_url)
    files = {table: (folder / f"{table}.csv").read_bytes() for table in TABLES}
    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            await connection.execute(sql.SQL("set local search_path to {}").format(sql.Identifier(target.schema)))
            return sum([await _load(connection, table, rows) for table, rows in files.items()])
    except psycopg.Error as error:
        reason = without_password(str(error).strip().splitlines()[0], url).rstrip(".")
        raise PrismaError(tried, reason, "Check DATABASE_URL, and that the migrations are deployed") from error


async def _load(connection: _Connection, table: str, text: bytes) -> int:
    """COPY a file's text into a table of the same shape, and from there what is new."""
    header = text.partition(b"\n")[0].decode().split(",")
    names = {
        "table": sql.Identifier(table),
        "staged": sql.Identifier(f"seed_{table}"),
        "columns": sql.SQL(", ").join(map(sql.Identifier, header)),
    }
    await connection.execute(
        sql.SQL("create temporary table {staged} (like {table} including defaults) on commit drop").format(**names)
    )
    copy = sql.SQL("copy {staged} ({columns}) from stdin (format csv, header match)").format(**names)
    async with connection.cursor().copy(copy) as rows:
        await rows.write(text)
    added = await connection.execute(
        sql.SQL("insert into {table} select * from {staged} on conflict do nothing").format(**names)
    )
    if "id" in header:
        await _advance_sequence(connection, table)
    return added.rowcount


async def _advance_sequence(connection: _Connection, table: str) -> None:
    """The seed names its ids itself, so the sequence has to be told."""
    query = sql.SQL(
        "select setval({sequence}, greatest(max(id), nextval({sequence}))) from {table} where id < {limit}"
    ).format(
        sequence=sql.SQL("pg_get_serial_sequence({}, 'id')").format(table),
        table=sql.Identifier(table),
        limit=EXACT_IN_JAVASCRIPT,
    )
    await connection.execute(query)
