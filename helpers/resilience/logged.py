"""Puts tables under a change log, and takes them out again. For whoever may alter them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from helpers.errors import FailureError, InputError
from helpers.resilience.catalog import asked, key_columns

__all__ = ["drop_change_log", "install_change_log", "leave_change_log", "logged_tables", "trim_change_log"]

_TRIGGER = "workbook_record_change"


async def install_change_log(
    connection: psycopg.AsyncConnection[Any],
    tables: Sequence[str],
    *,
    schema: str = "public",
    publication: str = "supabase_realtime",
    readers: Sequence[str] = ("service_role",),
) -> None:
    """Write a log of the changes of some tables from now on, and publish it. Running it again changes nothing.

    Args:
        connection: of a role that owns the tables.
        tables: in `schema`, where the log will be as well.
        readers: roles that may read it, and with it every row of these tables.

    Raises:
        InputError: there is no such table, or it has no primary key.
        FailureError: the database refuses.
    """
    try:
        await _install(connection, tables, schema, publication, readers)
    except psycopg.Error as error:
        happened = (str(error).strip() or type(error).__name__).splitlines()[0]
        advice = "Connect as the owner of the tables, in a database of Supabase"
        raise FailureError(f"putting {', '.join(tables)} under a change log", happened, advice) from None


async def _install(
    connection: psycopg.AsyncConnection[Any],
    tables: Sequence[str],
    schema: str,
    publication: str,
    readers: Sequence[str],
) -> None:
    async with connection.transaction():
        text = (files("helpers.resilience") / "sql" / "change_log.sql").read_text()
        name = sql.Identifier(schema)
        await connection.execute(text.replace("{schema}", name.as_string(connection)).encode())
        for reader in readers:
            await _grant(connection, schema, reader)
        await _publish(connection, schema, publication)
        for table in tables:
            await _attach(connection, schema, table)


async def drop_change_log(connection: psycopg.AsyncConnection[Any], *, schema: str = "public") -> None:
    """Remove the log, its functions and its triggers."""
    name = sql.Identifier(schema)
    async with connection.transaction():
        await connection.execute(sql.SQL("drop function if exists {}.record_change() cascade").format(name))
        for function in ("change_log_page", "change_log_now", "change_log_trim", "change_log_history"):
            await connection.execute(sql.SQL("drop function if exists {}.{}").format(name, sql.Identifier(function)))
        await connection.execute(sql.SQL("drop table if exists {0}.change_log, {0}.change_log_trimmed").format(name))


async def logged_tables(connection: psycopg.AsyncConnection[Any], *, schema: str = "public") -> list[str]:
    """Which tables of a schema are under a change log."""
    query = """
        select c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where t.tgname = %s and c.relnamespace = to_regnamespace(quote_ident(%s)) order by 1
    """
    return [name for (name,) in await asked(connection, query, [_TRIGGER, schema])]


async def leave_change_log(
    connection: psycopg.AsyncConnection[Any], tables: Sequence[str], *, schema: str = "public"
) -> None:
    """Write no log of the changes of some tables any more; the log stays, with what it has of them."""
    async with connection.transaction():
        for table in tables:
            for trigger in (_TRIGGER, f"{_TRIGGER}_truncate"):
                statement = sql.SQL("drop trigger if exists {} on {}")
                await connection.execute(statement.format(sql.Identifier(trigger), sql.Identifier(schema, table)))


async def trim_change_log(
    connection: psycopg.AsyncConnection[Any], older_than_s: float, *, schema: str = "public"
) -> int:
    """Delete entries older than that; returns how many. Who was away for longer has to read the table anew."""
    query = sql.SQL("select {}.change_log_trim(now() - make_interval(secs => %s))").format(sql.Identifier(schema))
    [(count,)] = await asked(connection, query, [older_than_s])
    return int(count)


async def _grant(connection: psycopg.AsyncConnection[Any], schema: str, reader: str) -> None:
    names = {"schema": sql.Identifier(schema), "reader": sql.Identifier(reader)}
    for statement in (
        "grant usage on schema {schema} to {reader}",
        "grant select on {schema}.change_log, {schema}.change_log_trimmed to {reader}",
        "grant execute on function {schema}.change_log_page(text, bigint, bigint[], bigint, integer), "
        "{schema}.change_log_now(text), {schema}.change_log_history() to {reader}",
    ):
        await connection.execute(sql.SQL(statement).format(**names))


async def _publish(connection: psycopg.AsyncConnection[Any], schema: str, publication: str) -> None:
    found = await asked(
        connection,
        "select from pg_publication_tables where (pubname, schemaname, tablename) = (%s, %s, 'change_log')",
        [publication, schema],
    )
    if not found:
        statement = sql.SQL("alter publication {} add table {}.change_log")
        await connection.execute(statement.format(sql.Identifier(publication), sql.Identifier(schema)))


async def _attach(connection: psycopg.AsyncConnection[Any], schema: str, table: str) -> None:
    names = {
        "schema": sql.Identifier(schema),
        "table": sql.Identifier(table),
        "rows": sql.Identifier(_TRIGGER),
        "all": sql.Identifier(f"{_TRIGGER}_truncate"),
    }
    key = sql.SQL(", ").join(sql.Literal(column) for column in await _key_of(connection, schema, table))
    for statement in (
        "create or replace trigger {rows} after insert or update or delete on {schema}.{table} "
        "for each row execute function {schema}.record_change({key})",
        "create or replace trigger {all} after truncate on {schema}.{table} "
        "for each statement execute function {schema}.record_change()",
    ):
        await connection.execute(sql.SQL(statement).format(**names, key=key))


async def _key_of(connection: psycopg.AsyncConnection[Any], schema: str, table: str) -> list[str]:
    if found := await key_columns(connection, schema, table):
        return found
    tried = f"putting {schema}.{table} under a change log"
    raise InputError(
        tried, "it has no primary key, or there is no such table", "Check the name, or give it a primary key"
    )
