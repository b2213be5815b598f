"""Row level security for a row that need not be in the table: its policies' expressions, asked about the given values.

The server asks whether the row of that primary key exists for the role with the claims. Here the row stands in the
place of the table, under the table's name, and the policies that apply to the role stand in the condition as
PostgreSQL puts them there: all restrictive ones, and one of the permissive ones. The statement is prepared with this
connection's rights, as a policy's names are bound when it is created, and run with the role's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import psycopg
from psycopg import AsyncConnection, sql

from helpers.diagnosis.arrival.database import apart, sentence
from helpers.diagnosis.arrival.facts import Cells, Policy, PolicyResult, Question, Security, TableFacts
from helpers.diagnosis.arrival.rows import Texts, as_table
from helpers.errors import FailureError

__all__ = ["evaluate_policies", "reads_itself"]

_CLOSED = re.compile("permission denied for schema (.+)")


async def evaluate_policies(
    connection: AsyncConnection, table: TableFacts, question: Question, row: Texts, cells: Cells
) -> Security:
    """What row level security gives for this row, role and claims.

    Args:
        row: all values of the row after the change, `cells` the same as the server reads them from the log.

    Raises:
        FailureError: this connection may not act as the role, or a policy can only be asked about a stored row.
    """
    if not table.role.usage:
        return Security(None, f"permission denied for schema {table.name.schema}")
    found = await _found_by_key(connection, table, cells)
    if found.visible is not True or not table.role.secured:
        return found
    policies = [policy for policy in table.policies if policy.applies]
    source = as_table(table, row)
    results = tuple([await _alone(connection, question, policy, source) for policy in policies])
    condition = _combined(policies)
    if condition is None:
        return Security(False, results=results)
    answer = await _run(connection, question, source, condition)
    return Security(answer.visible, answer.error, results)


def reads_itself(table: TableFacts) -> tuple[str, ...]:
    """Names of policies that read the table in a subquery, where the new row is not yet."""
    name = re.escape(table.name.table)
    reading = re.compile(rf'\b(from|join)\s+\(*("?[\w$]+"?\.)?"?{name}"?(?![\w$])', re.IGNORECASE)
    return tuple(policy.name for policy in table.policies if policy.applies and reading.search(policy.using))


async def _found_by_key(connection: AsyncConnection, table: TableFacts, cells: Cells) -> Security:
    """Whether the row is found by its key as text; some types do not come back from it."""
    parts = [
        sql.SQL("{}::{} = {}").format(cells[column.name].text, sql.SQL(column.stored_sql), cells[column.name].compared)
        for column in table.key
    ]
    try:
        async with apart(connection):
            query = sql.SQL("select {}").format(sql.SQL(" and ").join(parts))
            row = await (await connection.execute(query)).fetchone()
    except psycopg.Error as error:
        return Security(None, sentence(error))
    return Security(bool(row and row[0]))


def _combined(policies: Sequence[Policy]) -> sql.Composed | None:
    """Restrictive policies first and all of them; permissive ones in the order in which PostgreSQL keeps them."""
    restrictive = [_expression(policy) for policy in policies if not policy.permissive and policy.using]
    permissive = [_expression(policy) for policy in reversed(policies) if policy.permissive and policy.using]
    if not permissive:
        return None
    anyone = sql.SQL("({})").format(sql.SQL(" or ").join(permissive))
    return sql.SQL(" and ").join([*restrictive, anyone])


def _expression(policy: Policy) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(policy.using))


async def _alone(connection: AsyncConnection, question: Question, policy: Policy, source: sql.Composed) -> PolicyResult:
    if not policy.using:
        return PolicyResult(policy, None)
    answer = await _run(connection, question, source, _expression(policy))
    return PolicyResult(policy, answer.visible, answer.error)


async def _run(
    connection: AsyncConnection, question: Question, source: sql.Composed, condition: sql.Composed
) -> Security:
    prepare = sql.SQL("prepare workbook_arrival as select exists (select from {} where {})").format(source, condition)
    async with apart(connection):
        try:
            await connection.execute(prepare)
        except psycopg.Error as error:
            raise _unanswerable(sentence(error)) from error
    try:
        return await _execute(connection, question, condition.as_string(connection))
    finally:
        await connection.execute("deallocate workbook_arrival")


async def _execute(connection: AsyncConnection, question: Question, condition: str) -> Security:
    """Run the prepared statement as the role.

    If the condition reads a table that has policies, PostgreSQL looks up its names anew with the role's rights, which
    it does not do with a policy's own.
    """
    claims = json.dumps(dict(question.claims), default=str)
    async with apart(connection):
        try:
            await connection.execute(sql.SQL("set local role {}").format(sql.Identifier(question.role)))
        except psycopg.Error as error:
            raise _not_a_member(question.role, sentence(error)) from error
        await connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        try:
            found = await (await connection.execute("execute workbook_arrival")).fetchone()
        except psycopg.Error as error:
            closed = _CLOSED.match(sentence(error))
            if closed and re.search(rf'"?{re.escape(closed[1])}"?\.', condition):
                raise _unanswerable(sentence(error)) from error
            return Security(None, sentence(error))
        return Security(bool(found and found[0]))


def _not_a_member(role: str, happened: str) -> FailureError:
    return FailureError(
        f"asking policies as the role {role}",
        happened,
        "Set DATABASE_URL to a role that is a member of it, such as postgres",
    )


def _unanswerable(happened: str) -> FailureError:
    return FailureError(
        "asking a policy about a row that is not stored",
        f"it needs what only the stored row's policy has: {happened}",
        "Write the row and listen, with `workbook doctor` beside it",
    )
