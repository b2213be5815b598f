"""Break a table on purpose, let the diagnosis find it, run the fix that it prints, and look again."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from helpers.diagnosis.diagnosing import diagnose
from helpers.diagnosis.evidence import TableName
from helpers.diagnosis.render import checks_as_html
from helpers.diagnosis.results import Check
from helpers.errors import FailureError, InputError
from helpers.target import Target

__all__ = ["EXERCISES", "Mending", "break_and_mend"]

#: By rule, what breaks a healthy table of that (quoted) name.
EXERCISES: dict[str, Callable[[str], str]] = {
    "tables_published": lambda table: f"alter publication supabase_realtime drop table {table}",
    "select_granted": lambda table: f"revoke all on {table} from anon, authenticated",
    "rls_with_policy": lambda table: f"drop policy own on {table}",
    "policies_wrapped": lambda table: f"alter policy own on {table} using (user_id = auth.uid())",
    "tables_with_primary_key": lambda table: f"alter table {table} drop column id",
}
CONNECT_LIMIT_S = 4


@dataclass(frozen=True, slots=True)
class Mending:
    """What the diagnosis said about a broken table, and after its own fix was run.

    `before` and `after` hold the rule's check and the server's own verdict; with `skipped` nothing was done.
    """

    broken: str = ""
    before: tuple[Check, ...] = ()
    after: tuple[Check, ...] = ()
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"Skipped, because {self.skipped}."
        before, after = ("\n".join(map(str, checks)) for checks in (self.before, self.after))
        return f"Broken with: {self.broken}\n\n{before}\n\nAfter the fix was run:\n\n{after}"

    def _repr_html_(self) -> str:
        if self.skipped:
            return f"<p>{self}</p>"
        return f"<p>Broken</p>{checks_as_html(self.before)}<p>After the fix was run</p>{checks_as_html(self.after)}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


async def break_and_mend(target: Target, rule_id: str) -> Mending:
    """Make a healthy table in the workbook's schema, break it so that `rule_id` fires, and cure it by the printed fix.

    The table is dropped afterwards. Where nothing may be written, the result says what to set.

    Raises:
        InputError: there is no exercise of that name.
        FailureError: the database refuses.
    """
    if rule_id not in EXERCISES:
        raise InputError(
            "choosing an exercise", f"there is none for {rule_id!r}", f"Take one of {', '.join(EXERCISES)}"
        )
    if not target.writes_allowed or not target.database_url:
        return Mending(skipped="nothing may be written here: set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes")
    try:
        async with _healthy_table(target.database_url, target.schema) as (connection, table):
            return await _broken_and_mended(target, rule_id, connection, table)
    except psycopg.Error as error:
        happened = (error.diag.message_primary or type(error).__name__).rstrip(".")
        raise FailureError("breaking and mending a table", happened, "Check DATABASE_URL and its role") from None


async def _broken_and_mended(
    target: Target, rule_id: str, connection: psycopg.AsyncConnection, table: TableName
) -> Mending:
    broken = EXERCISES[rule_id](table.quoted)
    await connection.execute(broken)
    before = await _looked_at(target, table, rule_id)
    await connection.execute(before[0].fix)
    return Mending(broken, before, await _looked_at(target, table, rule_id))


async def _looked_at(target: Target, table: TableName, rule_id: str) -> tuple[Check, Check]:
    diagnosis = await diagnose(target, tables=[table.quoted], repeats=1)
    return diagnosis.check(rule_id), diagnosis.check("tables_subscribed")


@asynccontextmanager
async def _healthy_table(database_url: str, schema: str) -> AsyncIterator[tuple[psycopg.AsyncConnection, TableName]]:
    table = TableName(schema, f"exercise_{secrets.token_hex(3)}")
    connection = await psycopg.AsyncConnection.connect(
        database_url, autocommit=True, connect_timeout=CONNECT_LIMIT_S, prepare_threshold=None
    )
    async with connection:
        try:
            await connection.execute(_healthy(table.quoted))
            yield connection, table
        finally:
            await connection.execute(f"drop table if exists {table.quoted}")


def _healthy(table: str) -> str:
    return f"""
        create table {table} (id uuid primary key default gen_random_uuid(), user_id uuid, body text);
        alter table {table} replica identity full;
        grant select on {table} to authenticated;
        alter table {table} enable row level security;
        create policy own on {table} for select to authenticated using (user_id = (select auth.uid()));
        alter publication supabase_realtime add table {table};
    """
