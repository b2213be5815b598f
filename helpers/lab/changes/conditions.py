"""Conditions of filters, compiled for the type of the column they look at.

The truth is PostgreSQL's: the real server casts both sides to the column's type and lets SQL compare. Where Python
gives the same answer (equality of types with one text form, order of numbers, `like` on text) it compares here; every
other condition is asked of the database, once for all values of a batch.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection, sql

from helpers.lab.changes.types import PgType
from helpers.wire.filters import Operator

__all__ = ["Check", "compile_check", "evaluate_in_database"]

Answer = bool | None  # None is SQL's NULL, which never lets a change through
Evaluate = Callable[[str | None], Answer]

# Types whose equal values have one and the same text.
_ONE_TEXT = frozenset({"bool", "int2", "int4", "int8", "text", "varchar", "uuid", "date", "timestamp", "timestamptz"})
_NUMBERS: dict[str, Callable[[str], Any]] = {
    "int2": int,
    "int4": int,
    "int8": int,
    "float4": float,
    "float8": float,
    "numeric": Decimal,
}
_ORDER = {
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
}
_EQUALITY = frozenset({Operator.EQ, Operator.NEQ, Operator.IN, Operator.ISDISTINCT})
_UNCERTAIN = frozenset({"json", "jsonb", "bytea"})
_SYMBOLS = {
    Operator.EQ: "=",
    Operator.NEQ: "!=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LIKE: "like",
    Operator.ILIKE: "ilike",
    Operator.MATCH: "~",
    Operator.IMATCH: "~*",
    Operator.ISDISTINCT: "is distinct from",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One condition. Two are equal if they ask the same of the same column.

    Attributes:
        column: the column's name.
        pg_type: the column's type.
        operator: of the filter.
        literal: the filter's value as SQL takes it, an array literal for `in`.
        negated: whether the filter says `not.`.
        evaluate: answers for a column's value as text (None is null); None when only the database can tell.
        equals: the texts one of which the value must be, if that is all the condition asks; else None.
    """

    column: str
    pg_type: PgType
    operator: Operator
    literal: str
    negated: bool
    evaluate: Evaluate | None = field(compare=False)
    equals: frozenset[str] | None

    @property
    def fallible(self) -> bool:
        """Whether the database may fail at it, so that it is asked although another condition has decided.

        The JSON of arrays, composites and some JSON values does not cast back; literals of `bytea` are not checked
        before.
        """
        return self.evaluate is None and (_casts_badly(self.pg_type) or self.pg_type.base_name in _UNCERTAIN)


def compile_check(
    column: str, pg_type: PgType, operator_: Operator, literal: str, negated: bool, texts: Sequence[str | None]
) -> Check:
    """Compile a condition. `texts` are its values as the database writes them (several for `in`)."""
    positive = _positive(pg_type, operator_, literal, texts)
    evaluate = _negate(positive) if positive and negated else positive
    equals = None
    if operator_ in (Operator.EQ, Operator.IN) and positive and not negated:
        equals = frozenset(text for text in texts if text is not None)
    return Check(column, pg_type, operator_, literal, negated, evaluate, equals)


async def evaluate_in_database(
    connection: AsyncConnection, check: Check, values: Sequence[str | None]
) -> dict[str | None, Answer]:
    """Ask the database about distinct values.

    Raises:
        psycopg.Error: when a value or the literal cannot be cast, or the type lacks the operator.
    """
    type_name = _raw(check.pg_type.sql_name)
    if check.operator is Operator.IN:
        condition = sql.SQL("value::{type} = any(%s::{type}[])").format(type=type_name)
    elif check.operator is Operator.IS:
        condition = sql.SQL("value::{type} is null and %s = 'null'").format(type=type_name)
    else:
        symbol = sql.SQL(_SYMBOLS[check.operator])
        condition = sql.SQL("value::{type} {symbol} %s::{type}").format(type=type_name, symbol=symbol)
    query = sql.SQL("select value, {condition} from unnest(%s::text[]) value").format(condition=condition)
    cursor = await connection.execute(query, (check.literal, list(values)))
    answers: dict[str | None, Answer] = dict(await cursor.fetchall())
    if check.negated:
        return {value: None if answer is None else not answer for value, answer in answers.items()}
    return answers


def _raw(text: str) -> sql.SQL:
    return sql.SQL(text.replace("%", "%%"))


def _negate(evaluate: Evaluate) -> Evaluate:
    def negated(value: str | None) -> Answer:
        answer = evaluate(value)
        return None if answer is None else not answer

    return negated


def _positive(pg_type: PgType, operator_: Operator, literal: str, texts: Sequence[str | None]) -> Evaluate | None:
    if operator_ is Operator.IS:
        return None if _casts_badly(pg_type) else _is(literal)
    if operator_ is Operator.LIKE and pg_type.base_name == "text":
        return _like(literal)
    if operator_ in _ORDER:
        return _ordered(pg_type, operator_, texts)
    one_text = not pg_type.element_oid and (pg_type.base_name in _ONE_TEXT or pg_type.kind == "e")
    return _equality(operator_, texts) if one_text and operator_ in _EQUALITY else None


def _casts_badly(pg_type: PgType) -> bool:
    """Whether no value survives the way from the type to JSON and back."""
    return bool(pg_type.element_oid) or pg_type.kind == "c"


def _is(literal: str) -> Evaluate:
    if literal in ("null", "unknown"):
        return lambda value: value is None
    return lambda value: value == literal


def _like(pattern: str) -> Evaluate | None:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    if parts and parts[-1] == "\\":
        return None  # the database has its own words about that
    wild = {"%": ".*", "_": "."}
    expression = re.compile("".join(wild.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)
    return lambda value: None if value is None else expression.fullmatch(value) is not None


def _ordered(pg_type: PgType, operator_: Operator, texts: Sequence[str | None]) -> Evaluate | None:
    number = _NUMBERS.get(pg_type.base_name)
    text = texts[0]
    if number is None or text is None or not text[-1].isdigit():
        return None
    bound, compare = number(text), _ORDER[operator_]
    return lambda value: None if value is None else bool(compare(number(value), bound))


def _equality(operator_: Operator, texts: Sequence[str | None]) -> Evaluate:
    if operator_ is Operator.IN:
        if not texts:
            return lambda value: False  # even for null
        values, otherwise = frozenset(texts) - {None}, None if None in texts else False
        return lambda value: None if value is None else (value in values or otherwise)
    text = texts[0]
    if operator_ is Operator.EQ:
        return lambda value: None if value is None else value == text
    if operator_ is Operator.NEQ:
        return lambda value: None if value is None else value != text
    return lambda value: value != text  # is distinct from
