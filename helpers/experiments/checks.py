"""Checks of a policy as the real server makes them, in the database alone, and the plan that explains their cost."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import psutil
import psycopg
from psycopg.rows import DictRow

from helpers.errors import FailureError
from helpers.experiments.tables import OwnTable
from helpers.profiling.processes import cpu_s
from helpers.query_plans import EXPLAIN, Plan, become

__all__ = ["CHANGES", "Explained", "change_us", "claims_of", "explain"]

ROLE = "authenticated"
LIMIT_MS = 10_000

#: Changes that are asked about in one measurement, so that what it takes to call for it does not count.
CHANGES = 8

#: As `realtime.apply_rls` goes about it: the question is prepared for each change, and then for each subscription the
#: role and the claims are set, the question is asked, and the role is given back.
_ASK = f"""
create or replace function pg_temp.workbook_ask(question text, claims text[]) returns void language plpgsql as $$
declare
    one text;
    seen boolean;
begin
    for change in 1 .. {CHANGES} loop
        execute 'prepare workbook_check as ' || question;
        foreach one in array claims loop
            perform set_config('role', 'authenticated', true), set_config('request.jwt.claims', one, true);
            execute 'execute workbook_check' into seen;
            perform set_config('role', 'none', true);
        end loop;
        execute 'deallocate workbook_check';
    end loop;
end
$$
"""


@dataclass(frozen=True, slots=True)
class Explained:
    """Two questions under one policy.

    Attributes:
        by_key: one row by its key, as Realtime asks for each change and subscriber.
        whole: all rows that the user may see, as a list in the application asks.
    """

    by_key: Plan
    whole: Plan


def claims_of(users: Sequence[str]) -> list[str]:
    """Of the tokens of these users, as the database gets them."""
    return [json.dumps({"role": ROLE, "aud": ROLE, "sub": user}) for user in users]


async def change_us(table: OwnTable, row_id: int, claims: Sequence[str]) -> float:
    """Microseconds of CPU for a change that is asked about for all these claims, one after the other.

    It is the CPU time of the database's process where that runs on this Linux; elsewhere it is wall time.

    Raises:
        FailureError: a policy fails.
    """
    await table.run(_ASK)
    question = f"select exists (select from {table.quoted} where id = {row_id:d})"
    (backend,) = await table.run("select pg_backend_pid() as pid")
    clock = _clock(backend["pid"])
    async with table.connection.transaction():
        before = clock()
        await table.run("select pg_temp.workbook_ask(%s, %s::text[])", [question, list(claims)])
        return 1e6 * (clock() - before) / CHANGES


def _clock(pid: int) -> Callable[[], float]:
    """Other work on the machine does not move a process's own clock; but only Linux reads it finely enough."""
    if not sys.platform.startswith("linux"):
        return time.perf_counter
    return partial(cpu_s, psutil.Process(pid))


async def explain(table: OwnTable, row_id: int, claims: str) -> Explained:
    """Both questions under role and claims, in a transaction that is rolled back.

    Raises:
        FailureError: a policy fails, or the database's user may not take the role.
    """
    async with table.connection.transaction(force_rollback=True):
        try:
            await become(table.connection, ROLE, claims, limit_ms=LIMIT_MS)
        except psycopg.Error as error:
            happened = (error.diag.message_primary or type(error).__name__).rstrip(".")
            advice = "Set DATABASE_URL to a user that is a member of it, such as postgres"
            raise FailureError(f"asking policies as the role {ROLE}", happened, advice) from None
        by_key = _plan(await table.run(f"{EXPLAIN} select 1 from {table.quoted} where id = {row_id:d}"))
        whole = _plan(await table.run(f"{EXPLAIN} select * from {table.quoted}"))
    return Explained(by_key, whole)


def _plan(rows: Sequence[DictRow]) -> Plan:
    return Plan.read(rows[0]["QUERY PLAN"][0])
