"""One check of a policy as the real server makes it, in the database alone, and the plan that explains its cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import DictRow

from helpers.errors import FailureError
from helpers.experiments.tables import OwnTable
from helpers.query_plans import EXPLAIN, Plan, become

__all__ = ["Explained", "check_us", "claims_of", "explain"]

ROLE = "authenticated"
LIMIT_MS = 10_000

#: As `realtime.apply_rls` goes about it: the question is prepared for each change, and then for each subscription the
#: role and the claims are set, the question is asked, and the role is given back.
_ASK = """
create or replace function pg_temp.workbook_ask(question text, claims text[]) returns double precision
language plpgsql as $$
declare
    one text;
    seen boolean;
    began timestamptz := clock_timestamp();
begin
    execute 'prepare workbook_check as ' || question;
    foreach one in array claims loop
        perform set_config('role', 'authenticated', true), set_config('request.jwt.claims', one, true);
        execute 'execute workbook_check' into seen;
        perform set_config('role', 'none', true);
    end loop;
    execute 'deallocate workbook_check';
    return extract(epoch from clock_timestamp() - began);
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


async def check_us(table: OwnTable, row_id: int, claims: Sequence[str]) -> float:
    """Microseconds for each check, when one change is asked about for all these claims, one after the other.

    Wall time in the database; on a machine with other work it holds what that took.

    Raises:
        FailureError: a policy fails.
    """
    await table.run(_ASK)
    question = f"select exists (select from {table.quoted} where id = {row_id:d})"
    async with table.connection.transaction():
        (row,) = await table.run("select pg_temp.workbook_ask(%s, %s::text[]) as seconds", [question, list(claims)])
    return float(1e6 * row["seconds"] / len(claims))


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
