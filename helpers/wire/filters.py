"""The grammar of filters in `postgres_changes`.

    filter     = condition *( "," condition )            commas mean AND, there is no OR
    condition  = column "=" [ "not." ] operator "." value
    value      = anything; inside double quotes or parentheses a comma does not separate
    value of in = "(" item *( "," item ) ")"              at most 100 items
    value of is = "null" | "true" | "false" | "unknown"

The grammar is the server's (supabase/realtime, `subscriptions.ex`), its limits those of the database function
`realtime.subscription_check_filters`. The texts that the server would answer are from recordings of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from helpers.wire._text import encode_json

__all__ = [
    "MAX_IN_VALUES",
    "Condition",
    "FilterError",
    "Operator",
    "check_conditions",
    "parse_conditions",
    "parse_filter",
]

#: `subscription_check_filters.sql`: "too many values for `in` filter. Maximum 100"
MAX_IN_VALUES = 100

_IS_VALUES = ("null", "true", "false", "unknown")


class Operator(StrEnum):
    """What a filter can ask of a column."""

    EQ = "eq"
    NEQ = "neq"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    LIKE = "like"
    ILIKE = "ilike"
    IS = "is"
    MATCH = "match"
    IMATCH = "imatch"
    ISDISTINCT = "isdistinct"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter. `value` is a tuple for `in`, text for all other operators."""

    column: str
    operator: Operator
    value: str | tuple[str, ...]
    negated: bool = False


class FilterError(ValueError):
    """A filter that the server will not take.

    Attributes:
        message: what is wrong with it and how it is written right.
        server_says: the words of the server about it: of its parser after ``Error parsing `filter` params: ``, or of
            its database.
    """

    def __init__(self, message: str, server_says: str) -> None:
        super().__init__(message)
        self.message = message
        self.server_says = server_says


def parse_filter(text: str) -> tuple[Condition, ...]:
    """The conditions of a filter, all of which must hold; none for an empty text.

    Raises:
        FilterError: the grammar or the limits forbid it. Whether the column exists and the value fits its type only
            the database knows.
    """
    conditions = parse_conditions(text)
    check_conditions(conditions)
    return conditions


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """As `parse_filter`, without the limits: what the server's parser takes before the database looks at it."""
    if not text:
        return ()
    return tuple(_condition(segment, text) for segment in _split(text))


def check_conditions(conditions: tuple[Condition, ...]) -> None:
    """The limits that the database sets.

    Raises:
        FilterError: more than 100 values of `in`, or an `is` of something else than null, true, false, unknown.
    """
    for condition in conditions:
        if condition.operator is Operator.IN and len(condition.value) > MAX_IN_VALUES:
            raise FilterError(
                f"the filter on {condition.column!r} lists {len(condition.value)} values; `in` takes at most "
                f"{MAX_IN_VALUES}: split the subscription, or filter on a column that groups the rows",
                f"too many values for `in` filter. Maximum {MAX_IN_VALUES}",
            )
        if condition.operator is Operator.IS and condition.value not in _IS_VALUES:
            raise FilterError(
                f"the filter on {condition.column!r} asks `is.{condition.value}`; `is` compares only with "
                f"{', '.join(_IS_VALUES)}: write `eq.{condition.value}` for any other value",
                "invalid value for is filter: must be null, true, false, or unknown",
            )


def _condition(segment: str, text: str) -> Condition:
    if not segment:
        raise FilterError(
            f"the filter {text!r} has an empty condition: remove the extra comma",
            "filter must not contain empty segments (check for extra commas)",
        )
    column, equals, rest = segment.partition("=")
    if not equals or not column:
        raise FilterError(
            f"the filter {segment!r} has no column and `=`: write it as column=operator.value, for example "
            "room_id=eq.123 (in JavaScript, an undefined variable becomes the text 'undefined')",
            _listed(segment) if not equals else _listed(*rest.split(".", 1)),
        )
    negated = rest.startswith("not.")
    name, _, value = rest.removeprefix("not.").partition(".")
    if name not in Operator.__members__.values() or "." not in rest.removeprefix("not."):
        raise FilterError(_unknown_operator(column, rest), _listed(*rest.split(".", 1)))
    operator = Operator(name)
    return Condition(column, operator, _value(column, operator, value), negated)


def _unknown_operator(column: str, rest: str) -> str:
    name = rest.removeprefix("not.").partition(".")[0]
    if name in Operator.__members__.values():
        return f"the filter on {column!r} has no value: write {column}={name}.value"
    known = ", ".join(Operator)
    return f"the filter on {column!r} has no operator {name!r}: the operators are {known}, each with `not.` before it"


def _value(column: str, operator: Operator, value: str) -> str | tuple[str, ...]:
    if operator is not Operator.IN:
        return _unquoted(value)
    if not (value.startswith("(") and value.endswith(")")) or len(value) < 2:
        raise FilterError(
            f"the values of `in` on {column!r} are not in parentheses: write {column}=in.(1,2,3)",
            "`in` filter value must be wrapped by parentheses",
        )
    inner = value[1:-1]
    return tuple(_unquoted(item.strip()) for item in _split(inner)) if inner else ()


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value


def _listed(*parts: str) -> str:
    """As Elixir prints a list of strings."""
    return "[" + ", ".join(encode_json(part).decode() for part in parts) + "]"


def _split(text: str) -> Iterator[str]:
    """The parts between the commas that stand neither in double quotes nor in parentheses."""
    start, depth, quoted, escaped = 0, 0, False, False
    for position, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif char == "," and not depth:
            yield text[start:position]
            start = position + 1
    yield text[start:]
