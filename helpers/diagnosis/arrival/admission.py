"""Whether the server takes the subscription, in the order in which it asks (`subscription_check_filters`)."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import AsyncConnection, sql

from helpers.diagnosis.arrival.database import apart, as_server_says, sentence
from helpers.diagnosis.arrival.facts import Question, TableColumn, TableFacts
from helpers.wire.filters import MAX_IN_VALUES, Condition, FilterError, Operator, parse_conditions

__all__ = ["NOT_PUBLISHED", "refusal"]

NOT_PUBLISHED = (
    "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given connect "
    "parameters"
)
_IS_VALUES = ("null", "true", "false", "unknown")
#: Operators of text, and the operator of PostgreSQL that the column's type must have.
_TEXT_OPERATORS = {Operator.LIKE: "~~", Operator.ILIKE: "~~", Operator.MATCH: "~", Operator.IMATCH: "~*"}


class _Objection(Exception):  # noqa: N818 - what the server's function raises
    def __init__(self, message: str) -> None:
        super().__init__(f"ERROR P0001 (raise_exception) {message}")


async def refusal(
    connection: AsyncConnection, question: Question, tables: Sequence[TableFacts], role_exists: bool
) -> str:
    """The server's words when it refuses the subscription, without the parameters it repeats; empty if it does not.

    Args:
        tables: all published ones that the binding's name fits.
        role_exists: whether the token's role is one of the database.
    """
    try:
        conditions = parse_conditions(question.filter or "")
    except FilterError as error:
        return f"Error parsing `filter` params: {error.server_says}"
    if not tables:
        return NOT_PUBLISHED
    if not role_exists:
        return f'Exception: ERROR 42704 (undefined_object) role "{question.role}" does not exist'
    try:
        for table in tables:
            await _check(connection, table, conditions, question.select or ())
    except _Objection as objection:
        return f"Exception: {objection}"
    except psycopg.Error as error:
        return f"Exception: {as_server_says(error)}"
    return ""


async def _check(
    connection: AsyncConnection, table: TableFacts, conditions: Sequence[Condition], select: Sequence[str]
) -> None:
    readable = {column.name: column for column in table.columns if column.readable}
    for condition in conditions:
        if condition.column not in readable:
            raise _Objection(f"invalid column for filter {condition.column}")
        await _check_condition(connection, condition, readable[condition.column])
    for name in select:
        if name not in readable:
            raise _Objection(f"invalid column for select {name}")


async def _check_condition(connection: AsyncConnection, condition: Condition, column: TableColumn) -> None:
    if condition.operator is Operator.IN:
        query = sql.SQL("select coalesce(jsonb_array_length(to_jsonb({}::{}[])), 0)")
        if await _asked(connection, query.format(condition.value, sql.SQL(column.type_sql))) > MAX_IN_VALUES:
            raise _Objection(f"too many values for `in` filter. Maximum {MAX_IN_VALUES}")
    elif condition.operator is Operator.IS:
        if condition.value not in _IS_VALUES:
            raise _Objection("invalid value for is filter: must be null, true, false, or unknown")
        if condition.value != "null" and column.type_sql != "boolean":
            raise _Objection(f"is {condition.value} filter requires a boolean column, got {column.type_sql}")
    elif condition.operator in _TEXT_OPERATORS:
        await _check_text_operator(connection, condition, column)
    elif column.type_sql != "bytea":  # whose literals are not cast before a change comes
        query = sql.SQL("select to_jsonb({}::{})")
        await _asked(connection, query.format(condition.value, sql.SQL(column.type_sql)))


async def _check_text_operator(connection: AsyncConnection, condition: Condition, column: TableColumn) -> None:
    query = sql.SQL(
        "select count(*) from pg_operator where oprname = {} and oprleft = {}::oid and oprresult = 'boolean'::regtype"
    )
    symbol = _TEXT_OPERATORS[condition.operator]
    if not await _asked(connection, query.format(symbol, sql.SQL(str(column.type_oid)))):
        raise _Objection(f"operator {condition.operator} requires a text-compatible column type, got {column.type_sql}")
    if condition.operator in (Operator.MATCH, Operator.IMATCH):
        try:
            await _asked(connection, sql.SQL("select ('' ~ {})::int").format(condition.value))
        except psycopg.Error as error:
            raise _Objection(
                f"invalid regular expression for {condition.operator} filter: {sentence(error)}"
            ) from error


async def _asked(connection: AsyncConnection, query: sql.Composed) -> int:
    async with apart(connection):
        found = await (await connection.execute(query)).fetchone()
    return found[0] if found and isinstance(found[0], int) else 0
