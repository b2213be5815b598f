"""Which messages of a workload a filter lets through: told beforehand, so that what is missing can be counted."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from helpers.errors import SettingsError
from helpers.profiling.ledger import Bools
from helpers.profiling.workloads.workload import Value, Workload
from helpers.wire.filters import Condition, FilterError, Operator, parse_filter

__all__ = ["matches"]

_TRIED = "planning the audience"

_ORDER: dict[Operator, Any] = {
    Operator.LT: lambda value, bound: value < bound,
    Operator.LTE: lambda value, bound: value <= bound,
    Operator.GT: lambda value, bound: value > bound,
    Operator.GTE: lambda value, bound: value >= bound,
}


def matches(workload: Workload, row_filter: str | None) -> Bools:
    """One element for each message: whether its row passes the filter; without a filter all do.

    Raises:
        SettingsError: it is no filter, or names a column or an operator whose outcome cannot be told beforehand.
    """
    passing = np.ones(workload.messages, dtype=np.bool_)
    for condition in _conditions(row_filter):
        turns = workload.turns.get(condition.column)
        if turns is None:
            known = ", ".join(workload.turns) or "none"
            happened = f"the filter {row_filter!r} asks for a column that the workload does not fill (it fills {known})"
            raise SettingsError(_TRIED, happened, "Name the column's values in Workload.columns")
        fits = np.array([_passes(condition, value) for value in turns])
        passing &= np.resize(fits, workload.messages)
    return passing


def _conditions(row_filter: str | None) -> tuple[Condition, ...]:
    try:
        return parse_filter(row_filter) if row_filter else ()
    except FilterError as error:
        raise SettingsError(_TRIED, f"the filter {row_filter!r}: {error.message}", "Correct the filter") from None


def _passes(condition: Condition, value: Value) -> bool:
    if value is None:  # as in SQL: NULL compared is unknown, negated or not
        return False
    return _compared(condition, value) != condition.negated


def _compared(condition: Condition, value: Value) -> bool:
    operator, items = condition.operator, [_as(value, item) for item in condition.items]
    own = _as(value, str(value).lower() if isinstance(value, bool) else str(value))
    if operator in (Operator.EQ, Operator.IN):
        return own in items
    if operator is Operator.NEQ:
        return own not in items
    if operator in _ORDER and isinstance(own, Decimal) and isinstance(items[0], Decimal):
        return bool(_ORDER[operator](own, items[0]))
    happened = f"what {operator} does with {value!r} cannot be told without the database"
    raise SettingsError(_TRIED, happened, "Compare numbers, or use eq, neq or in")


def _as(like: Value, text: str) -> Decimal | str:
    """A number where the column holds numbers, else the text."""
    if isinstance(like, bool | str):
        return text
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
