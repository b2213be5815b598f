"""Evaluates a filter's conditions in the database, one by one, as the server does for each change.

The server casts both sides to the column's type and lets SQL compare; an error in any condition is an error of the
whole (`check_equality_op` and `is_visible_through_filters` of supabase/realtime).
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import AsyncConnection, sql

from helpers.diagnosis.arrival.database import apart, sentence
from helpers.diagnosis.arrival.facts import Cells, ConditionResult, TableColumn, TableFacts
from helpers.wire.filters import Condition, Operator

__all__ = ["evaluate_conditions"]

_SYMBOLS = {
    Operator.EQ: "=",
    Operator.NEQ: "!=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.IN: "= any",
    Operator.LIKE: "like",
    Operator.ILIKE: "ilike",
    Operator.MATCH: "~",
    Operator.IMATCH: "~*",
}


async def evaluate_conditions(
    connection: AsyncConnection, table: TableFacts, conditions: Sequence[Condition], cells: Cells
) -> tuple[ConditionResult, ...]:
    """The answer of each condition about these values: the new row's, or what is left of a deleted one."""
    return tuple([await _evaluate(connection, table, condition, cells) for condition in conditions])


async def _evaluate(
    connection: AsyncConnection, table: TableFacts, condition: Condition, cells: Cells
) -> ConditionResult:
    text, column = shown(condition), table.column(condition.column)
    if column is None or condition.column not in cells:
        return ConditionResult(text, condition.column, None, None, missing=True)
    value = cells[condition.column].compared
    try:
        async with apart(connection):
            found = await (await connection.execute(_question(condition, column, value))).fetchone()
    except psycopg.Error as error:
        return ConditionResult(text, condition.column, value, None, error=sentence(error))
    answer = found[0] if found else None
    if condition.negated and answer is not None and condition.operator not in (Operator.IS, Operator.ISDISTINCT):
        answer = not answer
    return ConditionResult(text, condition.column, value, answer)


def _question(condition: Condition, column: TableColumn, value: str | None) -> sql.Composed:
    kind, negation = sql.SQL(column.type_sql), sql.SQL("not " if condition.negated else "")
    if condition.operator is Operator.ISDISTINCT:
        return sql.SQL("select {}::{} is {}distinct from {}::{}").format(value, kind, negation, condition.value, kind)
    if condition.operator is Operator.IS:
        return sql.SQL("select {}::{} is {}{}").format(value, kind, negation, sql.SQL(condition.value))
    array = sql.SQL("[]" if condition.operator is Operator.IN else "")
    return sql.SQL("select {}::{} {} ({}::{}{})").format(
        value, kind, sql.SQL(_SYMBOLS[condition.operator]), condition.value, kind, array
    )


def shown(condition: Condition) -> str:
    """As the filter says it."""
    return f"{condition.column}={'not.' if condition.negated else ''}{condition.operator}.{condition.value}"
